"""Bulletins: choose a period, look at its bulletin, publish it; and those that were published."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

import anyio.to_thread
from nicegui import ui
from starlette.requests import Request

from api.accounts.roles import Permission
from api.accounts.schemas import Caller
from api.console.frame import frame
from api.console.tags import tag
from api.console.visit import Visit, told
from api.database import now
from api.errors import Unfit
from api.paging import Window
from api.points import service as points
from api.reports import routes as reports
from api.reports import service
from api.reports.periods import Period, Span, day_of, period_of
from api.reports.schemas import BulletinView, Scope

LISTED = 50
FORMATS = ("docx", "xlsx", "html")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the address asks to look at: a period with a community, or a published bulletin."""

    named: dict[str, str]  #: the period as the API takes it
    community: str
    number: str

    @classmethod
    def read(cls, query: Mapping[str, str]) -> "Wanted":
        """Read an address."""
        named = {name: query[name][:20] for name in ("day", "week", "month", "from", "to") if query.get(name)}
        return cls(named=named, community=query.get("community", "")[:80], number=query.get("number", "")[:20])

    def period(self, visit: Visit) -> Period | None:
        """Give the period that is asked for; None where none is, or where it makes no sense."""
        named = dict(self.named)
        since, until = named.pop("from", None), named.pop("to", None)
        try:
            return period_of(visit.service.settings.zone, since=since, until=until, **named)
        except Unfit:
            return None

    def source(self, **more: str) -> str:
        """Give the address of the document in the API."""
        if self.number:
            return f"/api/v1/bulletins/{self.number}?{urlencode(more)}"
        place = {"community": self.community} if self.community else {}
        return f"/api/v1/bulletins/preview?{urlencode({**self.named, **place, **more})}"


async def show(visit: Visit, request: Request) -> None:
    """Build the page with what its address asks for."""
    visit.caller.require(Permission.view_reports)
    wanted = Wanted.read(request.query_params)
    communities, listed = await visit.read(
        lambda session, caller: (
            sorted({one.community for one in points.all_points(session, within=caller.scope(Permission.view_points))}),
            [reports.view(row) for row in service.list_bulletins(session, Window(limit=LISTED))[0]],
        )
    )
    say = visit.say
    with frame(visit, title=say("console.bulletins.title"), path="/bulletins"):
        with tag("div", classes="pw-head"):
            tag("h1", say("console.bulletins.title"))
            tag("p", say("console.bulletins.lead"), "pw-lead")
        with tag("div", classes="pw-columns pw-columns-plan"):
            with tag("section", aria_label=say("console.bulletins.preview")):
                _look(visit, wanted)
            with tag("aside", classes="pw-beside"):
                _choose(visit, wanted, communities)
                _published(visit, listed)


def _choose(visit: Visit, wanted: Wanted, communities: list[str]) -> None:
    """Build the form that leads to another preview."""
    say = visit.say
    today = day_of(now(), visit.service.settings.zone)
    period = wanted.period(visit)
    first = period.first if period else today
    with tag("section", classes="pw-card"):
        tag("h2", say("console.bulletins.make"))
        span = ui.select(
            {one.value: say(f"console.bulletins.span.{one}") for one in Span},
            value=(period.span if period else Span.week).value,
            label=say("console.bulletins.span"),
        )
        day = ui.input(say("console.bulletins.day"), value=first.isoformat()).props("type=date")
        last = ui.input(say("console.bulletins.last"), value=(period.last if period else today).isoformat())
        last.props("type=date").set_visibility(span.value == Span.stage)
        places = {"": say("console.filter.any"), **{one: one for one in communities}}
        community = ui.select(places, value=wanted.community, label=say("console.filter.community"))
        for field in (span, day, last, community):
            field.classes("pw-field pw-wide").props("outlined dense options-dense")
        span.on_value_change(lambda: last.set_visibility(span.value == Span.stage))

        def look() -> None:
            with told(visit):
                named = _named(Span(span.value), str(day.value or ""), str(last.value or ""))
                place = {"community": community.value} if community.value else {}
                ui.navigate.to(f"/bulletins?{urlencode({**named, **place})}")

        with tag("div", classes="pw-actions"):
            tag("button", say("console.bulletins.look"), "pw-button", type="button").on("click", look)


def _named(span: Span, first: str, last: str) -> dict[str, str]:
    """Give the period that the form means, as the API takes it.

    Raises:
        Unfit: what was typed is no day.
    """
    try:
        day = date.fromisoformat(first)
    except ValueError as error:
        raise Unfit(f"{first[:20]!r} is not a day.") from error
    if span is Span.week:
        year, week, _ = day.isocalendar()
        return {"week": f"{year}-{week:02d}"}
    if span is Span.month:
        return {"month": f"{day:%Y-%m}"}
    return {"day": day.isoformat()} if span is Span.day else {"from": first, "to": last}


def _look(visit: Visit, wanted: Wanted) -> None:
    """Show what is asked for, with the ways to keep it."""
    say, period = visit.say, wanted.period(visit)
    if period is None and not wanted.number:
        with tag("div", classes="pw-empty"):
            tag("h2", say("console.bulletins.empty"))
            tag("p", say("console.bulletins.empty_next"))
        return
    with tag("div", classes="pw-actions pw-downloads"):
        for one in FORMATS:
            address = wanted.source(format=one, language=visit.language)
            name = say(f"console.bulletins.format.{one}")
            tag("a", name, "pw-quiet", href=address, target="_blank" if one == "html" else None)
        if not wanted.number:
            register = urlencode({**wanted.named, "language": visit.language})
            tag("a", say("console.bulletins.register"), "pw-quiet", href=f"/api/v1/register?{register}")
        may_publish = visit.caller.may(Permission.publish_reports)
        if period is not None and not wanted.number and may_publish and period.end <= now():
            button = tag("button", say("console.bulletins.publish"), "pw-button", type="button")
            button.on("click", lambda: _ask(visit, period, wanted.community))
    tag(
        "iframe",
        classes="pw-paper",
        src=wanted.source(format="html", language=visit.language),
        title=say("console.bulletins.preview"),
    )


async def _ask(visit: Visit, period: Period, community: str) -> None:
    """Publish after a second look: it cannot be taken back."""
    say = visit.say
    with ui.dialog() as dialog, tag("div", classes="pw-dialog", role="document"):
        tag("h2", say("console.bulletins.sure", period=period.code))
        tag("p", say("console.bulletins.sure_why"))
        with tag("div", classes="pw-actions"):
            sure = tag("button", say("console.bulletins.publish"), "pw-button", type="button")
            sure.on("click", lambda: dialog.submit(True))
            tag("button", say("console.why.cancel"), "pw-button pw-second", type="button").on("click", dialog.close)
    answer = await dialog
    dialog.delete()
    if not answer:
        return
    with told(visit):
        caller = await visit.read(lambda _, caller: caller)
        caller.require(Permission.publish_reports)
        made = await anyio.to_thread.run_sync(_publish, visit, caller, period, community)
        ui.navigate.to(f"/bulletins?number={made.number}")


def _publish(visit: Visit, caller: Caller, period: Period, community: str) -> BulletinView:
    return reports.publish_now(visit.service, caller, period, Scope(community=community))


def _published(visit: Visit, listed: list[BulletinView]) -> None:
    say = visit.say
    with tag("section", classes="pw-card"):
        tag("h2", say("console.bulletins.published"))
        if not listed:
            tag("p", say("console.bulletins.none"), "pw-lead")
        with tag("ul", classes="pw-published"):
            for one in listed:
                with tag("li"):
                    tag("a", f"{one.number} · {one.period}", href=f"/bulletins?number={one.number}")
                    place = " · ".join(part for part in (one.community, one.publisher) if part)
                    tag("small", f"{visit.moment(one.published_at)} {place}")
