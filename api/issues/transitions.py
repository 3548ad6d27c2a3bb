"""The life of an issue as one table: from where, by which action, to where, and who may."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from api.accounts.roles import Permission


class State(StrEnum):
    """Where an issue stands."""

    in_review = "in_review"  # 待审核: doubtful, a person is asked
    open = "open"  # 已立案
    closed = "closed"  # 已结案
    rejected = "rejected"  # 误报


class Action(StrEnum):
    """What people do to issues."""

    confirm = "confirm"
    reject = "reject"
    close = "close"


ENDED = frozenset((State.closed, State.rejected))


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One allowed step."""

    action: Action
    to: State
    since: frozenset[State]  #: states it may start from
    needs: Permission
    needs_note: bool


TRANSITIONS = {
    step.action: step
    for step in (
        Transition(
            action=Action.confirm,
            since=frozenset((State.in_review,)),
            to=State.open,
            needs=Permission.review_issues,
            needs_note=False,
        ),
        Transition(
            action=Action.reject,
            since=frozenset((State.in_review, State.open)),
            to=State.rejected,
            needs=Permission.review_issues,
            needs_note=True,
        ),
        Transition(
            action=Action.close,
            since=frozenset((State.open,)),
            to=State.closed,
            needs=Permission.close_issues,
            needs_note=True,
        ),
    )
}


def allowed(state: State, may: Callable[[Permission], bool]) -> list[Action]:
    """Give what somebody may do to an issue in `state`."""
    return [step.action for step in TRANSITIONS.values() if state in step.since and may(step.needs)]
