"""What each action does to an issue besides moving it."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.accounts.roles import Permission
from api.accounts.schemas import Caller
from api.database import now
from api.errors import Conflict, Forbidden, Unfit
from api.issues import moving
from api.issues.reach import may
from api.issues.schemas import Extension, Step, Verdict
from api.issues.tables import Issue, Sighting
from api.issues.transitions import (
    HANDLED,
    UNFINISHED,
    Action,
    State,
)
from api.points import service as points
from api.routing import service as routing
from detector.taxonomy import Taxonomy


@dataclass(frozen=True, slots=True, kw_only=True)
class Doing:
    """A step that is being taken."""

    session: Session
    caller: Caller
    issue: Issue
    wanted: Step
    taxonomy: Taxonomy
    zone: tzinfo
    other: Issue | None  #: the issue that stays, of a merge


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a step did beyond the table."""

    data: dict[str, Any] | None = None
    capture_id: uuid.UUID | None = None
    to: State | None = None  #: where the table leaves it open


def nothing_more(_: Doing) -> Done:
    return Done()


def _assign(doing: Doing) -> Done:
    issue, wanted = doing.issue, doing.wanted
    entry = doing.taxonomy.classes.get(issue.class_code)
    department = wanted.department or issue.department or (entry.departments[0] if entry else None)
    known = [one.code for one in doing.taxonomy.departments]
    if department not in known:
        raise Unfit(f"department: {department!r} is not one of {', '.join(known)}.")
    if department != issue.department:  # the post that the rules named belongs to another
        issue.department, issue.post_id = department, None
    return Done(data={"department": department})


def _ask_extension(doing: Doing) -> Done:
    assert doing.wanted.until is not None
    doing.issue.extension, doing.issue.extended_to = Extension.requested, doing.wanted.until
    return Done(data={"until": doing.wanted.until.isoformat()})


def _grant_extension(doing: Doing) -> Done:
    issue = doing.issue
    issue.extended_to = doing.wanted.until or issue.extended_to
    assert issue.extended_to is not None  # it was asked for
    issue.extension = Extension.granted
    return Done(data={"until": issue.extended_to.isoformat()})


def _refuse_extension(doing: Doing) -> Done:
    doing.issue.extension, doing.issue.extended_to = Extension.refused, None
    return Done()


def _rectify(doing: Doing) -> Done:
    photos = moving.after_photos(doing.session, doing.issue)
    return Done(capture_id=photos[0].capture_id, data={"captures": [str(one.capture_id) for one in photos]})


def _sign_off(doing: Doing) -> Done:
    if doing.issue.after_verdict == Verdict.still_seen and not doing.wanted.note.strip():
        raise Unfit("The model still sees it on the after-photo. To sign it off all the same, say why in `note`.")
    return Done(data={"verdict": doing.issue.after_verdict})


def _refuse(doing: Doing) -> Done:
    moving.spend_after_photos(doing.session, doing.issue)
    return Done()


def _close(doing: Doing) -> Done:
    photos = moving.after_photos(doing.session, doing.issue)
    if not photos and not may(doing.session, doing.caller, Permission.waive_after_photo, doing.issue):
        raise Forbidden(
            f"To close {doing.issue.number} without a photo that shows it put right needs the permission "
            f"{Permission.waive_after_photo}. Send such a photo first."
        )
    return Done(data={"after_photo_waived": not photos}, capture_id=photos[0].capture_id if photos else None)


def _reopen(doing: Doing) -> Done:
    issue = doing.issue
    there = moving.open_issue_of(doing.session, issue.point_id, issue.class_code)
    if there is not None:
        raise Conflict(f"{there.number} is open there for the same already; work on that one.")
    return Done()


def _merge(doing: Doing) -> Done:
    assert doing.other is not None
    if doing.other.id == doing.issue.id:
        raise Unfit(f"into: {doing.issue.number} cannot be merged into itself.")
    if doing.other.state not in UNFINISHED:
        raise Conflict(f"{doing.other.number} is {doing.other.state}; only an unfinished issue takes another one over.")
    return Done(data=_merge_into(doing, doing.other))


def _merge_into(doing: Doing, into: Issue) -> dict[str, Any]:
    """Let `into` have the sightings of an issue, which ends."""
    issue = doing.issue
    doing.session.execute(sa.update(Sighting).where(Sighting.issue_id == issue.id).values(issue_id=into.id))
    into.sighting_count += issue.sighting_count
    issue.sighting_count = 0
    into.first_seen_at = min(into.first_seen_at, issue.first_seen_at)
    into.last_seen_at = max(into.last_seen_at, issue.last_seen_at)
    if into.cover_capture_id is None or (issue.confidence or 0.0) > (into.confidence or 0.0):
        into.confidence, into.cover_capture_id = issue.confidence, issue.cover_capture_id
    issue.merged_into = into.id
    into.revision += 1
    state = State(into.state)
    moving.note(doing.session, into, "took_over", state, state, data={"number": issue.number, "id": str(issue.id)})
    return {"into": into.number}


def _change_class(doing: Doing) -> Done:
    issue, code = doing.issue, doing.wanted.violation
    assert code is not None
    if code not in doing.taxonomy.classes:
        raise Unfit(f"violation: {code!r} is not in the catalogue.")
    if code == issue.class_code:
        raise Conflict(f"{issue.number} is of the class {code} already.")
    data = {"from": issue.class_code, "violation": code}
    there = moving.open_issue_of(doing.session, issue.point_id, code)
    if there is not None:
        return Done(data=data | _merge_into(doing, there), to=State.merged)
    issue.class_code = code
    return _route_anew(doing, data)


def _route_anew(doing: Doing, data: dict[str, Any]) -> Done:
    """Let whoever answers for the new class have the issue; where others have been sent for it, it must be sent anew.

    Once it has been put right, or stands still, it stays with those who have it.
    """
    issue, state = doing.issue, State(doing.issue.state)
    if state in (State.suspended, State.rectified):
        return Done(data=data)
    answers = routing.route(
        doing.session,
        point=points.points_by_id(doing.session, [issue.point_id])[issue.point_id],
        class_code=issue.class_code,
        on=now().astimezone(doing.zone).date(),
        taxonomy=doing.taxonomy,
    )
    elsewhere = answers.department != issue.department
    if state in HANDLED and not elsewhere:
        return Done(data=data)
    issue.department, issue.post_id = answers.department, answers.post_id
    return Done(data=data | {"department": answers.department}, to=State.open if state in HANDLED else None)


def _supervise(doing: Doing) -> Done:
    doing.issue.supervised = doing.wanted.action is Action.supervise
    return Done()


def _mark_notified(doing: Doing) -> Done:
    doing.issue.notified_by = doing.wanted.level
    return Done(data={"level": doing.wanted.level})


EFFECTS: dict[Action, Callable[[Doing], Done]] = {
    Action.merge: _merge,
    Action.change_class: _change_class,
    Action.dispatch: _assign,
    Action.transfer: _assign,
    Action.request_extension: _ask_extension,
    Action.grant_extension: _grant_extension,
    Action.refuse_extension: _refuse_extension,
    Action.rectify: _rectify,
    Action.sign_off: _sign_off,
    Action.refuse: _refuse,
    Action.close: _close,
    Action.reopen: _reopen,
    Action.supervise: _supervise,
    Action.unsupervise: _supervise,
    Action.mark_notified: _mark_notified,
}
