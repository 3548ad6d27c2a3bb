"""How issues come about: `record` for what a model has seen, `report` for what a person told. There is no other way."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from api.captures import service as captures
from api.database import now
from api.errors import Unfit
from api.issues import after, moving
from api.issues.schemas import Source
from api.issues.tables import Issue, IssueCounter, Sighting
from api.issues.transitions import SUSPECTED, State
from api.points import service as points
from api.routing import service as routing
from api.settings import Settings
from api.standards import service as standards
from detector.rules import Certainty, Violation
from detector.taxonomy import Taxonomy


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbering:
    """How issues are numbered and how long a closed one may come back."""

    prefix: str  #: of the numbers, e.g. DH
    repeat_window: timedelta  #: seen again so soon after closing, the old issue is reopened
    taxonomy: Taxonomy  #: the catalogue, which routing falls back on
    zone: tzinfo  #: the office's, in which a routing rule's days are counted

    @classmethod
    def of(cls, settings: Settings, taxonomy: Taxonomy) -> "Numbering":
        """Give what the settings say."""
        return cls(
            prefix=settings.number_prefix,
            repeat_window=timedelta(days=settings.repeat_window_days),
            taxonomy=taxonomy,
            zone=settings.zone,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Where and when the violations of one capture were seen."""

    capture_id: uuid.UUID
    point_id: uuid.UUID
    at: datetime
    source: Source = Source.photo


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a person told: one who stands there, or one outside who writes or calls."""

    point_id: uuid.UUID
    class_code: str
    source: Source
    state: State  #: what a new issue starts as: open where the teller may decide that, in review, or a lead
    at: datetime
    note: str = ""
    by_user_id: uuid.UUID | None = None
    capture_ids: Sequence[uuid.UUID] = ()  #: photos of that point


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """An issue that has to be open, and what opens it where it is not."""

    point_id: uuid.UUID
    code: str
    state: State
    source: Source
    at: datetime
    capture_id: uuid.UUID | None
    confidence: float | None = None
    by: uuid.UUID | None = None
    words: str = ""


def record(session: Session, seen: Seen, violations: Sequence[Violation], numbering: Numbering) -> list[Issue]:
    """Turn what one capture shows into sightings on the open issues of its point, opening them where none is.

    All boxes of a class on a capture are one sighting. Recording a capture a second time changes nothing. On an
    after-photo the class that it should show put right is no sighting but a verdict.
    """
    # One holding an issue and wanting a number, another holding the number and wanting that issue, would be a deadlock.
    points.hold_point(session, seen.point_id)
    by_class: dict[str, list[Violation]] = defaultdict(list)
    for violation in violations:
        by_class[violation.code].append(violation)
    judged = after.judge(session, seen.capture_id, by_class, numbering.taxonomy)
    there = {
        one.class_code: one
        for one in session.scalars(sa.select(Sighting).where(Sighting.capture_id == seen.capture_id))
    }
    # A class that is not assessed that day opens nothing; the capture keeps what was seen on it.
    off = standards.classes_off(session, seen.at.astimezone(numbering.zone).date()) if violations else frozenset()
    touched = []
    for code in sorted(by_class.keys() - {judged}):
        if code not in there and code not in off:
            touched.append(_record_class(session, seen, code, by_class[code], numbering))
        elif code in there and there[code].confidence is None:
            touched.append(_look_at_told(session, there[code], by_class[code]))
    return touched


def _surest(found: list[Violation]) -> Violation:
    return max(found, key=lambda one: (one.certainty is Certainty.automatic, one.confidence))


def _looked(found: list[Violation]) -> dict[str, Any]:
    """Give what the model saw as columns of a sighting."""
    surest = _surest(found)
    boxes = [{"box": [round(edge, 1) for edge in one.box], "confidence": round(one.confidence, 4)} for one in found]
    return {
        "confidence": surest.confidence,
        "certainty": surest.certainty,
        "reason": surest.reason,
        "boxes": boxes,
        "model": surest.model,
    }


def _record_class(session: Session, seen: Seen, code: str, found: list[Violation], numbering: Numbering) -> Issue:
    surest = _surest(found)
    state = State.open if surest.certainty is Certainty.automatic else State.in_review
    wanted = _Wanted(
        point_id=seen.point_id,
        code=code,
        state=state,
        source=seen.source,
        at=seen.at,
        capture_id=seen.capture_id,
        confidence=surest.confidence,
    )
    issue = _open_issue(session, wanted, numbering)
    sighting = Sighting(
        issue_id=issue.id,
        capture_id=seen.capture_id,
        class_code=code,
        source=seen.source,
        seen_at=seen.at,
        **_looked(found),
    )
    _add(session, issue, sighting)
    if issue.state in SUSPECTED and state is State.open:
        moving.move(session, issue, State.open, "seen_clearly", capture_id=seen.capture_id)
    else:
        issue.revision += 1
    session.flush()
    return issue


def _add(session: Session, issue: Issue, sighting: Sighting) -> None:
    session.add(sighting)
    issue.sighting_count += 1
    issue.first_seen_at = min(issue.first_seen_at, sighting.seen_at)
    issue.last_seen_at = max(issue.last_seen_at, sighting.seen_at)
    _cover(issue, sighting)


def _cover(issue: Issue, sighting: Sighting) -> None:
    """Let the surest picture stand for the issue; any picture is better than none."""
    surer = sighting.confidence is not None and (issue.confidence is None or sighting.confidence > issue.confidence)
    if sighting.capture_id is not None and (surer or issue.cover_capture_id is None):
        issue.confidence, issue.cover_capture_id = sighting.confidence, sighting.capture_id


def _look_at_told(session: Session, sighting: Sighting, found: list[Violation]) -> Issue:
    """Add what the model sees on a photo to what a person told with it; that opens nothing by itself."""
    for name, value in _looked(found).items():
        setattr(sighting, name, value)
    issue = session.get_one(Issue, sighting.issue_id, with_for_update=True, populate_existing=True)
    _cover(issue, sighting)
    issue.revision += 1
    session.flush()
    return issue


def report(session: Session, told: Told, numbering: Numbering) -> Issue:
    """Turn what a person told into sightings on the open issue of that point and class, opening it where none is.

    Raises:
        Unfit: the class is unknown or switched off, or a photo does not belong to the point.
    """
    entry = numbering.taxonomy.classes.get(told.class_code)
    if entry is None or not entry.enabled:
        raise Unfit(f"class_code: {told.class_code[:48]!r} is not in the catalogue, or is switched off.")
    photos = captures.captures_by_id(session, told.capture_ids)
    for capture_id in told.capture_ids:
        if capture_id not in photos or photos[capture_id].point_id != told.point_id:
            raise Unfit(f"capture_ids: there is no photo {capture_id} of this point.")
    points.hold_point(session, told.point_id)
    wanted = _Wanted(
        point_id=told.point_id,
        code=told.class_code,
        state=told.state,
        source=told.source,
        at=told.at,
        capture_id=told.capture_ids[0] if told.capture_ids else None,
        by=told.by_user_id,
        words=told.note,
    )
    issue = _open_issue(session, wanted, numbering)
    _add_told(session, issue, told)
    before = State(issue.state)
    to = State.open if before in SUSPECTED and told.state is State.open else before
    moving.move(session, issue, to, "reported", by=told.by_user_id, words=told.note, capture_id=wanted.capture_id)
    session.flush()
    return issue


def _add_told(session: Session, issue: Issue, told: Told) -> None:
    """Add one sighting for each photo that is none yet, or one without a photo."""
    shown = sa.select(Sighting.capture_id).where(
        Sighting.capture_id.in_(told.capture_ids), Sighting.class_code == told.class_code
    )
    new = [one for one in dict.fromkeys(told.capture_ids) if one not in set(session.scalars(shown))]
    for place, capture_id in enumerate(new or [None]):
        sighting = Sighting(
            issue_id=issue.id,
            capture_id=capture_id,
            class_code=told.class_code,
            source=told.source,
            seen_at=told.at,
            note=told.note if place == 0 else "",
            by_user_id=told.by_user_id,
        )
        _add(session, issue, sighting)


def _open_issue(session: Session, wanted: _Wanted, numbering: Numbering) -> Issue:
    """Give the open issue of a point and class, locked: the one that is there, a reopened one, or a new one."""
    found = moving.open_issue_of(session, wanted.point_id, wanted.code)
    if found is not None:
        return found
    reopened = _reopen(session, wanted, numbering)
    if reopened is not None:
        return reopened
    at = now()
    answers = routing.route(
        session,
        point=points.points_by_id(session, [wanted.point_id])[wanted.point_id],
        class_code=wanted.code,
        on=at.astimezone(numbering.zone).date(),
        taxonomy=numbering.taxonomy,
    )
    values = {
        "department": answers.department,
        "post_id": answers.post_id,
        "number": _next_number(session, numbering.prefix),
        "point_id": wanted.point_id,
        "class_code": wanted.code,
        "state": wanted.state,
        "state_since": at,
        "source": wanted.source,
        "opened_at": at,
        "clock_started_at": at if wanted.state is State.open else None,
        "first_seen_at": wanted.at,
        "last_seen_at": wanted.at,
        "sighting_count": 0,
        "confidence": wanted.confidence,
        "cover_capture_id": wanted.capture_id,
    }
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    made = session.execute(
        insert(Issue)
        .values(values)
        .on_conflict_do_nothing(index_elements=["point_id", "class_code"], index_where=Issue.closed_at.is_(None))
        .returning(Issue.id)
    ).scalar_one_or_none()
    issue = moving.open_issue_of(session, wanted.point_id, wanted.code)
    assert issue is not None  # this one, or that of another who was first
    if made is not None:
        moving.note(
            session, issue, "opened", None, wanted.state, by=wanted.by, capture_id=wanted.capture_id, at=at,
            data={"source": wanted.source},
        )  # fmt: skip
    return issue


def _reopen(session: Session, wanted: _Wanted, numbering: Numbering) -> Issue | None:
    """Open the issue again that was closed here within the repeat window; None where there is none."""
    recent = (
        sa.select(Issue)
        .where(
            Issue.point_id == wanted.point_id,
            Issue.class_code == wanted.code,
            Issue.state == State.closed,
            Issue.closed_at > now() - numbering.repeat_window,
        )
        .order_by(Issue.closed_at.desc())
        .limit(1)
        .with_for_update()
    )
    found = session.scalars(recent).one_or_none()
    if found is None:
        return None
    try:
        with session.begin_nested():
            moving.move(
                session, found, wanted.state, "reopened", by=wanted.by, words=wanted.words, capture_id=wanted.capture_id
            )
            session.flush()
    except sa.exc.IntegrityError:  # another worker has just opened one here
        session.expire_all()
        return None
    return found


def _next_number(session: Session, prefix: str) -> str:
    """Give the next number of the year, e.g. DH-2026-000123; a number may stay unused, none is given twice."""
    year = now().year
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    last = session.execute(
        insert(IssueCounter)
        .values(year=year, last=1)
        .on_conflict_do_update(index_elements=["year"], set_={"last": IssueCounter.last + 1})
        .returning(IssueCounter.last)
    ).scalar_one()
    return f"{prefix}-{year}-{last:06d}"
