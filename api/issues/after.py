"""After-photos: what is sent to show an issue put right, and what the model says of it. Only a person signs off."""

import uuid
from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.captures.schemas import Status
from api.captures.tables import Capture
from api.database import now
from api.errors import Conflict
from api.issues import moving
from api.issues.schemas import Verdict
from api.issues.tables import AfterPhoto, Issue, Sighting
from api.issues.transitions import AT_WORK, State
from detector.rules import Violation
from detector.taxonomy import Taxonomy

_WORST_FIRST = (Verdict.still_seen, Verdict.waiting, Verdict.looks_clean, Verdict.cannot_tell)


def add_after_photo(session: Session, issue_id: uuid.UUID, capture: Capture, *, by: uuid.UUID | None) -> AfterPhoto:
    """Let a capture, which the model has not looked at yet, show an issue put right.

    Sending the same photo again changes nothing.

    Raises:
        Conflict: the issue is not at work, or the same photo has been sent before, as proof of something.
    """
    issue = session.get_one(Issue, issue_id, with_for_update=True, populate_existing=True)
    known = session.scalars(sa.select(AfterPhoto).where(AfterPhoto.capture_id == capture.id)).one_or_none()
    if known is not None and known.issue_id == issue.id and not known.spent:
        return known
    if issue.state not in AT_WORK:
        raise Conflict(f"{issue.number} is {issue.state}; nothing is to be put right.")
    if known is not None or capture.status != Status.queued or _was_seen(session, capture.id):
        raise Conflict(f"{capture.filename}: this very photo was sent before. Take one of the place as it is now.")
    made = AfterPhoto(
        issue_id=issue.id, capture_id=capture.id, sent_at=now(), by_user_id=by, verdict=Verdict.waiting, confidence=None
    )
    session.add(made)
    issue.after_verdict = Verdict.waiting
    issue.revision += 1
    state = State(issue.state)
    moving.note(session, issue, "after_photo", state, state, by=by, capture_id=capture.id)
    session.flush()
    return made


def judge(
    session: Session, capture_id: uuid.UUID, found: Mapping[str, Sequence[Violation]], taxonomy: Taxonomy
) -> str | None:
    """Hold an after-photo against what the model saw on it, by class; give the class that it was about.

    None where the capture is no after-photo.
    """
    photo = session.scalars(sa.select(AfterPhoto).where(AfterPhoto.capture_id == capture_id)).one_or_none()
    if photo is None:
        return None
    issue = session.get_one(Issue, photo.issue_id, with_for_update=True, populate_existing=True)
    still = max((one.confidence for one in found.get(issue.class_code, ())), default=None)
    if photo.verdict in (Verdict.waiting, Verdict.cannot_tell):
        clean = Verdict.looks_clean if _can_be_seen(taxonomy, issue.class_code) else Verdict.cannot_tell
        _give_verdict(session, issue, photo, clean if still is None else Verdict.still_seen, still)
    return issue.class_code


def propose_clean(session: Session, issue: Issue, capture_id: uuid.UUID) -> None:
    """Let a camera's picture of the empty place stand as an after-photo that looks clean."""
    photo = AfterPhoto(
        issue_id=issue.id,
        capture_id=capture_id,
        sent_at=now(),
        by_user_id=None,
        verdict=Verdict.waiting,
        confidence=None,
    )
    session.add(photo)
    session.flush()
    _give_verdict(session, issue, photo, Verdict.looks_clean, None)


def _give_verdict(session: Session, issue: Issue, photo: AfterPhoto, verdict: Verdict, still: float | None) -> None:
    photo.verdict, photo.confidence = verdict, still
    session.flush()
    if not photo.spent:
        issue.after_verdict = _together([Verdict(one.verdict) for one in moving.after_photos(session, issue)])
    issue.revision += 1
    state, data = State(issue.state), {"verdict": verdict, "confidence": still}
    moving.note(session, issue, "after_photo_judged", state, state, capture_id=photo.capture_id, data=data)


def _together(verdicts: list[Verdict]) -> Verdict:
    """Say what several photos mean together: the worst news counts."""
    return min(verdicts, key=_WORST_FIRST.index)


def cannot_judge(session: Session, capture_id: uuid.UUID) -> None:
    """Take note that the model could not look at a capture, which may be an after-photo."""
    photo = session.scalars(sa.select(AfterPhoto).where(AfterPhoto.capture_id == capture_id)).one_or_none()
    if photo is not None and photo.verdict == Verdict.waiting:
        issue = session.get_one(Issue, photo.issue_id, with_for_update=True, populate_existing=True)
        _give_verdict(session, issue, photo, Verdict.cannot_tell, None)


def _was_seen(session: Session, capture_id: uuid.UUID) -> bool:
    return session.scalar(sa.select(Sighting.id).where(Sighting.capture_id == capture_id).limit(1)) is not None


def _can_be_seen(taxonomy: Taxonomy, class_code: str) -> bool:
    entry = taxonomy.classes.get(class_code)
    return entry is not None and entry.enabled and entry.seen is not None
