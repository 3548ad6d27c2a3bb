"""Patrols: the rounds that run, what is due, visited and missed, and what an assessor would take off today."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import quote

from nicegui import ui
from sqlalchemy.orm import Session
from starlette.requests import Request

from api.accounts.roles import Permission
from api.accounts.schemas import Caller
from api.console.frame import frame
from api.console.tags import tag
from api.console.visit import Visit
from api.paging import Window
from api.patrols import scoring, service
from api.patrols.routes import round_views, today
from api.patrols.schemas import GroupScore, Progress, RoundView, ScoreSummary
from api.points import service as points
from api.points.tables import Point

LATEST_ROUNDS = 10
_COLOUR = {Progress.due: "in_review", Progress.visited: "closed", Progress.missed: "open"}
MOST_DUE = 50  # the longest due; the rest is better planned into a round


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """One look at everything the page shows."""

    day: date
    rounds: list[RoundView]
    due: list[tuple[Point, service.Due]]  #: the longest due first
    visited: int  #: points that somebody has visited
    points: int
    score: ScoreSummary


async def show(visit: Visit, _request: Request) -> None:
    """Build the page."""
    found = await visit.read(lambda session, caller: _look(session, caller, visit))
    say = visit.say
    with frame(visit, title=say("patrols.title"), path="/patrols"):
        with tag("div", classes="pw-head"):
            tag("h1", say("patrols.title"))
            tag("p", say("patrols.score", standard=found.score.standard or "–"), "pw-lead")
            if found.score.example:
                tag("p", say("patrols.example"), "pw-warning")
        _tiles(visit, found)
        with tag("div", classes="pw-columns"):
            with tag("div", classes="pw-beside"):
                _rounds(visit, found.rounds)
                _due(visit, found)
            with tag("div", classes="pw-beside"):
                _fixes(visit, found.score)
                _scores(visit, "community", found.score.communities)
                _scores(visit, "category", found.score.categories)


def _look(session: Session, caller: Caller, visit: Visit) -> _Found:
    day, zone = today(visit.service), visit.service.settings.zone
    places = points.all_points(session, within=caller.scope(Permission.view_patrols).of_places())
    when = service.due(session, places, caller, on=day, zone=zone)
    rows, _ = service.list_rounds(session, Window(limit=LATEST_ROUNDS), caller)
    waiting = [(place, when[place.id]) for place in places if when[place.id].is_due]
    return _Found(
        day=day,
        rounds=round_views(session, rows, day),
        due=sorted(waiting, key=lambda one: (one[1].due_on or day, one[0].code)),
        visited=sum(one.last_visit_at is not None for one in when.values()),
        points=len(places),
        score=scoring.summarise(session, caller, on=day),
    )


def _tiles(visit: Visit, found: _Found) -> None:
    running = [one for one in found.rounds if one.starts_on <= found.day <= one.ends_on]
    tiles = (
        ("patrols.mark", "–" if found.score.score is None else f"{found.score.score:g}", None),
        ("patrols.due", str(len(found.due)), "in_review" if found.due else None),
        ("patrols.visited", f"{found.visited} / {found.points}", None),
        ("patrols.missed", str(sum(one.missed for one in found.rounds)), None),
        ("patrols.running", str(len(running)), None),
    )
    with tag("div", classes="pw-tiles"):
        for key, number, state in tiles:
            with tag("div", classes="pw-tile", data_state=state):
                tag("strong", number)
                tag("span", visit.say(key))


def _rounds(visit: Visit, rounds: Sequence[RoundView]) -> None:
    say = visit.say
    with tag("section", classes="pw-card", aria_label=say("patrols.rounds")):
        tag("h2", say("patrols.rounds"))
        if not rounds:
            tag("p", say("patrols.no_rounds"), "pw-lead")
        for one in rounds:
            with tag("details", classes="pw-round"):
                with tag("summary"):
                    tag("strong", one.title)
                    tag("span", one.code, "pw-number")
                    tag("span", f"{say(f'patrols.secrecy.{one.secrecy}')} · {say(f'patrols.manner.{one.manner}')}")
                    tag("span", f"{one.starts_on} – {one.ends_on}")
                    for progress in Progress:
                        count = getattr(one, progress.value)
                        if count:
                            tag(
                                "span",
                                f"{say(f'patrols.{progress}')} {count}",
                                "pw-state",
                                data_state=_COLOUR[progress],
                            )
                with tag("ul", classes="pw-stops"):
                    for stop in one.stops:
                        with tag("li"):
                            tag("span", say(f"patrols.{stop.progress}"), "pw-state", data_state=_COLOUR[stop.progress])
                            tag("a", f"{stop.point} {stop.name}", href=f"/plan?point={quote(stop.point)}")


def _due(visit: Visit, found: _Found) -> None:
    say = visit.say
    with tag("section", classes="pw-card", aria_label=say("patrols.due_today", on=found.day)):
        tag("h2", say("patrols.due_today", on=found.day))
        if not found.due:
            tag("p", say("patrols.none_due"), "pw-lead")
            return
        with _table(visit, "point", "community", "due_on", "last_visit"):
            for place, when in found.due[:MOST_DUE]:
                with tag("tr"):
                    with tag("td"):
                        tag("a", f"{place.code} {place.name}", href=f"/plan?point={quote(place.code)}")
                    tag("td", place.community)
                    tag("td", str(when.due_on))
                    tag("td", visit.moment(when.last_visit_at) if when.last_visit_at else "–")


def _fixes(visit: Visit, score: ScoreSummary) -> None:
    say = visit.say
    with tag("section", classes="pw-card", aria_label=say("patrols.fix_first")):
        tag("h2", say("patrols.fix_first"))
        if not score.fix_first:
            tag("p", say("patrols.nothing_to_fix"), "pw-lead")
            return
        with _table(visit, "point", "item", "gain"):
            for fix in score.fix_first:
                with tag("tr"):
                    with tag("td"):
                        tag("a", fix.point, href=f"/issues?point={quote(fix.point)}", title=fix.name)
                    tag("td", fix.zh if visit.language == "zh" else fix.en)
                    tag("td", f"+{fix.gain:g}", "pw-figure")


def _scores(visit: Visit, by: str, groups: Sequence[GroupScore]) -> None:
    if not groups:
        return
    with tag("section", classes="pw-card", aria_label=visit.say(f"patrols.{by}")):
        tag("h2", visit.say(f"patrols.by_{by}"))
        with _table(visit, by, "mark", "visited"):
            for group in groups:
                with tag("tr"):
                    tag("td", visit.name_of(group.name))
                    tag("td", f"{group.score:g}", "pw-figure")
                    tag("td", f"{group.visited} / {group.points}", "pw-figure")


def _table(visit: Visit, *headings: str) -> ui.element:
    """Write the head of a table and give its body."""
    with tag("div", classes="pw-table-frame"), tag("table", classes="pw-table"):
        with tag("thead"), tag("tr"):
            for heading in headings:
                tag("th", visit.say(f"patrols.{heading}"), scope="col")
        return tag("tbody")
