"""What a watch tells: what has begun, what has ended, and that the camera looks elsewhere. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from detector.rules import Box, Certainty, Reason


class Happening(StrEnum):
    """What became of a stay, or of the camera."""

    began = "began"  # it has lasted long enough to be wrong
    lasts = "lasts"  # it is still there; told only to whoever asked
    ended = "ended"  # it is gone, which several looks have confirmed
    moved = "moved"  # the camera looks elsewhere: the zones must be checked, nothing is judged until then
    covered = "covered"  # the camera sees nothing
    restored = "restored"  # the camera looks again where it did


@dataclass(slots=True, kw_only=True, eq=False)
class Stay:
    """One event: something that is where it must not be, from beginning to end."""

    number: int
    code: str  #: class of the violation
    zone: str
    box: Box  #: pixels of the stream's picture
    confidence: float  #: 0..1, median over the looks that saw it
    certainty: Certainty
    reason: Reason
    since_s: float  #: stream time from which on it was there while the rule held
    began_s: float  #: stream time at which it had lasted long enough
    last_s: float  #: stream time at which it was last seen
    ended_s: float | None = None  #: when it was gone; None while it lasts


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Event:
    """Something that somebody should know of."""

    what: Happening
    at_s: float  #: stream time at which this became clear
    stay: Stay | None = None
