"""Plain HTML elements for pages. Text and attributes travel as data and are never parsed as HTML."""

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement


def tag(name: str, text: str = "", classes: str = "", **attributes: str | bool | None) -> ui.element:
    """Give an element, e.g. `tag("a", "Plan", href="/plan", aria_current="page")`; None leaves one out."""
    made = TextElement(tag=name, text=text) if text else ui.element(name)
    made.classes(classes)
    for attribute, value in attributes.items():
        if value is not None:
            # not `.props("…")`, which would split a value at its blanks and quotes
            made.props[attribute.rstrip("_").replace("_", "-")] = value
    return made


def text(name: str) -> TextElement:
    """Give an empty element whose text is set, and set again, later."""
    return TextElement(tag=name, text="")


def set_attribute(element: ui.element, attribute: str, value: str) -> None:
    """Change an attribute of an element that is shown already."""
    if element.props.get(attribute) != value:
        element.props[attribute] = value
        element.update()


def fact(term: str, value: str, *, href: str | None = None) -> ui.element:
    """Add one line to a list of facts (`dl`) and give what holds its value."""
    with tag("div"):
        tag("dt", term)
        with tag("dd") as holder:
            tag("a", value, href=href) if href else tag("span", value)
    return holder
