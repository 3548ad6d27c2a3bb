"""Forms that keep a record: fields by name, what is wrong said at its field, what was typed never lost."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from nicegui import ui
from pydantic import ValidationError

from api.console.tags import tag, text
from api.console.visit import Visit, words_of
from api.errors import NotSignedIn, StreetError

Values = dict[str, Any]
Save = Callable[[Values], Awaitable[None]]

MANY = 8  # options from which on one finds them by typing


class Form:
    """The fields of one record; an empty one gives None."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._fields: dict[str, Any] = {}
        self._refusal = text("p").classes("pw-refusal")
        self._refusal.props["role"] = "alert"
        self._refusal.set_visibility(False)

    def line(
        self, name: str, label: str, value: str = "", *, hint: str = "", most: int = 200, known: list[str] | None = None
    ) -> Any:
        """Add a line of text; `known` are values that are offered while typing."""
        field = ui.input(label, value=value, autocomplete=known)
        return self._add(name, field, f"maxlength={most}", hint)

    def secret(self, name: str, label: str) -> Any:
        """Add a line that is not shown while it is typed."""
        return self._add(name, ui.input(label, password=True), "autocomplete=off maxlength=200", "")

    def words(self, name: str, label: str, value: str = "", *, most: int = 2000) -> Any:
        """Add several lines of text."""
        return self._add(name, ui.textarea(label, value=value), f"autogrow maxlength={most}", "")

    def number(self, name: str, label: str, value: float | None = None, *, hint: str = "", step: str = "any") -> Any:
        """Add a number."""
        field = ui.input(label, value="" if value is None else f"{value:.10g}")
        return self._add(name, field, f"type=number step={step} inputmode=decimal", hint)

    def day(self, name: str, label: str, value: str = "", *, hint: str = "") -> Any:
        """Add a day of the calendar."""
        return self._add(name, ui.input(label, value=value), "type=date stack-label", hint)

    def choice(
        self, name: str, label: str, options: Mapping[str, str], value: str | None = None, *, hint: str = ""
    ) -> Any:
        """Add a choice of one; it can be emptied. A value that is no longer offered stays choosable."""
        offered = dict(options) if value in (None, *options) else {**options, str(value): str(value)}
        field = ui.select(offered, value=value, label=label, clearable=True, with_input=len(offered) > MANY)
        return self._add(name, field, "options-dense", hint)

    def choices(self, name: str, label: str, options: Mapping[str, str], value: list[str], *, hint: str = "") -> Any:
        """Add a choice of several, in the order in which they are chosen."""
        offered = {**options, **{one: one for one in value if one not in options}}
        field = ui.select(offered, value=value, label=label, multiple=True, with_input=len(offered) > MANY)
        return self._add(name, field, "use-chips options-dense", hint)

    def flag(self, name: str, label: str, *, value: bool = False) -> Any:
        """Add a yes or no."""
        field = ui.checkbox(label, value=value)
        self._fields[name] = field
        return field

    def _add(self, name: str, field: Any, props: str, hint: str) -> Any:
        field.classes("pw-field").props(f"outlined {props}")
        field.props["data-field"] = name
        if hint:
            field.props["hint"] = hint
        self._fields[name] = field
        return field

    def values(self) -> Values:
        """Give what is filled in."""
        found: Values = {}
        for name, field in self._fields.items():
            value = field.value.strip() if isinstance(field.value, str) else field.value
            found[name] = None if value == "" else value
        return found

    def buttons(self, label: str, save: Save, *more: tuple[str, Callable[[], object]], danger: bool = False) -> None:
        """Add the button that saves and whatever else may be done, e.g. nothing."""
        with tag("div", classes="pw-actions"):
            done = tag("button", label, "pw-button pw-danger" if danger else "pw-button", type="button")
            done.on("click", lambda: self.send(save))
            for words, act in more:
                tag("button", words, "pw-button pw-second", type="button").on("click", act)

    async def send(self, save: Save) -> None:
        """Save, or say what stands against it."""
        self._refusal.set_visibility(False)
        for field in self._fields.values():
            if hasattr(field, "error"):
                field.error = None
        try:
            await save(self.values())
        except ValidationError as error:
            self._mark(error)
        except NotSignedIn:
            ui.navigate.to("/sign-in")
        except StreetError as error:
            self.refuse(words_of(error, self._visit.language), str(error))

    def refuse(self, words: str, detail: str = "") -> None:
        """Say why nothing was saved."""
        self._refusal.set_text(f"{words} {detail}".strip())
        self._refusal.set_visibility(True)

    def _mark(self, error: ValidationError) -> None:
        rest = []
        for one in error.errors(include_input=False, include_url=False):
            field = self._fields.get(str(one["loc"][0])) if one["loc"] else None
            if field is not None and hasattr(field, "error"):
                field.error = one["msg"]
            else:
                rest.append(one["msg"])
        self.refuse(self._visit.say("form.wrong"), " ".join(rest))


async def in_dialog(
    visit: Visit,
    title: str,
    build: Callable[[Form], None],
    save: Save,
    *more: tuple[str, Callable[[], Awaitable[None]]],
    label: str = "",
    lead: str = "",
) -> bool:
    """Let somebody fill in a form in a dialog; it closes once all is saved. Says whether it was.

    `more` are other things that may be done, by their words; the dialog closes before.
    """
    with ui.dialog() as dialog, tag("div", classes="pw-dialog pw-dialog-wide", role="document"):
        dialog.props["aria-label"] = title
        tag("h2", title)
        if lead:
            tag("p", lead, "pw-lead")
        form = Form(visit)
        with tag("div", classes="pw-form-grid"):
            build(form)

        async def keep(values: Values) -> None:
            await save(values)
            dialog.submit(True)

        others = [(words, lambda act=act: dialog.submit(act)) for words, act in more]
        form.buttons(label or visit.say("form.save"), keep, (visit.say("form.cancel"), dialog.close), *others)
    answer = await dialog
    dialog.delete()
    if callable(answer):
        await answer()
    return answer is True


async def confirm(visit: Visit, title: str, words: str, label: str) -> bool:
    """Ask before something that cannot be taken back; says whether it is wanted."""
    with ui.dialog() as dialog, tag("div", classes="pw-dialog", role="document"):
        dialog.props["aria-label"] = title
        tag("h2", title)
        tag("p", words)
        with tag("div", classes="pw-actions"):
            tag("button", label, "pw-button", type="button").on("click", lambda: dialog.submit(True))
            tag("button", visit.say("form.cancel"), "pw-button pw-second", type="button").on("click", dialog.close)
    answer = await dialog
    dialog.delete()
    return bool(answer)


async def show_secret(visit: Visit, title: str, words: str, secret: str) -> None:
    """Show what is shown this once."""
    with ui.dialog().props("persistent") as dialog, tag("div", classes="pw-dialog", role="document"):
        dialog.props["aria-label"] = title
        tag("h2", title)
        tag("p", words)
        tag("code", secret, "pw-secret", tabindex="0")
        with tag("div", classes="pw-actions"):
            tag("button", visit.say("form.noted"), "pw-button", type="button").on("click", dialog.close)
    await dialog
    dialog.delete()
