"""What the pages of registers share: the table's words, files to fetch, a file to send."""

from collections.abc import Awaitable, Callable

from api.console.components import SheetImport
from api.console.tags import tag
from api.console.visit import Visit


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
