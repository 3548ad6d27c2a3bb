"""`pointwatch standards`: versions of the assessment standard, in and out of files."""

from pathlib import Path
from typing import Annotated

import typer

from cli.office import ToWrite, complaining, open_office, write_register

app = typer.Typer(help="The assessment standard in its dated versions.", no_args_is_help=True)


@app.command("list")
def list_standards() -> None:
    """List the versions, newest first."""
    from api.paging import MOST, Window
    from api.standards import service

    context = open_office()
    with context.database.read() as session:
        rows, _ = service.list_standards(session, Window(limit=MOST))
        for row in rows:
            mark = "  example" if row.example else ""
            print(f"{row.code:<20} from {row.since}  {len(row.items):>4} items  {row.zh}{mark}")
    context.database.close()


@app.command("import")
def import_standard(
    file: Annotated[Path, typer.Argument(help="a .yaml file with a whole version, or its items as .csv or .xlsx")],
    code: Annotated[str, typer.Option(help="the version whose items a .csv or .xlsx holds")] = "",
) -> None:
    """Add or change a version, all of the file or nothing."""
    from api.standards import service

    context = open_office()
    try:
        with complaining(file):
            if file.suffix.lower() in (".yaml", ".yml"):
                fields = service.read_standard(file)
                with context.database.write() as session:
                    row = service.keep_standard(session, fields.code, fields, context.taxonomy, revision=None, by=None)
            else:
                rows = service.SHEET.read(file.name, file.read_bytes())
                with context.database.write() as session:
                    row = service.import_items(session, code, rows, context.taxonomy, revision=None, by=None)
    finally:
        context.database.close()
    print(f"{row.code}: {len(row.items)} items, in force from {row.since}")


@app.command("export")
def export_items(file: ToWrite, code: Annotated[str, typer.Argument(help="code of the version")]) -> None:
    """Write the items of a version into a file that can be imported again."""
    from api.standards import service
    from api.standards.schemas import Item

    write_register(
        file,
        service.SHEET,
        lambda session: [Item.model_validate(one) for one in service.get_standard(session, code).items],
    )
