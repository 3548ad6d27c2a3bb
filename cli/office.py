"""`pointwatch points`, `keys`, `sign-in` and `config`: what an operator does beside the running service."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from api.context import Service

points = typer.Typer(help="The points that are watched.", no_args_is_help=True)
keys = typer.Typer(help="The keys that people and machines sign in with.", no_args_is_help=True)


def _open() -> "Service":
    from api.app import open_service
    from api.logs import configure
    from api.settings import read_settings

    configure()  # what is logged goes to stderr; stdout is for what was asked
    return open_service(read_settings())


@points.command("import")
def import_points(
    file: Annotated[Path, typer.Argument(help="a .csv or .xlsx file, its first row naming the columns")],
) -> None:
    """Create or change points, all of the file or none."""
    from api.accounts.schemas import EVERYWHERE
    from api.errors import Unfit
    from api.points import routes, service

    context = _open()
    try:
        rows = routes.read_sheet(file.name, file.read_bytes())
        with context.database.write() as session:
            outcome = service.import_points(session, rows, context.taxonomy, within=EVERYWHERE)
    except Unfit as error:
        for one in error.errors:
            typer.echo(f"{file}: row {one['row']}, column {one['column']}: {one['reason']}", err=True)
        raise
    finally:
        context.database.close()
    print(f"{outcome.created} created, {outcome.updated} changed, {outcome.unchanged} as they were")


@points.command("export")
def export_points(file: Annotated[Path, typer.Argument(help="the .csv or .xlsx file to write")]) -> None:
    """Write all points into a file that can be imported again."""
    from api.accounts.schemas import EVERYWHERE
    from api.errors import FormatRefused
    from api.points import service, sheets
    from api.points.schemas import PointView

    write = {".csv": sheets.write_csv, ".xlsx": sheets.write_xlsx}.get(file.suffix.lower())
    if write is None:
        raise FormatRefused(f"{file} must end in .csv or .xlsx.")
    context = _open()
    with context.database.read() as session:
        rows = [PointView.model_validate(row) for row in service.all_points(session, within=EVERYWHERE)]
    context.database.close()
    file.write_bytes(write(rows))
    print(f"{len(rows)} points written to {file}")


@keys.command("list")
def list_keys() -> None:
    """List the keys, newest first; the keys themselves are kept nowhere."""
    from api.accounts import service
    from api.paging import MOST, Window

    context = _open()
    window: Window | None = Window(limit=MOST)
    while window:
        with context.database.read() as session:
            rows, following = service.list_keys(session, window)
        for row in rows:
            state = f"revoked {row.revoked_at:%Y-%m-%d %H:%M}Z" if row.revoked_at else "in use"
            print(f"{row.id}  {row.created_at:%Y-%m-%d %H:%M}Z  {state:<26} {row.name}")
        window = Window(cursor=following, limit=MOST) if following else None
    context.database.close()


@keys.command("make")
def make_key(
    name: Annotated[str, typer.Argument(help="who will use it")],
    role: Annotated[str, typer.Option(help="viewer, inspector, reviewer, handler, … or admin")] = "inspector",
) -> None:
    """Make a key and print it, this once."""
    from api.accounts import service
    from api.accounts.roles import Role
    from api.errors import Unfit

    if role not in list(Role):
        raise Unfit(f"{role!r} is not a role; choose {', '.join(Role)}.")
    context = _open()
    with context.database.write() as session:
        user = service.add_service(session, name=name, role=Role(role))
        _, key = service.make_key(session, user.id, name=name)
    context.database.close()
    print(key)


@keys.command("revoke")
def revoke_key(key_id: Annotated[str, typer.Argument(help="the id that `keys list` shows")]) -> None:
    """Take a key out of use at once."""
    import uuid

    from api.accounts import service
    from api.errors import Unfit

    try:
        parsed = uuid.UUID(key_id)
    except ValueError as error:
        raise Unfit(f"{key_id!r} is not the id of a key; `pointwatch keys list` shows them.") from error
    context = _open()
    with context.database.write() as session:
        service.revoke_key(session, parsed)
    context.database.close()
    print(f"{parsed} is revoked")


def sign_in() -> None:
    """Print a link that signs one browser in as administrator, once, within 15 minutes."""
    from api.settings import read_settings
    from cli import ports

    settings = read_settings()
    url = f"http://{settings.host}:{settings.port}"
    context = _open()
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
