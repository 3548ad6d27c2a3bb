"""Issues: the door for other domains. What may happen to them is in `recording` and `steps`; here they are read.

Takes a session, never commits.
"""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.accounts.schemas import Scope
from api.audit import service as audit
from api.audit.tables import AuditEvent
from api.issues.after import add_after_photo, cannot_judge
from api.issues.figures import summarise, unfinished_by_point
from api.issues.lasting import closed_though_there, end_with_issue, gone, still_there
from api.issues.listing import MOST_COUNTED, Filter, Sort, classes_named, count_issues, ids_where, list_issues
from api.issues.moving import SUBJECT
from api.issues.reach import get_issue, inside, may
from api.issues.recording import Numbering, Seen, Told, record, report
from api.issues.reviewing import Reviewed, settle_review
from api.issues.steps import possible, step
from api.issues.tables import AfterPhoto, Issue, Sighting
from api.issues.tally import differences, recount
from api.issues.transitions import AT_WORK, State
from api.paging import Window, cut

__all__ = [
    "MOST_COUNTED",
    "Filter",
    "Numbering",
    "Reviewed",
    "Seen",
    "Sort",
    "Told",
    "add_after_photo",
    "at_work",
    "cannot_judge",
    "classes_named",
    "closed_though_there",
    "count_issues",
    "deadlines_of_unfinished",
    "differences",
    "end_with_issue",
    "get_issue",
    "gone",
    "heir_of",
    "ids_where",
    "inside",
    "issues_by_id",
    "list_after_photos",
    "list_events",
    "list_issues",
    "list_sightings",
    "may",
    "possible",
    "record",
    "recount",
    "report",
    "seen_on",
    "settle_review",
    "shown_by_rejected",
    "step",
    "still_there",
    "summarise",
    "unfinished_by_point",
]


def list_sightings(session: Session, issue_id: uuid.UUID, window: Window) -> tuple[list[Sighting], str | None]:
    """Give one page of an issue's sightings, newest first."""
    return cut(session, sa.select(Sighting).where(Sighting.issue_id == issue_id), Sighting, window)


def list_events(session: Session, issue_id: uuid.UUID, window: Window) -> tuple[list[AuditEvent], str | None]:
    """Give one page of what was done to an issue, newest first."""
    return audit.list_events(session, window, audit.Filter(subject_kind=SUBJECT, subject_id=issue_id))


def list_after_photos(session: Session, issue_id: uuid.UUID) -> list[AfterPhoto]:
    """Give the photos that were sent to show an issue put right, newest first."""
    query = sa.select(AfterPhoto).where(AfterPhoto.issue_id == issue_id).order_by(AfterPhoto.id.desc())
    return list(session.scalars(query))


def issues_by_id(session: Session, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Issue]:
    """Give the issues with these ids."""
    return {row.id: row for row in session.scalars(sa.select(Issue).where(Issue.id.in_(set(ids))))}


def numbers_of(session: Session, capture_ids: Iterable[uuid.UUID]) -> dict[tuple[uuid.UUID, str], str]:
    """Give the number of the issue that each capture shows, by capture and class as it was seen."""
    query = (
        sa.select(Sighting.capture_id, Sighting.class_code, Issue.number)
        .join(Issue, Issue.id == Sighting.issue_id)
        .where(Sighting.capture_id.in_(set(capture_ids)))
    )
    return {(row.capture_id, row.class_code): row.number for row in session.execute(query) if row.capture_id}


def heir_of(session: Session, issue: Issue) -> Issue:
    """Give the issue that has taken another one over in the end: itself where none has. Nothing merged is reopened."""
    while issue.merged_into is not None:
        issue = session.get_one(Issue, issue.merged_into)
    return issue


def shown_by_unfinished(session: Session, capture_ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Give those of these captures that show an issue which has not ended: it may still be asked for them."""
    query = sa.select(Sighting.capture_id).join(Issue, Issue.id == Sighting.issue_id)
    query = query.where(Sighting.capture_id.in_(set(capture_ids)), Issue.closed_at.is_(None))
    return {one for one in session.scalars(query) if one is not None}


def shown_by_rejected(since: datetime) -> sa.Select[uuid.UUID | None]:
    """Give the query of the captures on which the model named what people have rejected since, for others to join.

    What reviewers of pictures have judged is left out: there it was the verdict that rejected the issue.
    """
    return (
        sa.select(Sighting.capture_id)
        .join(Issue, Issue.id == Sighting.issue_id)
        .where(Issue.state == State.rejected, Issue.closed_at > since)
        .where(Sighting.capture_id.is_not(None), Sighting.model.is_not(None), Sighting.verdict.is_(None))
    )


def seen_on(session: Session, capture_ids: Sequence[uuid.UUID], *, within: Scope) -> dict[uuid.UUID, list[Issue]]:
    """Give the issues within a scope that each of these captures shows; captures that show none are left out."""
    query = sa.select(Sighting.capture_id, Issue).join(Issue, Issue.id == Sighting.issue_id)
    found: dict[uuid.UUID | None, list[Issue]] = {}
    for capture_id, issue in session.execute(query.where(Sighting.capture_id.in_(capture_ids), inside(within))):
        found.setdefault(capture_id, []).append(issue)
    return {capture_id: shown for capture_id, shown in found.items() if capture_id is not None}


def at_work(session: Session, *, within: Scope) -> list[Issue]:
    """Give the issues that are certain and not ended, oldest first: what an assessor would find today."""
    query = sa.select(Issue).where(Issue.closed_at.is_(None), Issue.state.in_(AT_WORK), inside(within))
    return list(session.scalars(query.order_by(Issue.id)))


def deadlines_of_unfinished() -> sa.Select[uuid.UUID, datetime | None]:
    """Give the query of id and deadline of each unfinished issue, for other domains to join."""
    return sa.select(Issue.id, Issue.due_at).where(Issue.closed_at.is_(None))
