"""`pointwatch bulletin`, `register` and `talks`: what an office prints, beside the running service."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.office import open_office

if TYPE_CHECKING:
    from api.context import Service
    from api.reports.periods import Period

bulletin = typer.Typer(help="Bulletins (通报): write one, publish one, list them.")
talks = typer.Typer(help="Who should be called to a talk (约谈), and which talks were held.", no_args_is_help=True)

Day = Annotated[str | None, typer.Option(help="a day, e.g. 2026-11-23")]
Week = Annotated[str | None, typer.Option(help="an ISO week, e.g. 2026-47")]
Month = Annotated[str | None, typer.Option(help="a month, e.g. 2026-11")]
Since = Annotated[str | None, typer.Option("--from", help="first day of a stage")]
Until = Annotated[str | None, typer.Option("--to", help="last day of a stage")]
Community = Annotated[str, typer.Option(help="only this community")]
Department = Annotated[str, typer.Option(help="only this department, by its code")]
Language = Annotated[str | None, typer.Option(help="zh or en; by default POINTWATCH_LANGUAGE")]


@bulletin.callback(invoke_without_command=True)
def write(
    context: typer.Context,
    day: Day = None,
    week: Week = None,
    month: Month = None,
    since: Since = None,
    until: Until = None,
    community: Community = "",
    department: Department = "",
    language: Language = None,
    number: Annotated[str | None, typer.Option(help="a published one, e.g. 2026-12, instead of a period")] = None,
    out: Annotated[Path | None, typer.Option(help="the .docx, .xlsx, .html or .json to write")] = None,
) -> None:
    """Write the bulletin of a period into a file."""
    if context.invoked_subcommand is not None:
        return
    from api.accounts.schemas import EVERYWHERE
    from api.errors import Unfit
    from api.reports import files, routes, service
    from api.reports.schemas import Bulletin, Scope

    if out is None:
        raise Unfit("Say where to write with --out FILE (.docx, .xlsx, .html or .json).")
    wanted = next((one for one in files.Format if out.suffix.lower() == f".{one}"), None)
    if wanted is None:
        raise Unfit(f"{out} must end in {', '.join(f'.{one}' for one in files.Format)}.")
    with _service() as opened:
        spoken = _language(opened, language)
        if number:
            with opened.database.read() as session:
                found = Bulletin.model_validate(service.get_bulletin(session, number).content)
        else:
            period = _period(opened, day, week, month, since, until)
            _read_up(opened)
            with opened.database.read() as session:
                desk = routes.desk_of(opened)
                scope = Scope(community=community, department=department)
                found = service.compile_bulletin(session, desk, period, scope, service.within(EVERYWHERE))
        out.write_bytes(files.write(found, routes.wording_of(opened), spoken, wanted, opened.media))
    total = found.total
    print(f"{total.found} found, {total.opened} opened, {total.closed} closed, {total.overdue} overdue: {out}")


@bulletin.command("publish")
def publish(
    day: Day = None,
    week: Week = None,
    month: Month = None,
    since: Since = None,
    until: Until = None,
    community: Community = "",
    department: Department = "",
) -> None:
    """Number the bulletin of a period that is over and freeze it, for good."""
    from api.reports import routes
    from api.reports.schemas import Scope

    with _service() as opened:
        period = _period(opened, day, week, month, since, until)
        _read_up(opened)
        made = routes.publish_now(opened, None, period, Scope(community=community, department=department))
    print(f"{made.number} published for {made.period}, SHA-256 {made.sha256}")


@bulletin.command("list")
def list_published() -> None:
    """List the published bulletins, newest first."""
    from api.paging import MOST, Window
    from api.reports import routes, service

    with _service() as opened:
        window: Window | None = Window(limit=MOST)
        while window:
            with opened.database.read() as session:
                rows, following = service.list_bulletins(session, window)
                for one in map(routes.view, rows):
                    place = " ".join(part for part in (one.community, one.department) if part)
                    print(
                        f"{one.number:<9} {one.period:<24} {one.published_at:%Y-%m-%d %H:%M}Z  {one.publisher}  {place}"
                    )
            window = Window(cursor=following, limit=MOST) if following else None


@bulletin.command("rebuild")
def rebuild() -> None:
    """Forget what was read of the log and read it anew; harmless, published bulletins stay as they are."""
    from api.reports import cases

    with _service() as opened:
        with opened.database.write() as session:
            cases.forget(session)
        count = _read_up(opened)
    print(f"{count} events read")


def register(
    out: Annotated[Path, typer.Option(help="the .csv or .xlsx to write")],
    day: Day = None,
    week: Week = None,
    month: Month = None,
    since: Since = None,
    until: Until = None,
    community: Community = "",
    department: Department = "",
    language: Language = None,
) -> None:
    """Write every case that touches a period, or all of them, one a row."""
    from api.accounts.schemas import EVERYWHERE
    from api.errors import Unfit
    from api.reports import routes
    from api.reports.schemas import Scope

    suffix = out.suffix.lower().removeprefix(".")
    if suffix not in ("csv", "xlsx"):
        raise Unfit(f"{out} must end in .csv or .xlsx.")
    with _service() as opened:
        named = any((day, week, month, since, until))
        period = _period(opened, day, week, month, since, until) if named else None
        _read_up(opened)
        scope = Scope(community=community, department=department)
        spoken = _language(opened, language)
        with out.open("wb") as file:
            for block in routes.content(opened, period, scope, EVERYWHERE, spoken, suffix):
                file.write(block)
    print(f"written to {out}")


@talks.command("due")
def due(day: Day = None, language: Language = None) -> None:
    """Say who should be called to a talk by the rules, and why."""
    from api.reports import routes, service
    from api.reports.outline import reason_in_words

    with _service() as opened:
        _read_up(opened)
        spoken = _language(opened, language)
        until = routes.day_named(opened, day)
        with opened.database.read() as session:
            desk = routes.desk_of(opened)
            found = service.list_candidates(session, desk, until.end, [])
    for one in found:
        print(f"{one.of.name(spoken)} {one.person}".rstrip())
        for reason in one.reasons:
            more = f" … ({reason.count})" if reason.count > len(reason.numbers) else ""
            print(f"    {reason_in_words(reason, spoken)}: {' '.join(reason.numbers)}{more}")


@contextmanager
def _service() -> "Iterator[Service]":
    opened = open_office()
    try:
        yield opened
    finally:
        opened.database.close()


def _period(
    opened: "Service", day: str | None, week: str | None, month: str | None, since: str | None, until: str | None
) -> "Period":
    from api.reports.periods import period_of

    return period_of(opened.settings.zone, day=day, week=week, month=month, since=since, until=until)


def _language(opened: "Service", language: str | None) -> str:
    from api.errors import Unfit
    from detector.texts import LANGUAGES

    if language is not None and language not in LANGUAGES:
        raise Unfit(f"{language[:20]!r} is not one of the languages {', '.join(LANGUAGES)}.")
    return language or opened.settings.language


def _read_up(opened: "Service") -> int:
    """Read what the log has gained, with a bar where it is much."""
    import sys

    from rich.progress import Progress

    from api.reports import cases, routes

    calendar = routes.calendar_of(opened)
    with opened.database.read() as session:
        behind = cases.behind(session)
    with Progress(disable=not sys.stderr.isatty()) as progress:
        bar = progress.add_task("reading the log", total=behind)
        return cases.catch_up(opened.database, calendar, lambda count: progress.advance(bar, count))
