"""`pointwatch audit`: prove that nobody touched the log."""

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from api.audit.service import Finding

app = typer.Typer(help="The log of everything that was done.", no_args_is_help=True)

MOST_SHOWN = 50


@app.command("verify")
def verify(
    noted: Annotated[
        str | None,
        typer.Option("--noted", metavar="SEQ:HASH", help="An end of the log that was noted down earlier, elsewhere."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of lines.")] = False,
) -> int:
    """Go through the whole log and say which rows were changed, taken out or moved. The exit status is 1 if any was.

    It ends with SEQ:HASH. Note that down where nobody who can write to the database can: given back as --noted, it
    also shows a log that was cut off or rewritten to its end.
    """
    from rich.console import Console
    from rich.progress import track

    from api.audit import service as audit
    from api.database import Database
    from api.settings import read_settings

    anchor = audit.Anchor.read(noted) if noted else None
    database = Database(read_settings().database)
    database.upgrade()
    bar = Console(stderr=True)
    with database.read() as session:
        end = audit.head(session)
        rows = track(
            audit.verify(session, anchor),
            "Verifying",
            total=end.seq,
            console=bar,
            transient=True,
            disable=not sys.stderr.isatty(),
        )
        findings = [one for one in rows if one is not None]
    database.close()
    _tell(findings, f"{end.seq}:{end.hash}", as_json=as_json)
    return 1 if findings else 0


def _tell(findings: "list[Finding]", head: str, *, as_json: bool) -> None:
    if as_json:
        told = [{"seq": one.seq, "fault": one.fault, "words": one.words} for one in findings]
        print(json.dumps({"head": head, "findings": told}))
        return
    for finding in findings[:MOST_SHOWN]:
        print(finding.words)
    if len(findings) > MOST_SHOWN:
        print(f"… and {len(findings) - MOST_SHOWN} more; --json shows all")
    print(f"{len(findings)} findings" if findings else "nothing was touched")
    print(head)
