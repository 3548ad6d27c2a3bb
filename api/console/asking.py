"""The dialog that asks for what an action needs, and may have, before it is taken."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from nicegui import ui
from pydantic import ValidationError

from api.console.tags import tag
from api.console.visit import Visit
from api.database import now
from api.issues.schemas import Level, Possible, Step
from api.issues.transitions import Need

LONGEST_NOTE = 2000  # as `Step` takes it
USUAL_EXTENSION = timedelta(days=1)

Field = Any  # a NiceGUI element with a value and `validate`


async def ask(visit: Visit, number: str, offered: Possible) -> Step | None:
    """Give the step with what the person filled in; None where they thought better of it.

    What is not needed and is left empty is not sent. An action that takes nothing but words, and needs none, is not
    asked about.
    """
    wanted = [one for one in (*offered.needs, *offered.takes) if one is not Need.after_photo]
    if not set(wanted) - {Need.note} and Need.note not in offered.needs:
        return Step(action=offered.action)
    with ui.dialog() as dialog, tag("div", classes="pw-dialog", role="document"):
        tag("h2", visit.say("console.why.title", number=number, action=visit.say(f"action.{offered.action}")))
        fields = {one: _MAKE[one](visit, one in offered.needs) for one in dict.fromkeys(_in_order(wanted))}

        def submit() -> None:
            found = [
                field.validate() for field in fields.values()
            ]  # all, so that whatever is missing is marked at once
            if all(found):
                dialog.submit({one.value: field.value for one, field in fields.items()})

        with tag("div", classes="pw-actions"):
            tag("button", visit.say(f"action.{offered.action}"), "pw-button", type="button").on("click", submit)
            cancel = tag("button", visit.say("console.why.cancel"), "pw-button pw-second", type="button")
            cancel.on("click", dialog.close)
    answer = await dialog
    dialog.delete()
    return _step(visit, offered, answer) if isinstance(answer, dict) else None


def _in_order(wanted: Sequence[Need]) -> list[Need]:
    """Put the words last: what is chosen says what they are about."""
    return sorted(wanted, key=lambda one: one is Need.note)


def _step(visit: Visit, offered: Possible, answer: dict[str, Any]) -> Step | None:
    given = {name: value for name, value in answer.items() if value}
    if "until" in given:
        given["until"] = datetime.fromisoformat(given["until"]).replace(tzinfo=visit.service.settings.zone)
    try:
        return Step(action=offered.action, **given)
    except ValidationError as error:  # a browser's field lets through what the API would not
        ui.notify(error.errors()[0]["msg"], type="negative", position="top")
        return None


def _filled(visit: Visit, needed: bool) -> dict[str, Callable[[Any], bool]]:
    return {visit.say("console.why.missing"): lambda value: bool(str(value or "").strip())} if needed else {}


def _label(visit: Visit, key: str, needed: bool) -> str:
    text = visit.say(f"console.why.{key}")
    return text if needed else visit.say("console.why.optional", field=text)


def _dressed(field: Field, more: str = "") -> Field:
    field.without_auto_validation()
    field.classes("pw-wide").props(f"outlined {more}")
    return field


def _note(visit: Visit, needed: bool) -> Field:
    field = ui.textarea(_label(visit, "note", needed), validation=_filled(visit, needed))
    return _dressed(field, f"autofocus autogrow maxlength={LONGEST_NOTE} counter")


def _select(visit: Visit, key: str, options: dict[str, str], needed: bool) -> Field:
    field = ui.select(
        options, label=_label(visit, key, needed), with_input=len(options) > 5, validation=_filled(visit, needed)
    )
    return _dressed(field, "options-dense clearable")


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
