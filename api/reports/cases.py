"""Reads the audit log into cases. Whatever is counted is counted over cases, in SQL; they can be built anew any time.

One row is one run of an issue: found, opened, put right, ended. Only this file knows what the events of issues mean.
"""

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.audit import service as audit
from api.audit.tables import AuditEvent
from api.clocks.hours import OfficeHours
from api.database import Database
from api.issues import service as issues
from api.issues.tables import Issue
from api.issues.transitions import AT_WORK, ENDED, SUSPECTED, State
from api.points import service as points
from api.points.tables import Point
from api.reports.tables import Case, Progress
from detector.taxonomy import Clock, Taxonomy

AT_ONCE = 500  # events in one transaction, so that no writer waits long
_SUBJECT = "issue"
_THE_ROW = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """What is needed to understand an event beside the event."""

    taxonomy: Taxonomy
    office: OfficeHours


def catch_up(database: Database, calendar: Calendar, told: Callable[[int], None] | None = None) -> int:
    """Read what the log has gained; give how many events that were. Safe to run side by side with itself."""
    read = 0
    while True:
        with database.write() as session:
            count = read_on(session, calendar, AT_ONCE)
        read += count
        if told is not None:
            told(count)
        if count < AT_ONCE:
            return read


def behind(session: Session) -> int:
    """Give how many events of the log are not read yet."""
    return audit.head(session).seq - (session.scalar(sa.select(Progress.seq)) or 0)


def forget(session: Session) -> None:
    """Throw all cases away, so that the log is read from its beginning."""
    session.execute(sa.delete(Case))
    session.execute(sa.update(Progress).values(seq=0))


def read_on(session: Session, calendar: Calendar, limit: int) -> int:
    """Read at most `limit` events behind the last one read; give how many there were."""
    progress = session.get_one(Progress, _THE_ROW, with_for_update=True, populate_existing=True)
    events = audit.after(session, progress.seq, limit)
    if not events:
        return 0
    progress.seq = events[-1].seq
    about = [event for event in events if event.subject_kind == _SUBJECT]
    rows = issues.issues_by_id(session, {event.subject_id for event in about})
    places = points.points_by_id(session, {row.point_id for row in rows.values()})
    reader = _Reader(session, calendar, rows, places)
    for event in about:
        if event.subject_id in rows:
            reader.read(event)
    session.flush()
    return len(events)


class _Reader:
    """Applies events, oldest first, to the cases they are about."""

    def __init__(
        self,
        session: Session,
        calendar: Calendar,
        rows: dict[uuid.UUID, Issue],
        places: dict[uuid.UUID, Point],
    ) -> None:
        self._session, self._calendar = session, calendar
        self._issues, self._places = rows, places
        self._latest = _latest(session, rows)

    def read(self, event: AuditEvent) -> None:
        issue = self._issues[event.subject_id]
        before, after = _state(event.before), _state(event.after)
        case = self._latest.get(issue.id)
        if after is not None and after not in ENDED and (case is None or before is None or before in ENDED):
            case = self._begin(issue, event, 1 if case is None else case.ordinal + 1)
        if case is None:
            return  # it began before there was a log
        self._apply(case, issue, event)
        if after is not None and before is not after:
            self._move(case, before, after, event)

    def _begin(self, issue: Issue, event: AuditEvent, ordinal: int) -> Case:
        place = self._places[issue.point_id]
        case = Case(
            issue_id=issue.id,
            ordinal=ordinal,
            number=issue.number,
            point_id=issue.point_id,
            class_code=issue.class_code,
            community=place.community,
            category=place.category,
            department="",
            started_at=event.at,
            paused_s=0,
        )
        self._session.add(case)
        self._latest[issue.id] = case
        return case

    def _apply(self, case: Case, issue: Issue, event: AuditEvent) -> None:
        """Take over what the event changes beside the state, and who is in charge."""
        if event.action == "mark_notified":
            case.notified_by = str(event.data.get("level") or "") or None
        if case.ended_at is not None:
            return
        if event.action == "change_class" and event.after != State.merged:
            case.class_code = str(event.data["violation"])
        elif event.before is None:
            case.class_code = issue.class_code
        if case.ordinal == issue.reopened_count + 1:  # else the issue speaks of a later run already
            case.department, case.post_id = issue.department or self._usual(case.class_code), issue.post_id
        elif event.data.get("department") or not case.department:
            case.department = str(event.data.get("department") or self._usual(case.class_code))

    def _usual(self, class_code: str) -> str:
        """Give the department that answers for a class where nobody has been told yet."""
        entry = self._calendar.taxonomy.classes.get(class_code)
        return entry.departments[0] if entry else ""

    def _move(self, case: Case, before: State | None, after: State, event: AuditEvent) -> None:
        at = event.at
        if case.opened_at is None and after in AT_WORK and (before is None or before in SUSPECTED | ENDED):
            case.opened_at = at
        if before is State.suspended and case.paused_at is not None:
            case.paused_s += self._worked(case, case.paused_at, at)
            case.paused_at = None
        if after is State.suspended:
            case.paused_at = at
        if after is State.rectified:
            case.done_at, case.after_capture_id = at, event.capture_id
        elif before is State.rectified and after not in ENDED:
            case.done_at = case.after_capture_id = None
        if after in ENDED:
            self._end(case, after, event)

    def _end(self, case: Case, ending: State, event: AuditEvent) -> None:
        case.ended_at, case.ending = event.at, ending
        due_at = event.data.get("due_at")
        case.due_at = datetime.fromisoformat(due_at) if due_at else None
        if ending is not State.closed or case.opened_at is None:
            return
        case.done_at = case.done_at or event.at
        case.after_capture_id = event.capture_id or case.after_capture_id
        case.worked_s = max(0, self._worked(case, case.opened_at, case.done_at) - case.paused_s)

    def _worked(self, case: Case, since: datetime, until: datetime) -> int:
        """Give the working time of the case's department between two moments, in seconds."""
        passed = self._calendar.office.between(since, until, case.department, Clock.working)
        return round(passed / timedelta(seconds=1))


def _latest(session: Session, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Case]:
    """Give the last case of each issue that has one."""
    rows = session.scalars(sa.select(Case).where(Case.issue_id.in_(list(ids))).order_by(Case.ordinal))
    return {row.issue_id: row for row in rows}


def _state(text: str | None) -> State | None:
    return State(text) if text is not None else None
