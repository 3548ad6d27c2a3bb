"""`pointwatch routing`: the rules of who answers for what, and why it is this post at this point."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.office import ToRead, ToWrite, open_office, take_register, write_register

if TYPE_CHECKING:
    from api.posts.tables import Post
    from api.routing.schemas import Considered, Explanation
    from detector.taxonomy import Taxonomy

app = typer.Typer(help="Who answers for which problem at which point.", no_args_is_help=True)

WIDE = 120  # columns, where nobody says how wide the terminal is


@app.command("import")
def import_rules(file: ToRead) -> None:
    """Create or change rules, all of the file or none."""
    from functools import partial

    from api.routing import service

    take_register(file, service.SHEET, partial(service.import_rules, by=None))


@app.command("export")
def export_rules(file: ToWrite) -> None:
    """Write all rules into a file that can be imported again."""
    from api.routing import service
    from api.routing.schemas import RuleView

    write_register(
        file,
        service.SHEET,
        lambda session: [
            RuleView.model_validate(one) for one in service.fields_of(session, service.all_rules(session))
        ],
    )


@app.command("explain")
def explain(
    point: Annotated[str, typer.Argument(help="code of the point, e.g. DH-P04")],
    violation: Annotated[str, typer.Argument(help="code of the class of violation, e.g. exposed_garbage")],
    on: Annotated[str | None, typer.Option(help="the day, e.g. 2026-11-23; else today")] = None,
) -> None:
    """Say who answers for a class of violation at a point, by which rule, and what else was considered."""
    from datetime import date

    from api.accounts.schemas import EVERYWHERE
    from api.database import now
    from api.errors import Unfit
    from api.points import service as points
    from api.posts import service as posts
    from api.routing import service

    context = open_office()
    try:
        day = date.fromisoformat(on) if on else now().astimezone(context.settings.zone).date()
    except ValueError as error:
        raise Unfit(f"--on is {on!r}; write a day such as 2026-11-23.") from error
    try:
        with context.database.read() as session:
            found = service.explain(
                session,
                point=points.get_point(session, point, within=EVERYWHERE),
                class_code=violation,
                on=day,
                taxonomy=context.taxonomy,
            )
            names = {
                code: f"{code} {_title(post, context.settings.language)}"
                for code, post in posts.posts_by_code(session, (one.post for one in found.considered)).items()
            }
    finally:
        context.database.close()
    _show(found, names, context.taxonomy, context.settings.language)


def _title(post: "Post", language: str) -> str:
    title = post.en if language == "en" and post.en else post.zh
    return f"{title}（{post.holder}）" if post.holder else title


def _show(found: "Explanation", names: dict[str, str], taxonomy: "Taxonomy", language: str) -> None:
    from rich.console import Console
    from rich.table import Table

    from detector.texts import say

    def word(key: str, **facts: object) -> str:
        return say(f"routing.{key}", language, **facts)

    def source(one: "Considered") -> str:
        return one.rule or word(f"source.{one.source}")

    table = Table(
        title=word("title", point=found.point, violation=taxonomy.name_of(found.violation, language), on=found.on)
    )
    for heading in ("source", "place", "problem", "post", "department", "verdict"):
        table.add_column(word(heading), overflow="fold")
    for one in found.considered:
        days = f" {one.since or '…'}–{one.until or '…'}" if one.since or one.until else ""
        table.add_row(
            source(one) + days,
            word(f"place.{one.place}"),
            word(f"problem.{one.problem}"),
            names.get(one.post, one.post) if one.post else "–",
            taxonomy.name_of(one.department, language) if one.department else "–",
            word(f"verdict.{one.verdict}"),
        )
    console = Console() if Console().is_terminal else Console(width=WIDE)
    console.print(table)
    post = names.get(found.post, found.post) if found.post else word("nobody")
    console.print(word("answer", post=post, department=taxonomy.name_of(found.department, language)), markup=False)
