"""What the pages of registers share: all rows, the table and its words, files to fetch, a file to send."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from api.console.components import Register, SheetImport
from api.console.tags import tag
from api.console.visit import Visit
from api.paging import MOST, Window

Row = TypeVar("Row")
Listing = Callable[[Window], tuple[list[Row], str | None]]
Again = Callable[[], Awaitable[None]]


def every(listing: Listing[Row]) -> list[Row]:
    """Give all rows of a list, page by page."""
    rows: list[Row] = []
    window = Window(limit=MOST)
    while True:
        page, following = listing(window)
        rows += page
        if following is None:
            return rows
        window = Window(limit=MOST, cursor=following)


async def build_register(
    visit: Visit,
    *,
    address: str,
    add: str,
    table: Callable[[], Awaitable[dict[str, Any]]],
    change: Callable[[str | None, Again], Awaitable[None]] | None,
) -> None:
    """Add a register that is read, fetched as a file and, where `change` is given, changed and imported.

    Args:
        address: of its routes, which have `/export` and `/import`.
        add: what the button that adds a row says.
        table: gives what `Register` takes, read anew.
        change: opens the form of one row, or of a new one for None; then it calls what shows the register again.
    """
    with tag("div", classes="pw-toolbar"):
        if change is not None:
            tag("button", add, "pw-button", type="button").on("click", lambda: change(None, again))
        downloads(visit, f"{address}/export")
    register = Register(**await table())

    async def again() -> None:
        register.show(**await table())

    if change is not None:
        register.on("open", lambda event: change(str(event.args), again))
        import_card(visit, f"{address}/import", again)


def register_texts(visit: Visit, *, none: str) -> dict[str, str]:
    """Give what a table says; `none` where nothing fits."""
    return {**{name: visit.say(f"register.{name}") for name in ("search", "count", "more")}, "none": none}


def downloads(visit: Visit, address: str) -> None:
    """Add the links that fetch a register as a file."""
    for form in ("csv", "xlsx"):
        label = visit.say("register.fetch", form=form.upper())
        tag("a", label, "pw-quiet", href=f"{address}?format={form}", download=True)


def import_card(visit: Visit, address: str, taken: Callable[[], Awaitable[None]]) -> None:
    """Add the card that takes a file; `taken` is called once all of it was."""
    names = ("choose", "sending", "hint", "done", "taken", "refused", "no_connection", "row", "column", "reason")
    with tag("details", classes="pw-card"):
        tag("summary", visit.say("import.title"))
        texts = {name: visit.say(f"import.{name}") for name in names}
        sender = SheetImport(address=address, language=visit.language, texts=texts)
        sender.on("taken", taken, args=[])
