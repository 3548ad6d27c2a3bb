"""The moments at which a clock of an issue says something: due soon, overdue, and each step of escalation. Once each.

Alarms are set from how an issue stands whenever something happens to it, or the calendar changes. The ticker goes
through those whose moment has come. What has been said once is not said again for the same run of the same clock,
whatever happens to the calendar, the machine's time or this process.
"""

import hashlib
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.audit import service as audit
from api.clocks.limits import ClockRules, length
from api.clocks.standing import Deadline, Standing
from api.database import now
from api.issues import clock
from api.issues import service as issues
from api.issues.moving import SUBJECT
from api.issues.tables import Issue
from api.notify import recipients
from api.notify.rules import Who
from api.notify.tables import Alarm
from api.points import service as points
from api.points.tables import Point

AT_ONCE = 100


class AlarmKind(StrEnum):
    """What a clock says; the actions in the log."""

    due_soon = "due_soon"
    overdue = "overdue"
    escalated = "escalated"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    run: str
    step: str
    department: str
    what: AlarmKind
    level: int
    at: datetime


def set_for(session: Session, issue_id: uuid.UUID, standing: Standing, rules: ClockRules) -> None:
    """Set what the clocks of an issue will say and when; what they have said stays said."""
    kept = {
        (row.run, row.what, row.level): row
        for row in session.scalars(sa.select(Alarm).where(Alarm.issue_id == issue_id))
    }
    wanted = {(one.run, one.what, one.level): one for one in _wanted(standing, rules)}
    for key, row in kept.items():
        if row.fired_at is None and key not in wanted:
            session.delete(row)
    for key, one in wanted.items():
        there = kept.get(key)
        if there is None:
            session.add(
                Alarm(
                    issue_id=issue_id,
                    run=one.run,
                    step=one.step,
                    department=one.department,
                    what=one.what,
                    level=one.level,
                    at=one.at,
                )
            )
        elif there.fired_at is None:
            there.at = one.at
    session.flush()


def _wanted(standing: Standing, rules: ClockRules) -> Iterator[_Wanted]:
    for one in standing.deadlines:
        if one.stopped_at is not None:
            continue
        yield _at(one, AlarmKind.due_soon, 0, one.warn_at)
        yield _at(one, AlarmKind.overdue, 0, one.due_at)
        for level, escalation in enumerate(rules.limits.escalation, start=1):
            moment = one.due_at
            if escalation.after is not None:
                amount = length(escalation.after, rules.office.hours_of(one.department))
                moment = rules.office.after(one.due_at, amount, one.department, one.clock)
            yield _at(one, AlarmKind.escalated, level, moment)


def _at(deadline: Deadline, what: AlarmKind, level: int, moment: datetime) -> _Wanted:
    extended = deadline.extended_to.isoformat() if deadline.extended_to else ""
    run = f"{deadline.step}|{deadline.department}|{deadline.since.isoformat()}|{extended}"
    return _Wanted(run=run, step=deadline.step, department=deadline.department, what=what, level=level, at=moment)


def go_off(session: Session, rules: ClockRules) -> int:
    """Let the clocks say what is due to be said now; give how much that was. The caller holds the ticker's lock."""
    at = now()
    query = sa.select(Alarm).where(Alarm.fired_at.is_(None), Alarm.at <= at).order_by(Alarm.at, Alarm.id)
    due = list(session.scalars(query.limit(AT_ONCE).with_for_update()))
    about = issues.issues_by_id(session, [one.issue_id for one in due])
    standings = clock.standings(session, list(about.values()), rules, at)
    for issue_id, standing in standings.items():  # what has happened since may have moved or stopped the clock
        set_for(session, issue_id, standing, rules)
    places = points.points_by_id(session, [issue.point_id for issue in about.values()])
    said = 0
    for alarm in due:
        if sa.inspect(alarm).deleted or alarm not in session or alarm.at > at:
            continue
        alarm.fired_at = at
        to = rules.limits.escalation[alarm.level - 1].to if alarm.level else ()
        data = {"step": alarm.step, "department": alarm.department, "at": alarm.at.isoformat(), "level": alarm.level}
        if to:
            issue = about[alarm.issue_id]
            data["posts"] = _posts(session, issue, places[issue.point_id], to, rules.limits.climbed(alarm.level))
        entry = audit.Entry(
            subject_kind=SUBJECT,
            subject_id=alarm.issue_id,
            action=alarm.what,
            data={**data, "to": list(to)},
            at=min(at, alarm.at),
        )
        audit.append(session, entry)
        said += 1
    session.flush()
    return said


def _posts(session: Session, issue: Issue, point: Point, to: Iterable[str], climbed: int) -> list[str]:
    """Give the codes of the posts that a step of escalation turns to, for the history of the issue."""
    here = recipients.About(issue=issue, point=point, departments=frozenset(), climbed=climbed)
    named = [Who(one) for one in to if one in list(Who)]
    return list(dict.fromkeys(post.code for who in named for post in recipients.posts_meant(session, here, who)))


def recompute(session: Session, rules: ClockRules, behind: uuid.UUID | None) -> tuple[uuid.UUID | None, int]:
    """Set due dates and alarms of the next unfinished issues anew; give where to go on (None: done) and how many."""
    rows = clock.pages_of_unfinished(session, behind=behind)
    standings = clock.set_due(session, rows, rules)
    for row in rows:
        set_for(session, row.id, standings[row.id], rules)
    return (rows[-1].id if len(rows) == clock.AT_ONCE else None), len(rows)


def fingerprint(rules: ClockRules, public_days: Callable[[], str]) -> str:
    """Give what tells one set of limits, hours and holidays from another."""
    content = "\n".join(
        (
            rules.limits.model_dump_json(),
            rules.office.model_dump_json(),
            rules.taxonomy.model_dump_json(include={"kinds"}),
            public_days(),
        )
    )
    return hashlib.sha256(content.encode()).hexdigest()
