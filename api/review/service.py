"""Captures before people: which ones, what reviewers say, and what follows. Takes a session, never commits."""

import hashlib
import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from api.accounts.schemas import EVERYWHERE, Scope
from api.audit import service as audit
from api.cameras import service as cameras
from api.captures import service as captures
from api.captures.tables import Capture
from api.database import now
from api.errors import Conflict, NotFound, Unfit
from api.issues import service as issues
from api.paging import Window, cut
from api.review.geometry import Drawn
from api.review.schemas import CaseState, Why
from api.review.tables import ReviewCase, Verdict
from api.settings import Settings
from detector.rules import Certainty, Reason
from detector.taxonomy import Judged, Taxonomy

SUBJECT = "capture"
REJECTED_LATELY = timedelta(days=7)  # what was rejected before that is asked about no more
MOST_ASKED = 200  # at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """Which share of what needs no review is reviewed all the same, to know how good the model is."""

    confident: float  #: of captures on which everything is sure, 0..1
    empty: float  #: of captures on which nothing was found, 0..1
    pair_within: timedelta = timedelta(0)  #: a photo and a camera's picture of a point so near in time are compared

    @classmethod
    def of(cls, settings: Settings) -> "Sampling":
        """Give what the settings say."""
        return cls(
            confident=settings.review_confident,
            empty=settings.review_empty,
            pair_within=timedelta(minutes=settings.review_pair_min),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What one reviewer says of one capture."""

    reviewer: str
    name: str
    at: datetime
    boxes: list[Drawn]
    user_id: uuid.UUID | None = None
    annotation: int | None = None


def consider(session: Session, capture: Capture, sampling: Sampling, taxonomy: Taxonomy) -> ReviewCase | None:
    """Put a capture that was just looked at before people, if it is doubtful, contradicted or drawn for a sample."""
    contradicting = _contradicting(session, capture, sampling.pair_within, taxonomy)
    for one in contradicting:
        ask(session, one, Why.contradicted)
    certainties = {one["certainty"] for one in capture.violations}
    if Certainty.review in certainties:
        return ask(session, capture, Why.doubtful)
    if certainties and _drawn(capture.id, "confident", sampling.confident):
        return ask(session, capture, Why.confident, share=sampling.confident)
    if not certainties and _drawn(capture.id, "empty", sampling.empty):
        return ask(session, capture, Why.empty, share=sampling.empty)
    return ask(session, capture, Why.contradicted) if contradicting else None


def _contradicting(session: Session, capture: Capture, within: timedelta, taxonomy: Taxonomy) -> list[Capture]:
    """Give a camera's pictures for a photo and photos for a camera's, of one place and time, that contradict it.

    The one shows violations that a look can tell, the other none of these. Neither need be wrong: they may look in
    different directions; a person sees that at once.
    """
    watching = cameras.users_at(session, capture.point_id)
    if not within or not watching:
        return []
    by_camera, shown = capture.sent_by in watching, _seen_in(capture, taxonomy)
    at = captures.seen_at(capture, latest=now())
    return [
        one
        for one in captures.taken_near(session, capture.point_id, at, within)
        if (one.sent_by in watching) != by_camera
        and (shown or _seen_in(one, taxonomy))
        and not shown & _seen_in(one, taxonomy)
    ]


def _seen_in(capture: Capture, taxonomy: Taxonomy) -> set[str]:
    """Give the violations that the model named on a capture by their look alone: no place or time says them."""
    named = violations_in((one["model_class"] for one in capture.detections), taxonomy)
    return {one for one in named if (seen := taxonomy.classes[one].seen) and seen.judged is Judged.appearance}


def ask_about_rejected(session: Session) -> int:
    """Put captures before people on which somebody has rejected what the model named; gives how many.

    Until reviewers speak the rejection stands. What it teaches, which boxes were wrong, only they can say.
    """
    rejected = issues.shown_by_rejected(now() - REJECTED_LATELY).subquery()
    unasked = sa.select(rejected.c.capture_id).where(rejected.c.capture_id.not_in(sa.select(ReviewCase.capture_id)))
    found = captures.captures_by_id(session, session.scalars(unasked.limit(MOST_ASKED)))
    for one in found.values():
        if one.model is not None:
            ask(session, one, Why.disputed)
    return len(found)


def _drawn(capture_id: uuid.UUID, urn: str, share: float) -> bool:
    """Draw by the capture's own id: a second run over it draws the same."""
    ticket = int.from_bytes(hashlib.sha256(f"{urn}:{capture_id}".encode()).digest()[:8], "big")
    return ticket < share * 2**64


def ask(session: Session, capture: Capture, why: Why, share: float | None = None) -> ReviewCase:
    """Put a capture before people once; asking again changes nothing.

    Raises:
        Conflict: the model has not looked at it yet.
    """
    if capture.model is None:
        raise Conflict(f"Capture {capture.id} is {capture.status}: there is nothing to judge yet.")
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    values = {
        "capture_id": capture.id,
        "why": why,
        "share": share,
        "state": CaseState.waiting,
        "created_at": now(),
        "model": capture.model,
        "predicted": predicted(capture),
        "decided_by": [],
        "look_again": False,
    }
    session.execute(insert(ReviewCase).values(values).on_conflict_do_nothing(index_elements=["capture_id"]))
    return case_of(session, capture.id)


def predicted(capture: Capture) -> list[dict[str, Any]]:
    """Give the boxes that reviewers start from: what the model saw, and vehicles that may stand where they must not."""
    boxes = [
        {"code": one["model_class"], "box": one["box"], "confidence": one["confidence"]} for one in capture.detections
    ]
    seen = {one["code"] for one in boxes}
    by_rule = [
        one
        for one in capture.violations
        if one["class_code"] not in seen and one["reason"] == Reason.vehicle_where_none_may_stand
    ]
    boxes += [{"code": one["class_code"], "box": one["box"], "confidence": one["confidence"]} for one in by_rule]
    return boxes


def case_of(session: Session, capture_id: uuid.UUID) -> ReviewCase:
    """Give the case of a capture.

    Raises:
        NotFound: nobody has asked about it.
    """
    found = session.scalar(sa.select(ReviewCase).where(ReviewCase.capture_id == capture_id))
    if found is None:
        raise NotFound(f"Capture {capture_id} was not put before people.")
    return found


def list_cases(
    session: Session,
    window: Window,
    *,
    within: Scope,
    states: Sequence[CaseState] | None = None,
    why: Why | None = None,
) -> tuple[list[ReviewCase], str | None]:
    """Give one page of the cases within a scope, newest first."""
    query = sa.select(ReviewCase).where(captures.of_captures_inside(ReviewCase.capture_id, within))
    if states is not None:
        query = query.where(ReviewCase.state.in_(states))
    if why is not None:
        query = query.where(ReviewCase.why == why)
    return cut(session, query, ReviewCase, window)


# --- what reviewers say -------------------------------------------------------------------------------------------
def hear(session: Session, case: ReviewCase, said: Said, taxonomy: Taxonomy, numbering: issues.Numbering) -> bool:
    """Take a reviewer's verdict and decide if everybody agrees; False where it was known already.

    An older word than the one that is known is not heard: messages arrive late and out of order.
    """
    _check(said.boxes, taxonomy)
    known = session.scalar(sa.select(Verdict).filter_by(case_id=case.id, reviewer=said.reviewer).with_for_update())
    if known is not None and known.at >= said.at:
        return False
    boxes = [{"code": one.code, "box": list(one.box)} for one in said.boxes]
    if known is None:
        session.add(
            Verdict(
                case_id=case.id,
                reviewer=said.reviewer,
                name=said.name,
                user_id=said.user_id,
                annotation=said.annotation,
                at=said.at,
                boxes=boxes,
            )
        )
    else:
        known.at, known.boxes, known.annotation, known.name = said.at, boxes, said.annotation, said.name
    session.flush()
    _settle(session, case, taxonomy, numbering)
    return True


def withdraw(
    session: Session, case: ReviewCase, kept: Iterable[int], taxonomy: Taxonomy, numbering: issues.Numbering
) -> bool:
    """Forget verdicts whose annotation is no longer there (deleted, or turned into a skip); say if there were any."""
    gone = sa.select(Verdict).where(
        Verdict.case_id == case.id, Verdict.annotation.is_not(None), Verdict.annotation.not_in(list(kept))
    )
    rows = list(session.scalars(gone))
    for row in rows:
        session.delete(row)
    session.flush()
    if rows:
        _settle(session, case, taxonomy, numbering)
    return bool(rows)


def verdicts_of(session: Session, case: ReviewCase) -> list[Verdict]:
    """Give what was said of a case, in the order in which it was said."""
    return list(session.scalars(sa.select(Verdict).where(Verdict.case_id == case.id).order_by(Verdict.at)))


def _check(boxes: Sequence[Drawn], taxonomy: Taxonomy) -> None:
    known = known_codes(taxonomy)
    for one in boxes:
        if one.code not in known:
            raise Unfit(f"{one.code[:48]!r} is no class of the catalogue.")


def known_codes(taxonomy: Taxonomy) -> frozenset[str]:
    """Give every code that a box may carry."""
    seen = {name for entry in taxonomy.classes.values() if entry.seen for name in entry.seen.model_classes}
    return frozenset(taxonomy.classes) | seen | {one.code for one in taxonomy.objects}


def violations_in(codes: Iterable[str], taxonomy: Taxonomy) -> set[str]:
    """Give the violations that boxes with these codes show; a vehicle alone shows none, its place does."""
    given, found = set(codes), set()
    for code, entry in taxonomy.classes.items():
        shows = {code} if entry.seen is None or entry.seen.judged is Judged.parking else set(entry.seen.model_classes)
        if shows & given:
            found.add(code)
    return found


def _settle(session: Session, case: ReviewCase, taxonomy: Taxonomy, numbering: issues.Numbering) -> None:
    """Decide by what the reviewers say together; where they contradict each other, ask a third."""
    said = verdicts_of(session, case)
    before = case.state
    if not said:
        case.state = CaseState.sent if case.task else CaseState.waiting
        case.decided_at, case.decided_by, case.boxes = None, [], None
        return
    seen = [violations_in((one["code"] for one in verdict.boxes), taxonomy) for verdict in said]
    counts = Counter(code for codes in seen for code in codes)
    if any(2 * count == len(said) for count in counts.values()):
        case.state, case.decided_at, case.boxes = CaseState.disputed, None, None
        _tell(session, case, "review_disputed", said[-1], before)
        return
    agreed = {code for code, count in counts.items() if 2 * count > len(said)}
    both = zip(reversed(said), reversed(seen), strict=True)
    latest = next((one for one, codes in both if codes == agreed), said[-1])
    case.state, case.decided_at = CaseState.decided, now()
    case.decided_by = [one.name for one in said]
    case.boxes = latest.boxes
    _tell(session, case, "reviewed", latest, before)
    capture = captures.get_capture(session, case.capture_id, within=EVERYWHERE)
    boxes = {
        code: [tuple(one["box"]) for one in latest.boxes if code in violations_in([one["code"]], taxonomy)]
        for code in agreed
    }
    issues.settle_review(
        session,
        issues.Reviewed(
            capture_id=capture.id,
            point_id=capture.point_id,
            at=captures.seen_at(capture, latest=now()),
            boxes=boxes,
            model=case.model,
            by_user_id=latest.user_id,
            by_name=latest.name,
        ),
        numbering,
    )


def _tell(session: Session, case: ReviewCase, action: str, by: Verdict, before: str) -> None:
    audit.append(
        session,
        audit.Entry(
            subject_kind=SUBJECT,
            subject_id=case.capture_id,
            action=action,
            by_user_id=by.user_id,
            before=before,
            after=case.state,
            note=by.name,
            capture_id=case.capture_id,
            data={"boxes": by.boxes, "annotation": by.annotation},
        ),
    )
