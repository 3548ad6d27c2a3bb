"""Sending photos from the browser. The photos themselves go to the API, as from every other sender."""

from nicegui import ui
from starlette.requests import Request

from api.accounts.roles import Permission
from api.console.components import Uploader
from api.console.frame import frame
from api.console.plan import no_points
from api.console.tags import tag
from api.console.visit import Visit
from api.points import service as points

BY_GPS = ""
TEXTS = (
    "drop",
    "formats",
    "send",
    "progress",
    "clear",
    "chosen",
    "waiting",
    "sending",
    "looking",
    "found",
    "nothing",
    "failed",
    "refused",
    "too_large",
    "no_connection",
    "signed_out",
    "again",
    "remove",
    "again_all",
    "failures",
)


async def show(visit: Visit, request: Request) -> None:
    """Build the page; `?point=CODE` opens it with that point chosen."""
    visit.caller.require(Permission.send_photos)
    places = await visit.read(
        lambda session, caller: points.all_points(session, within=caller.scope(Permission.send_photos))
    )
    options = {BY_GPS: visit.say("console.upload.by_gps")}
    options |= {point.code: f"{point.code} {point.name}" for point in places}
    chosen = request.query_params.get("point", BY_GPS)
    settings = visit.service.settings
    with frame(visit, title=visit.say("console.upload.title"), path="/upload"):
        with tag("div", classes="pw-head"):
            tag("h1", visit.say("console.upload.title"))
            tag("p", visit.say("console.upload.lead"), "pw-lead")
            tag("a", visit.say("console.upload.all_captures"), "pw-quiet pw-head-button", href="/captures")
        if not places:
            no_points(visit)
            return
        with tag("div", classes="pw-narrow"):
            point = ui.select(
                options,
                value=chosen if chosen in options else BY_GPS,
                label=visit.say("console.upload.point"),
                with_input=True,
            )
            point.classes("pw-field pw-wide").props("outlined options-dense hide-selected fill-input")
            hint = tag("p", visit.say("console.upload.gps_hint", metres=f"{settings.nearest_point_m:.0f}"), "pw-hint")
            hint.set_visibility(point.value == BY_GPS)
            sender = Uploader(
                point=point.value,
                language=visit.language,
                most_bytes=settings.max_photo_mib * 1024 * 1024,
                texts={
                    name: visit.say(f"console.upload.{name}").replace("{most_mib}", str(settings.max_photo_mib))
                    for name in TEXTS
                },
            )

    def choose() -> None:
        hint.set_visibility(point.value == BY_GPS)
        sender.show(point=point.value or BY_GPS)

    point.on_value_change(choose)
