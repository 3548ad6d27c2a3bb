"""The dialog that asks for what an action needs, and may have, before it is taken."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from nicegui import ui
from pydantic import ValidationError

from api.console.tags import tag, text
from api.console.visit import Visit
from api.database import now
from api.issues.schemas import Level, Possible, Step
from api.issues.transitions import Need

LONGEST_NOTE = 2000  # as `Step` takes it
USUAL_EXTENSION = timedelta(days=1)

Field = Any  # a NiceGUI element with a value and `validate`


class Form:
    """A dialog with fields. What happens outside is told in it, and nothing that was typed is lost by that."""

    def __init__(self, visit: Visit, title: str, submit: str, fields: Mapping[str, Callable[[], Field]]) -> None:
        """Build it; `submit` is what its button says."""
        # A click beside it must not throw away what was typed; Escape and the button end it.
        dialog = ui.dialog().props("no-backdrop-dismiss transition-duration=0")
        with dialog, tag("div", classes="pw-dialog", role="document"):
            tag("h2", title)
            self._warning = text("p").classes("pw-warning")
            self._warning.props["role"] = "alert"
            self._warning.set_visibility(False)
            self._fields = {name: make() for name, make in fields.items()}
            with tag("div", classes="pw-actions"):
                self._submit = tag("button", submit, "pw-button", type="button").on("click", self._send)
                cancel = tag("button", visit.say("console.why.cancel"), "pw-button pw-second", type="button")
                cancel.on("click", dialog.close)
        self._dialog = dialog

    def warn(self, words: str, *, blocked: bool = False) -> None:
        """Tell in the dialog what has happened meanwhile; `blocked`: what was to be done is no longer possible."""
        self._warning.text = words
        self._warning.set_visibility(True)
        self._submit.set_visibility(not blocked)

    def refill(self, given: Mapping[str, Any]) -> None:
        """Put back what somebody filled in before."""
        for name, value in given.items():
            if name in self._fields:
                self._fields[name].value = value

    def _send(self) -> None:
        found = [field.validate() for field in self._fields.values()]  # all, so that whatever is missing is marked
        if all(found):
            self._dialog.submit({name: field.value for name, field in self._fields.items()})

    async def answer(self) -> dict[str, Any] | None:
        """Give what was filled in; None where they thought better of it."""
        answer = await self._dialog
        self._dialog.delete()
        return answer if isinstance(answer, dict) else None


def form_for(visit: Visit, subject: str, offered: Possible) -> Form | None:
    """Give the form of an action on `subject`; None where it takes nothing but words, and needs none."""
    wanted = [one for one in (*offered.needs, *offered.takes) if one is not Need.after_photo]
    if not set(wanted) - {Need.note} and Need.note not in offered.needs:
        return None
    action = visit.say(f"action.{offered.action}")

    def maker(need: Need) -> Callable[[], Field]:
        return lambda: _MAKE[need](visit, need in offered.needs)

    fields = {one.value: maker(one) for one in dict.fromkeys(_in_order(wanted))}
    return Form(visit, visit.say("console.why.title", number=subject, action=action), action, fields)


async def ask(visit: Visit, subject: str, offered: Possible) -> Step | None:
    """Give the step with what the person filled in; None where they thought better of it.

    What is not needed and is left empty is not sent.
    """
    form = form_for(visit, subject, offered)
    if form is None:
        return Step(action=offered.action)
    answer = await form.answer()
    return step_of(visit, offered, answer) if answer is not None else None


def _in_order(wanted: Sequence[Need]) -> list[Need]:
    """Put the words last: what is chosen says what they are about."""
    return sorted(wanted, key=lambda one: one is Need.note)


def step_of(visit: Visit, offered: Possible, answer: dict[str, Any]) -> Step | None:
    """Make a step of what was filled in; None where it makes none, which is told."""
    given = {name: value for name, value in answer.items() if value}
    if "until" in given:
        given["until"] = datetime.fromisoformat(given["until"]).replace(tzinfo=visit.service.settings.zone)
    try:
        return Step(action=offered.action, **given)
    except ValidationError as error:  # a browser's field lets through what the API would not
        ui.notify(error.errors()[0]["msg"], type="negative", position="top")
        return None


def _filled(visit: Visit, needed: bool) -> dict[str, Callable[[Any], bool]]:
    return {visit.say("console.why.missing"): lambda value: bool(value and str(value).strip())} if needed else {}


def _label(visit: Visit, key: str, needed: bool) -> str:
    text = visit.say(f"console.why.{key}")
    return text if needed else visit.say("console.why.optional", field=text)


def _dressed(field: Field, more: str = "") -> Field:
    field.without_auto_validation()
    field.classes("pw-wide").props(f"outlined {more}")
    return field


def words_field(visit: Visit, *, needed: bool) -> Field:
    """Give the field for a note."""
    field = ui.textarea(_label(visit, "note", needed), validation=_filled(visit, needed))
    return _dressed(field, f"autofocus autogrow maxlength={LONGEST_NOTE} counter")


def _select(visit: Visit, key: str, options: dict[str, str], needed: bool) -> Field:
    field = ui.select(
        options, label=_label(visit, key, needed), with_input=len(options) > 5, validation=_filled(visit, needed)
    )
    return _dressed(field, "options-dense clearable")


def _note(visit: Visit, needed: bool) -> Field:
    return words_field(visit, needed=needed)


def departments_field(visit: Visit) -> Field:
    """Give the field in which one or several departments are chosen."""
    departments = {one.code: visit.name_of(one.code) for one in visit.service.taxonomy.departments}
    field = ui.select(
        departments, label=visit.say("console.why.departments"), multiple=True, validation=_filled(visit, needed=True)
    )
    return _dressed(field, "options-dense use-chips")


def rating_field(visit: Visit) -> Field:
    """Give the field in which a department is rated, 1 (poor) to 5."""
    grades = {grade: visit.say(f"console.whistle.grade.{grade}") for grade in range(1, 6)}
    return _dressed(
        ui.select(grades, label=visit.say("console.why.rating"), validation=_filled(visit, needed=True)),
        "options-dense",
    )


def _department(visit: Visit, needed: bool) -> Field:
    departments = visit.service.taxonomy.departments
    return _select(visit, "department", {one.code: visit.name_of(one.code) for one in departments}, needed)


def _violation(visit: Visit, needed: bool) -> Field:
    classes = visit.service.taxonomy.classes
    return _select(visit, "violation", {code: visit.name_of(code) for code in classes}, needed)


def _level(visit: Visit, needed: bool) -> Field:
    return _select(visit, "level", {one.value: visit.say(f"level.{one}") for one in Level}, needed)


def _into(visit: Visit, needed: bool) -> Field:
    return _dressed(ui.input(_label(visit, "into", needed), validation=_filled(visit, needed)), "maxlength=64")


def _until(visit: Visit, needed: bool) -> Field:
    tomorrow = (now() + USUAL_EXTENSION).astimezone(visit.service.settings.zone)
    value = f"{tomorrow:%Y-%m-%dT%H:%M}" if needed else None
    field = ui.input(_label(visit, "until", needed), value=value, validation=_filled(visit, needed))
    return _dressed(field, "type=datetime-local stack-label")


_MAKE: dict[Need, Callable[[Visit, bool], Field]] = {
    Need.note: _note,
    Need.department: _department,
    Need.violation: _violation,
    Need.level: _level,
    Need.into: _into,
    Need.until: _until,
}
