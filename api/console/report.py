"""A problem that a person saw: where, what, and photos of it. The component sends it to the API as any other client."""

from typing import Any

from starlette.requests import Request

from api.accounts.roles import Permission
from api.console.components import Reporter
from api.console.frame import frame
from api.console.plan import no_points
from api.console.tags import tag
from api.console.visit import Visit
from api.points import service as points

TEXTS = (
    "point", "point_hint", "violation", "choose", "note", "note_hint", "drop", "photos_hint", "send", "sending",
    "again", "another", "look", "done", "known", "no_point", "no_class", "no_note", "no_connection", "signed_out",
    "too_many", "too_large", "remove",
)  # fmt: skip


async def show(visit: Visit, request: Request) -> None:
    """Build the page; `?point=CODE` opens it with that point chosen."""
    visit.caller.require(Permission.report_issues)
    places = await visit.read(
        lambda session, caller: points.all_points(session, within=caller.scope(Permission.report_issues))
    )
    with frame(visit, title=visit.say("console.report.title"), path="/issues"):
        with tag("div", classes="pw-head"):
            tag("h1", visit.say("console.report.title"))
            tag("p", visit.say("console.report.lead"), "pw-lead")
        if not places:
            no_points(visit)
            return
        with tag("div", classes="pw-narrow"):
            Reporter(
                texts={name: visit.say(f"console.report.{name}") for name in TEXTS},
                places=[{"code": one.code, "name": f"{one.code} {one.name}"} for one in places],
                kinds=classes(visit),
                language=visit.language,
                most_bytes=visit.service.settings.max_photo_mib * 1024 * 1024,
                point=request.query_params.get("point", "")[:32],
            )


def classes(visit: Visit) -> list[dict[str, Any]]:
    """Give the classes that are switched on, by kind."""
    return [
        {
            "name": visit.name_of(kind.code),
            "classes": [{"code": one.code, "name": visit.name_of(one.code)} for one in kind.classes if one.enabled],
        }
        for kind in visit.service.taxonomy.kinds
    ]
