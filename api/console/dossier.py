"""Everything about one issue, read in one transaction and put into words. Knows no widgets."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from api.accounts import service as accounts
from api.accounts.roles import Permission
from api.accounts.schemas import Caller
from api.audit.tables import AuditEvent
from api.captures import service as captures
from api.captures.tables import Capture
from api.console.gathering import step_name
from api.console.visit import Visit
from api.issues import service as issues
from api.issues import whistles
from api.issues.routes import AFTER_PHOTO_SENDERS, views
from api.issues.schemas import IssueView, Possible
from api.issues.tables import AfterPhoto, Sighting, Whistle, WhistleCall
from api.paging import Window
from detector.taxonomy import Limit
from detector.texts import catalogue

MOST_PICTURES = 100  # the newest; an issue with more is better looked at through the API
MOST_EVENTS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """One issue with what belongs to it."""

    issue: IssueView
    sightings: list[Sighting]  #: newest first
    photos: dict[uuid.UUID, Capture]
    events: list[AuditEvent]  #: newest first
    names: dict[uuid.UUID, str]  #: of those who acted
    actions: list[Possible]  #: what the caller may do to it now
    after_photos: list[AfterPhoto]  #: newest first
    whistles: list[tuple[Whistle, list[WhistleCall]]]  #: newest first
    may_whistle: bool
    answers_for: frozenset[str]  #: departments in whose name the caller may say that they have come
    may_send_after_photos: bool


def open_dossier(session: Session, visit: Visit, caller: Caller, number: str) -> Dossier:
    """Read an issue.

    Raises:
        NotFound: there is no such issue.
    """
    row = issues.get_issue(session, number, within=caller.scope(Permission.view_issues))
    sightings, _ = issues.list_sightings(session, row.id, Window(limit=MOST_PICTURES))
    events, _ = issues.list_events(session, row.id, Window(limit=MOST_EVENTS))
    after = issues.list_after_photos(session, row.id)
    calls = whistles.list_whistles(session, row.id)
    handles = caller.scope(Permission.handle_issues)
    shown = [one.capture_id for one in sightings if one.capture_id] + [one.capture_id for one in after]
    return Dossier(
        issue=views(session, [row], visit.service)[0],
        sightings=sightings,
        photos=captures.captures_by_id(session, shown),
        events=events,
        names=accounts.names_of(
            session,
            [
                by
                for by in (
                    *(event.by_user_id for event in events),
                    *(seen.by_user_id for seen in sightings),
                    *(whistle.by_user_id for whistle, _ in calls),
                )
                if by
            ],
        ),
        actions=issues.possible(session, caller, row),
        after_photos=after,
        whistles=calls,
        may_whistle=issues.may(session, caller, Permission.whistle, row),
        answers_for=frozenset(
            call.department for _, called in calls for call in called if handles.covers(department=call.department)
        ),
        may_send_after_photos=any(issues.may(session, caller, one, row) for one in AFTER_PHOTO_SENDERS),
    )


def pictures(visit: Visit, dossier: Dossier) -> list[dict[str, Any]]:
    """Give the pictures of an issue, the surest first and then the newest, with their boxes in per cent."""
    cover = dossier.issue.cover_capture_id
    order = sorted(dossier.sightings, key=lambda one: one.capture_id != cover)
    name = visit.name_of(dossier.issue.violation.code)
    return [_picture(visit, one, dossier.photos[one.capture_id], name) for one in order if one.capture_id]


def _picture(visit: Visit, sighting: Sighting, photo: Capture, name: str) -> dict[str, Any]:
    address = f"/api/v1/captures/{photo.id}/picture"
    return {
        "id": str(photo.id),
        "src": address,
        "with_boxes": f"{address}?boxes=true",
        "small": f"{address}?boxes=true&small=true",
        "width": photo.width,
        "height": photo.height,
        "alt": visit.say("console.evidence.alt", name=name, at=visit.moment(sighting.seen_at)),
        "certainty": sighting.certainty,
        "boxes": [_box(one, photo, name) for one in sighting.boxes],
        "facts": _facts(visit, sighting, photo),
    }


def after_pictures(visit: Visit, dossier: Dossier) -> list[dict[str, Any]]:
    """Give the after-photos of an issue with what the model says of each."""
    return [_after_picture(visit, one, dossier.photos[one.capture_id]) for one in dossier.after_photos]


def _after_picture(visit: Visit, sent: AfterPhoto, photo: Capture) -> dict[str, Any]:
    address = f"/api/v1/captures/{photo.id}/picture"
    words = visit.say(f"verdict.{sent.verdict}")
    return {
        "id": str(photo.id),
        "src": address if photo.view_key else "",
        "small": f"{address}?small=true",
        "alt": words,
        "words": f"{words} {sent.confidence:.0%}" if sent.confidence is not None else words,
        "verdict": sent.verdict,
        "at": visit.moment(sent.sent_at),
        "spent": sent.spent,
    }


def before_and_after(visit: Visit, dossier: Dossier) -> dict[str, Any] | None:
    """Give the picture that shows the problem and the newest that shows it put right; None where one is lacking."""
    before = next((one for one in pictures(visit, dossier)), None)
    after = next((one for one in after_pictures(visit, dossier) if one["src"] and not one["spent"]), None)
    if before is None or after is None:
        return None
    return {
        "before": {"src": before["src"], "alt": before["alt"], "ratio": before["width"] / before["height"]},
        "after": {"src": after["src"], "alt": f"{after['at']} {after['words']}"},
    }


def seen_by(visit: Visit, dossier: Dossier) -> list[tuple[str, str, str, str]]:
    """Say of each sighting when it was, who saw it, with which version of the model how surely, and what a person says.

    The newest first.
    """
    return [_seen(visit, one, dossier) for one in dossier.sightings]


def _seen(visit: Visit, one: Sighting, dossier: Dossier) -> tuple[str, str, str, str]:
    who = dossier.names.get(one.by_user_id) if one.by_user_id else None
    source = visit.say(f"source.{one.source}")
    model = ""
    if one.confidence is not None:
        model = f"{one.model or ''} · {one.confidence:.0%} · {visit.say(f'certainty.{one.certainty}')}"
    verdict = visit.say(f"console.seen.verdict.{one.verdict}") if one.verdict else ""
    return visit.moment(one.seen_at), f"{source} · {who}" if who else source, model, one.note or verdict


def flags_in_words(visit: Visit, issue: IssueView) -> list[tuple[str, str]]:
    """Give what stands beside the state of an issue: name and words of each flag."""
    said = {
        "supervised": visit.say("console.flag.supervised") if issue.supervised else "",
        "notified": visit.say(f"level.{issue.notified_by}") if issue.notified_by else "",
        "extension": visit.say(f"extension.{issue.extension}") if issue.extension else "",
        "after": visit.say(f"verdict.{issue.after_verdict}") if issue.after_verdict else "",
    }
    return [(name, words) for name, words in said.items() if words]


def _box(found: dict[str, Any], photo: Capture, name: str) -> dict[str, Any]:
    x1, y1, x2, y2 = found["box"]
    return {
        "x": round(x1 / photo.width * 100, 2),
        "y": round(y1 / photo.height * 100, 2),
        "width": round((x2 - x1) / photo.width * 100, 2),
        "height": round((y2 - y1) / photo.height * 100, 2),
        "label": f"{name} {found['confidence']:.0%}",
    }


def _facts(visit: Visit, sighting: Sighting, photo: Capture) -> list[tuple[str, str, bool]]:
    """Give what is known of one picture: term, value, and whether the value is a code that may break anywhere."""
    say = visit.say
    facts = [
        (say("console.evidence.seen"), visit.moment(sighting.seen_at), False),
        (say("console.evidence.received"), visit.moment(photo.received_at), False),
        *_judgement(visit, sighting),
        (say("console.evidence.file"), photo.filename, True),
        (say("console.evidence.sha256"), photo.sha256[:16], True),
    ]
    if photo.distance_m is not None:
        facts.insert(
            2,
            (say("console.evidence.distance"), say("console.evidence.metres", metres=f"{photo.distance_m:.0f}"), False),
        )
    return facts


def _judgement(visit: Visit, sighting: Sighting) -> list[tuple[str, str, bool]]:
    """Give what the model said of a picture; nothing where a person told of it."""
    if sighting.confidence is None:
        return []
    say = visit.say
    return [
        (say("console.evidence.confidence"), f"{sighting.confidence:.0%}", False),
        (say("console.evidence.certainty"), say(f"certainty.{sighting.certainty}"), False),
        (say("console.evidence.reason"), say(f"reason.{sighting.reason}"), False),
        (say("console.evidence.model"), sighting.model or "", True),
    ]


def limits_in_words(visit: Visit, class_code: str) -> str:
    """Say how long a class may take, e.g. "fix within 4 h of working time"."""
    entry = visit.service.taxonomy.classes.get(class_code)
    return " · ".join(_limit(visit, limit) for limit in entry.limits) if entry else "–"


def _limit(visit: Visit, limit: Limit) -> str:
    unit, amount = next(
        (unit, amount)
        for unit, amount in (("minutes", limit.minutes), ("hours", limit.hours), ("days", limit.days))
        if amount is not None
    )
    return visit.say(
        "limit.words",
        step=step_name(visit, limit.step),
        time=visit.say(f"limit.{unit}", amount=amount),
        clock=visit.say(f"limit.clock.{limit.clock}"),
    )


def event_in_words(visit: Visit, event: AuditEvent) -> str:
    """Say what happened, and to which state it led where that says more."""
    key = f"console.event.{event.action}"
    what = visit.say(key) if key in catalogue() else event.action
    if event.after is None or event.after == event.before:
        return what
    state = visit.say(f"state.{event.after}")
    return what if what == state else f"{what} → {state}"


def details_in_words(visit: Visit, event: AuditEvent) -> str:
    """Say what belongs to an event beyond its name and its note: to whom, until when, into which issue…"""
    data = event.data
    departments = data.get("departments") or [data.get("department")]
    said = [visit.name_of(code) for code in departments if code]
    if data.get("violation"):
        said.append(visit.name_of(data["violation"]))
    said += [str(data[name]) for name in ("into", "number") if data.get(name)]
    if data.get("until"):
        said.append(visit.moment(datetime.fromisoformat(data["until"])))
    if data.get("verdict"):
        said.append(visit.say(f"verdict.{data['verdict']}"))
    if data.get("rating"):
        said.append(f"{data['rating']} / 5")
    if data.get("late"):
        said.append(visit.say("pace.overdue"))
    if data.get("after_photo_waived"):
        said.append(visit.say("console.event.waived"))
    return "、".join(said)
