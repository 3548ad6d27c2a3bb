"""`pointwatch patrols`: what is due, the rounds, and the mock score, as tables."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.office import open_office

if TYPE_CHECKING:
    from rich.table import Table

app = typer.Typer(help="Patrols and the mock score.", no_args_is_help=True)

WIDE = 120  # columns, where nobody says how wide the terminal is


@app.command("due")
def list_due() -> None:
    """List the points that are due today, the longest due first."""
    from api.accounts.schemas import EVERYWHERE
    from api.patrols import service
    from api.patrols.routes import today
    from api.points import service as points
    from detector.texts import say

    context = open_office()
    day, language = today(context), context.settings.language
    with context.database.read() as session:
        places = points.all_points(session, within=EVERYWHERE)
        found = service.due(session, places, service.office(), on=day, zone=context.settings.zone)
    context.database.close()
    table = _table(say("patrols.due_today", language, on=day), ("point", "community", "due_on", "last_visit"), language)
    for place in sorted(places, key=lambda one: (found[one.id].due_on or day, one.code)):
        due = found[place.id]
        if due.is_due:
            last = due.last_visit_at.astimezone(context.settings.zone) if due.last_visit_at else None
            table.add_row(
                f"{place.code} {place.name}",
                place.community,
                str(due.due_on),
                f"{last:%Y-%m-%d %H:%M}" if last else "–",
            )
    _print(table)


@app.command("rounds")
def list_rounds() -> None:
    """List the rounds, newest first, secret ones too."""
    from api.paging import MOST, Window
    from api.patrols import service
    from api.patrols.routes import round_views, today
    from detector.texts import say

    context = open_office()
    language = context.settings.language
    with context.database.read() as session:
        rows, _ = service.list_rounds(session, Window(limit=MOST), service.office())
        views = round_views(session, rows, today(context))
    context.database.close()
    table = _table(say("patrols.rounds", language), ("round", "kind", "days", "due", "visited", "missed"), language)
    for row in views:
        kind = f"{say(f'patrols.secrecy.{row.secrecy}', language)} · {say(f'patrols.manner.{row.manner}', language)}"
        counts = (str(row.due), str(row.visited), str(row.missed))
        table.add_row(f"{row.code} {row.title}", kind, f"{row.starts_on} – {row.ends_on}", *counts)
    _print(table)


@app.command("score")
def score(
    by: Annotated[str, typer.Option(help="point, community or category")] = "community",
) -> None:
    """Show the mock score as it stands, and what to put right first."""
    from api.accounts.schemas import EVERYWHERE
    from api.errors import Unfit
    from api.patrols import scoring, service
    from api.patrols.routes import today
    from api.points import service as points
    from detector.texts import say

    if by not in ("point", "community", "category"):
        raise Unfit(f"--by is {by!r}; choose point, community or category.")
    context = open_office()
    language, taxonomy = context.settings.language, context.taxonomy
    with context.database.read() as session:
        places = points.all_points(session, within=EVERYWHERE)
        scores = scoring.score_points(session, places, service.office(), on=today(context))
        found = scoring.summarise(session, service.office(), on=today(context))
    context.database.close()
    table = _table(
        say("patrols.score", language, standard=found.standard or "–"), (by, "points", "mark", "visited"), language
    )
    if by == "point":
        for one in sorted(scores, key=lambda row: (row.score, row.point)):
            table.add_row(f"{one.point} {one.name}", "1", f"{one.score:g}", "1" if one.last_visit_at else "–")
    else:
        for row in found.communities if by == "community" else found.categories:
            table.add_row(taxonomy.name_of(row.name, language), str(row.points), f"{row.score:g}", str(row.visited))
    _print(table)
    fixes = _table(say("patrols.fix_first", language), ("point", "item", "gain"), language)
    for fix in found.fix_first:
        fixes.add_row(f"{fix.point} {fix.name}", fix.zh if language == "zh" else fix.en, f"+{fix.gain:g}")
    _print(fixes)


def _table(title: str, headings: tuple[str, ...], language: str) -> "Table":
    from rich.table import Table

    from detector.texts import say

    table = Table(title=title)
    for heading in headings:
        table.add_column(say(f"patrols.{heading}", language), overflow="fold")
    return table


def _print(table: "Table") -> None:
    from rich.console import Console

    console = Console() if Console().is_terminal else Console(width=WIDE)
    console.print(table)
