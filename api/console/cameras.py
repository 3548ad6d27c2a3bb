"""The cameras: what each sees and how it fares; and one of them with its zones, to be drawn on its picture."""

from starlette.requests import Request

from api.accounts.roles import Permission
from api.cameras import service
from api.cameras.schemas import State
from api.console.components import CameraWall, ZoneEditor
from api.console.frame import frame
from api.console.plain import HTML_LANGUAGE
from api.console.tags import tag
from api.console.visit import Visit
from api.points import service as points
from detector.cameras.sink import Trouble
from detector.cameras.zones import DAYS, DWELL_S, FOUND_IN, LEFT_THING, STANDING_IS, ZoneKind

WALL = (
    "add", "address", "code", "covered", "does", "draw", "empty", "failed", "kind", "lasting", "moved", "name",
    "no_still", "no_zones", "password", "point", "sees", "since", "snapshots", "stream", "testing", "transport",
    "unwatched", "user",
)  # fmt: skip
ONE = (
    "add_hours", "analysed", "camera_at", "cancel", "checked", "classes", "classes_hint", "clip", "close", "corner",
    "covered", "discard", "draw", "drawing", "dropped", "dwell", "ending_changed", "ending_lost",
    "ending_signed_off", "errors", "export",
    "failed", "figures", "fps", "from", "hours", "hours_hint", "keys", "kind", "lag", "last_frame", "lasts", "length",
    "more", "moved", "name", "no_still", "no_zones", "nothing", "picture", "reason", "reload", "remove",
    "remove_hours", "save", "saved", "size", "stale", "stream", "sure", "switch_off", "switch_on", "test", "testing",
    "timeline", "to", "unwatched", "zone", "zones",
)  # fmt: skip


async def show(visit: Visit, _: Request) -> None:
    """Build the page of all cameras."""
    visit.caller.require(Permission.view_cameras)
    may = visit.caller.may(Permission.manage_cameras)
    rows = await visit.read(
        lambda session, caller: points.all_points(session, within=caller.scope(Permission.view_points)) if may else []
    )
    with frame(visit, title=visit.say("console.cameras.title"), path="/cameras"):
        with tag("div", classes="pw-head"):
            tag("h1", visit.say("console.cameras.title"))
            tag("p", visit.say("console.cameras.lead"), "pw-lead")
        CameraWall(
            points=[{"code": one.code, "name": one.name} for one in rows],
            may=may,
            language=HTML_LANGUAGE[visit.language],
            zone=visit.service.settings.time_zone,
            texts={name: visit.say(f"console.cameras.text.{name}") for name in WALL},
            states=_states(visit),
            troubles=_troubles(visit),
        )


async def show_camera(visit: Visit, request: Request) -> None:
    """Build the page of one camera."""
    visit.caller.require(Permission.view_cameras)
    code = str(request.path_params["code"])
    camera = await visit.read(
        lambda session, caller: service.get_camera(session, code, within=caller.scope(Permission.view_cameras))
    )
    with frame(visit, title=camera.name, path="/cameras"):
        tag("a", visit.say("console.cameras.back"), "pw-back", href="/cameras")
        with tag("div", classes="pw-head"):
            tag("h1", camera.name)
        ZoneEditor(
            code=camera.code,
            may=visit.caller.may(Permission.manage_cameras),
            language=HTML_LANGUAGE[visit.language],
            clock=visit.service.settings.time_zone,
            looks=visit.caller.may(Permission.open_originals),
            kinds={kind: visit.say(f"zone.{kind}") for kind in ZoneKind},
            dwells={kind: f"{seconds:.0f}" for kind, seconds in DWELL_S.items()},
            classes=_classes(visit),
            days={day: visit.say(f"day.{day}") for day in ("workday", "holiday", *DAYS)},
            names={code: visit.name_of(code) for code in visit.service.taxonomy.classes},
            texts={name: visit.say(f"console.camera.text.{name}") for name in ONE},
            states=_states(visit),
            troubles=_troubles(visit),
        )


def _states(visit: Visit) -> dict[str, str]:
    return {state: visit.say(f"camera.state.{state}") for state in State}


def _troubles(visit: Visit) -> dict[str, str]:
    return {trouble: visit.say(f"camera.trouble.{trouble}") for trouble in Trouble}


def _classes(visit: Visit) -> list[dict[str, str]]:
    """Give the violations that a zone can look for."""
    codes = {*STANDING_IS.values(), LEFT_THING, *(code for found in FOUND_IN.values() for code in found)}
    seen = {code for code, entry in visit.service.taxonomy.classes.items() if entry.enabled and entry.seen}
    known = [code for code in visit.service.taxonomy.classes if code in codes | seen]
    return [{"code": code, "name": visit.name_of(code)} for code in known]
