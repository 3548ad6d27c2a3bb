"""Which cameras are watched, and how: what the office wants, without a word on how it is done. Pure."""

from dataclasses import dataclass, field

from detector.cameras.source import Backoff, Recording, Source, Stills
from detector.cameras.view import Known
from detector.cameras.zones import Zones

MIB = 1024 * 1024
PACE_S = 4.0  # between two looks; key frames of most street cameras lie one or two seconds apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One camera that is to be watched. Two plans that are equal ask for the same; nothing is touched then."""

    camera: str  #: the camera's id; whoever makes the plans gives each one its own
    name: str  #: for people and logs
    source: Source  #: where it is; its password stands in no repr, log line or error (see `Address`)
    zones: Zones = field(default_factory=lambda: Zones(zones=[]))
    pace_s: float = PACE_S  #: seconds between two frames that are taken up
    weight: float = 1.0  #: share of the model beside its neighbours: a camera of weight 2 gets twice as much of it
    checked: int = 0  #: counts the times somebody compared the zones with the picture; more begins the watch anew
    known: Known | None = field(default=None, compare=False, repr=False)  #: for a watch that begins: what it looked at

    def __post_init__(self) -> None:
        if not self.camera:
            raise ValueError("a camera needs an id")
        if not 0.5 <= self.pace_s <= 3600:
            raise ValueError(f"{self.name}: {self.pace_s} s between looks; from 0.5 to 3600 s it may be")
        if not 0.01 <= self.weight <= 100:
            raise ValueError(f"{self.name}: weight {self.weight}; from 0.01 to 100 it may be")

    @property
    def live(self) -> bool:
        """Say whether the source goes on by itself; a recording waits for whoever looks at it."""
        return not isinstance(self.source, Recording | Stills)

    def reads_like(self, other: "Plan") -> bool:
        """Say whether the same reading serves both: only zones, weight or name differ."""
        return (self.source, self.pace_s) == (other.source, other.pace_s)

    def sees_like(self, other: "Plan") -> bool:
        """Say whether the same watch serves both: what it has seen so far stays good."""
        return (self.source, self.zones, self.checked) == (other.source, other.zones, other.checked)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much a fleet may take, and how long it waits before it says something."""

    offline_after_s: float = 60.0  #: without a picture, before a camera is called offline
    online_after_s: float = 15.0  #: of pictures, before one that was offline is called online again
    clip_before_s: float = 8.0  #: of the stream that is kept from before an event
    clip_after_s: float = 4.0  #: and how long the telling waits for what comes after it
    clip_bytes: int = 6 * MIB  #: the most that is kept of one camera's stream
    jpeg_quality: int = 90
    stuck_after_s: float = 30.0  #: beyond the source's own limits, before a read counts as stuck and is left behind
    backoff: Backoff = field(default_factory=Backoff)
