"""The clocks of issues: what the log says of them, turned into what is due when. Takes a session, never commits."""

import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.audit import service as audit
from api.clocks.limits import ClockRules, Step
from api.clocks.standing import Call, Case, Phase, Standing, Turn, stand
from api.database import now
from api.issues.moving import SUBJECT
from api.issues.schemas import Extension
from api.issues.tables import Issue, Whistle, WhistleCall
from api.issues.transitions import ENDED, State

PHASES = {
    State.lead: Phase.idle,
    State.in_review: Phase.idle,
    State.open: Phase.dispatch,
    State.dispatched: Phase.accept,
    State.accepted: Phase.rectify,
    State.in_progress: Phase.rectify,
    State.suspended: Phase.suspended,
    State.rectified: Phase.verify,
    **dict.fromkeys(ENDED, Phase.ended),
}
AT_ONCE = 500


def standings(
    session: Session, issues: Sequence[Issue], rules: ClockRules, at: datetime | None = None
) -> dict[uuid.UUID, Standing]:
    """Say how issues stand against their limits, `at` a moment or now."""
    at = at or now()
    ids = [issue.id for issue in issues]
    turns, calls = _turns(session, ids), _calls(session, ids)
    return {issue.id: stand(_case(issue, turns[issue.id], calls[issue.id], rules), at, rules) for issue in issues}


def set_due(session: Session, issues: Sequence[Issue], rules: ClockRules) -> dict[uuid.UUID, Standing]:
    """Keep on issues when they are due, as the rules in force have it, so that lists can be narrowed by it.

    The one function that writes `due_at` and `step_due_at`, and by when a department that was whistled for must have
    come. It is no change of the issue: its revision stays.
    """
    found = standings(session, issues, rules)
    for issue in issues:
        standing = found[issue.id]
        issue.due_at, issue.step_due_at = standing.due_at, standing.step_due_at
    for called in _awaited(session, list(found)):
        for deadline in found[called.issue_id].deadlines:
            if deadline.step == Step.arrive and deadline.department == called.department and not deadline.stopped_at:
                called.due_at = deadline.due_at
    session.flush()
    return found


def _awaited(session: Session, ids: Sequence[uuid.UUID]) -> list[WhistleCall]:
    """Give the calls of open whistles that nobody has answered yet; a department has one at a time on an issue."""
    query = sa.select(WhistleCall).join(Whistle, Whistle.id == WhistleCall.whistle_id)
    waiting = query.where(WhistleCall.issue_id.in_(ids), Whistle.ended_at.is_(None), WhistleCall.arrived_at.is_(None))
    return list(session.scalars(waiting))


def unfinished(session: Session) -> int:
    """Count the issues whose clocks may run."""
    return session.scalar(sa.select(sa.func.count()).select_from(Issue).where(Issue.closed_at.is_(None))) or 0


def pages_of_unfinished(session: Session, *, behind: uuid.UUID | None = None) -> list[Issue]:
    """Give the next issues whose clocks may run, oldest first, behind an id."""
    query = sa.select(Issue).where(Issue.closed_at.is_(None)).order_by(Issue.id).limit(AT_ONCE)
    return list(session.scalars(query.where(Issue.id > behind) if behind else query))


def _case(issue: Issue, turns: list[Turn], calls: list[Call], rules: ClockRules) -> Case:
    now_in = Turn(at=issue.state_since, phase=PHASES[State(issue.state)])
    if not turns or turns[-1].phase is not now_in.phase:  # what has just happened stands in the log at the commit
        turns = [*turns, now_in]
    entry = rules.taxonomy.classes.get(issue.class_code)
    return Case(
        class_code=issue.class_code,
        department=issue.department or (entry.departments[0] if entry else ""),
        turns=turns,
        extended_to=issue.extended_to if issue.extension == Extension.granted else None,
        calls=calls,
    )


def _turns(session: Session, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[Turn]]:
    found: dict[uuid.UUID, list[Turn]] = defaultdict(list)
    for issue_id, at, after in _changes(session, ids):
        found[issue_id].append(Turn(at=at, phase=PHASES[State(after)]))
    return found


def _calls(session: Session, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[Call]]:
    """Give the departments that were whistled for, the oldest whistle first."""
    found: dict[uuid.UUID, list[Call]] = defaultdict(list)
    query = (
        sa.select(
            WhistleCall.issue_id, WhistleCall.department, WhistleCall.arrived_at, Whistle.called_at, Whistle.ended_at
        )
        .join(Whistle, Whistle.id == WhistleCall.whistle_id)
        .where(WhistleCall.issue_id.in_(ids))
        .order_by(WhistleCall.id)
    )
    for issue_id, department, arrived_at, called_at, ended_at in session.execute(query):
        call = Call(department=department, at=called_at, arrived_at=arrived_at, ended_at=ended_at)
        found[issue_id].append(call)
    return found


def _changes(session: Session, ids: Sequence[uuid.UUID]) -> Iterator[tuple[uuid.UUID, datetime, str]]:
    for event in audit.of_subjects(session, SUBJECT, ids):
        if event.after is not None and event.after != event.before:
            yield event.subject_id, event.at, event.after
