"""`pointwatch points`, `posts`, `sign-in` and `config`: what an operator does beside the running service."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from api.context import Service
    from api.sheets import Fields, ImportOutcome, Row, Sheet
    from detector.taxonomy import Taxonomy

points = typer.Typer(help="The points that are watched.", no_args_is_help=True)
posts = typer.Typer(help="The posts that answer for points and problems.", no_args_is_help=True)


def open_office() -> "Service":
    """Open the service's data for a command."""
    from api.app import open_service
    from api.logs import configure
    from api.settings import read_settings

    configure()  # what is logged goes to stderr; stdout is for what was asked
    return open_service(read_settings())


@contextmanager
def complaining(file: Path) -> Iterator[None]:
    """Tell each wrong row of a file on a line of its own before the refusal goes on."""
    from api.errors import Unfit

    try:
        yield
    except Unfit as error:
        for one in error.errors:
            typer.echo(f"{file}: row {one['row']}, column {one['column']}: {one['reason']}", err=True)
        raise


def take_register(
    file: Path,
    sheet: "Sheet[Fields]",
    take: "Callable[[Session, list[Row[Fields]], Taxonomy], ImportOutcome]",
) -> None:
    """Import a file into a register, all of it or none, and say what changed."""
    context = open_office()
    try:
        with complaining(file):
            rows = sheet.read(file.name, file.read_bytes())
            with context.database.write() as session:
                outcome = take(session, rows, context.taxonomy)
    finally:
        context.database.close()
    print(f"{outcome.created} created, {outcome.updated} changed, {outcome.unchanged} as they were")


def write_register(file: Path, sheet: "Sheet[Fields]", give: "Callable[[Session], list[Fields]]") -> None:
    """Write a register into a file that can be imported again.

    Raises:
        FormatRefused: the file is called neither .csv nor .xlsx.
    """
    from api.errors import FormatRefused

    if file.suffix.lower() not in (".csv", ".xlsx"):
        raise FormatRefused(f"{file} must end in .csv or .xlsx.")
    context = open_office()
    try:
        with context.database.read() as session:
            rows = give(session)
    finally:
        context.database.close()
    file.write_bytes(sheet.write(file.suffix.lower().removeprefix("."), rows))
    print(f"{len(rows)} {sheet.noun} written to {file}")


ToRead = Annotated[Path, typer.Argument(help="a .csv or .xlsx file, its first row naming the columns")]
ToWrite = Annotated[Path, typer.Argument(help="the .csv or .xlsx file to write")]


@points.command("import")
def import_points(file: ToRead) -> None:
    """Create or change points, all of the file or none."""
    from functools import partial

    from api.accounts.schemas import EVERYWHERE
    from api.points import service

    take_register(file, service.SHEET, partial(service.import_points, within=EVERYWHERE, by=None))


@points.command("export")
def export_points(file: ToWrite) -> None:
    """Write all points into a file that can be imported again."""
    from api.accounts.schemas import EVERYWHERE
    from api.points import service
    from api.points.schemas import PointView

    write_register(
        file,
        service.SHEET,
        lambda session: [PointView.model_validate(row) for row in service.all_points(session, within=EVERYWHERE)],
    )


@posts.command("import")
def import_posts(file: ToRead) -> None:
    """Create or change posts, all of the file or none."""
    from functools import partial

    from api.posts import service

    take_register(file, service.SHEET, partial(service.import_posts, by=None))


@posts.command("export")
def export_posts(file: ToWrite) -> None:
    """Write all posts into a file that can be imported again."""
    from api.posts import service

    write_register(file, service.SHEET, lambda session: [*service.views(session, service.all_posts(session))])


def sign_in() -> None:
    """Print a link that signs one browser in as administrator, once, within 15 minutes."""
    from api.settings import read_settings
    from cli import ports

    settings = read_settings()
    url = f"http://{settings.host}:{settings.port}"
    context = open_office()
    print(sign_in_link(context))
    context.database.close()
    if not ports.is_pointwatch(url):
        print(
            f"Nothing answers at {url} yet. Start `pointwatch serve`, or set POINTWATCH_PORT to the port in use.",
            file=sys.stderr,
        )


def sign_in_link(context: "Service") -> str:
    """Give a link with a one-time code; it stands after the #, so that it reaches no server's log."""
    from api.accounts import service

    with context.database.write() as session:
        code = service.make_code(session, service.first_admin(session).id)
    return f"http://{context.settings.host}:{context.settings.port}/sign-in#code={code}"


def config() -> None:
    """Print the settings in force, secrets hidden."""
    from api.settings import read_settings

    settings = read_settings()
    for name, field in type(settings).model_fields.items():
        print(f"POINTWATCH_{name.upper()}={getattr(settings, name)}")
        print(f"    # {field.description or ''}".rstrip())
