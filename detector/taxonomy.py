"""The catalogue as data: kinds of problems, classes, who answers for them, how long they have, what the model sees.

Reading it is the only I/O here; what it means for a picture is decided in `rules.py`.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from detector.card import Card, Standing
from detector.errors import TaxonomyRefused

Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,47}$")]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
Location = tuple[int | str, ...]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class Entry(BaseModel):
    """A part of the catalogue; an unknown key is an error, since it is nearly always a misspelt one."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Named(Entry):
    """Something with a code for machines and a name for people in both languages."""

    code: Code
    zh: Text
    en: Text

    def name(self, language: str = "zh") -> str:
        """Give the name in `language`, "zh" or "en"."""
        return self.en if language == "en" else self.zh


class Clock(StrEnum):
    """Which hours a limit counts."""

    working = "working"  # office hours of the department
    calendar = "calendar"  # every hour


class Allowance(Entry):
    """A stretch of time that is allowed for something."""

    minutes: int | None = Field(default=None, gt=0)
    hours: int | None = Field(default=None, gt=0)
    days: int | None = Field(default=None, gt=0)
    clock: Clock = Clock.working

    @model_validator(mode="after")
    def _one_unit(self) -> Self:
        if sum(value is not None for value in (self.minutes, self.hours, self.days)) != 1:
            raise ValueError("give exactly one of minutes, hours, days")
        return self


class Limit(Allowance):
    """How long a step may take, e.g. fencing in a collapse within one hour."""

    step: Code


class Judged(StrEnum):
    """How a model's boxes become this violation."""

    appearance = "appearance"  # the object itself is the violation
    parking = "parking"  # a vehicle where nobody may park; one photo shows no dwell, so a person is always asked


class Seen(Entry):
    """What of the model this class rests on; a class without it is reported by hand."""

    model_classes: list[Code] = Field(min_length=1)
    judged: Judged = Judged.appearance


class Thresholds(Entry):
    """Confidences, 0..1: from `automatic` up an issue opens by itself, from `review` up a person is asked."""

    automatic: Share
    review: Share

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.review > self.automatic:
            raise ValueError(f"review threshold {self.review} lies above automatic {self.automatic}")
        return self


class ViolationClass(Named):
    """One class of violation, such as 暴露垃圾."""

    common_code: str | None = Field(default=None, description="code in the common urban-management lists, unverified")
    departments: list[Code] = Field(min_length=1)
    limits: list[Limit] = Field(min_length=1)
    seen: Seen | None = None
    thresholds: Thresholds | None = Field(default=None, description="in place of those in the model card")
    enabled: bool = True


class Kind(Named):
    """One of the seven kinds of problems."""

    classes: list[ViolationClass] = Field(min_length=1)


class Taxonomy(Entry):
    """The whole catalogue; `read_taxonomy` is the door that also checks it against itself."""

    version: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z][0-9A-Za-z._-]{0,31}$")]
    departments: list[Named] = Field(min_length=1)
    place_categories: list[Named] = Field(min_length=1)
    objects: list[Named] = Field(description="model classes that are no violation by themselves")
    kinds: list[Kind] = Field(min_length=1)

    @cached_property
    def classes(self) -> dict[str, ViolationClass]:
        """Give every violation class by its code, in the order of the file."""
        return {entry.code: entry for kind in self.kinds for entry in kind.classes}

    @cached_property
    def kind_of(self) -> dict[str, Kind]:
        """Give the kind to which each class code belongs."""
        return {entry.code: kind for kind in self.kinds for entry in kind.classes}

    @cached_property
    def categories(self) -> dict[str, Named]:
        """Give every place category by its code."""
        return {entry.code: entry for entry in self.place_categories}

    def name_of(self, code: str, language: str = "zh") -> str:
        """Give the name of a class, kind, object, department or category; the code itself where it is unknown."""
        return self._names.get(code, {}).get(language, code)

    @cached_property
    def _names(self) -> dict[str, dict[str, str]]:
        every: list[Named] = [*self.departments, *self.place_categories, *self.objects, *self.kinds]
        return {entry.code: {"zh": entry.zh, "en": entry.en} for entry in [*every, *self.classes.values()]}

    def standing(self, code: str, card: Card) -> Standing | None:
        """Say how far `card`'s model has proved itself on the class `code`; None if it is reported by hand."""
        seen = self.classes[code].seen
        if seen is None:
            return None
        order = [Standing.unverified, Standing.experimental, Standing.verified]
        return min((card.classes[card.index(name)].standing for name in seen.model_classes), key=order.index)

    def with_thresholds(self, chosen: Mapping[str, Thresholds]) -> "Taxonomy":
        """Give the same catalogue with other thresholds for some classes; unknown codes change nothing."""
        if not chosen:
            return self
        kinds = [
            kind.model_copy(
                update={
                    "classes": [
                        one.model_copy(update={"thresholds": chosen.get(one.code, one.thresholds)})
                        for one in kind.classes
                    ]
                }
            )
            for kind in self.kinds
        ]
        return Taxonomy(
            version=self.version,
            departments=self.departments,
            place_categories=self.place_categories,
            objects=self.objects,
            kinds=kinds,
        )

    def check_against(self, card: Card) -> None:
        """Make sure that every model class a violation rests on exists in the model.

        Raises:
            TaxonomyRefused: naming the class and what the model has instead.
        """
        known = [entry.name for entry in card.classes]
        for entry in self.classes.values():
            missing = [name for name in (entry.seen.model_classes if entry.seen else []) if name not in known]
            if missing:
                raise TaxonomyRefused(
                    f"{entry.code} rests on model classes that {card.name} {card.version} does not have: "
                    f"{', '.join(missing)}. It has: {', '.join(known)}."
                )


def read_taxonomy(path: Path) -> Taxonomy:
    """Read and check a catalogue.

    Raises:
        TaxonomyRefused: with file, line and reason.
    """
    try:
        text = path.read_text(encoding="utf-8")
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as error:
        raise TaxonomyRefused(f"{path}: cannot be read: {error}") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise TaxonomyRefused(f"{path}:{line}: not YAML: {error.problem}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a date such as 2026-02-31
        raise TaxonomyRefused(f"{path}:1: not YAML: {error}") from error
    twice = [f"{path}:{line}: {key} is given twice" for line, key in _keys_given_twice(tree, set())]
    if twice:
        raise TaxonomyRefused("\n".join(twice))
    try:
        taxonomy = Taxonomy.model_validate(data)
    except ValidationError as error:
        wrong = [(one["loc"], one["msg"]) for one in error.errors()]
        raise TaxonomyRefused(_report(path, tree, wrong)) from error
    wrong = list(_contradictions(taxonomy))
    if wrong:
        raise TaxonomyRefused(_report(path, tree, wrong))
    return taxonomy


def _keys_given_twice(node: Any, seen: set[int]) -> Iterator[tuple[int, str]]:
    """Give line and name of each key that stands twice in one mapping; YAML would silently take the last."""
    if id(node) in seen:  # an alias; it may even lead back to itself
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        met: set[str] = set()
        for key, value in node.value:
            if key.value in met:
                yield int(key.start_mark.line) + 1, str(key.value)
            met.add(str(key.value))
            yield from _keys_given_twice(value, seen)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _keys_given_twice(value, seen)


def _contradictions(taxonomy: Taxonomy) -> Iterator[tuple[Location, str]]:
    """Give place and reason of whatever the catalogue says twice or sends to nobody."""
    classes: list[tuple[Location, ViolationClass]] = [
        (("kinds", at, "classes", below), entry)
        for at, kind in enumerate(taxonomy.kinds)
        for below, entry in enumerate(kind.classes)
    ]
    lists: dict[str, list[tuple[Location, str]]] = {
        "department": [(("departments", at), one.code) for at, one in enumerate(taxonomy.departments)],
        "place category": [(("place_categories", at), one.code) for at, one in enumerate(taxonomy.place_categories)],
        "object": [(("objects", at), one.code) for at, one in enumerate(taxonomy.objects)],
        "kind": [(("kinds", at), one.code) for at, one in enumerate(taxonomy.kinds)],
        "class": [(location, one.code) for location, one in classes],
    }
    for what, entries in lists.items():
        met: set[str] = set()
        for location, code in entries:
            if code in met:
                yield (*location, "code"), f"{what} {code!r} is named twice"
            met.add(code)
    known = {entry.code for entry in taxonomy.departments}
    for location, entry in classes:
        for department in entry.departments:
            if department not in known:
                yield (*location, "departments"), f"{entry.code} is sent to {department!r}, which is not listed above"


def _report(path: Path, tree: Any, wrong: list[tuple[Location, str]]) -> str:
    """Give one line `file:line: where: what` for each thing that is wrong."""
    return "\n".join(
        f"{path}:{_line(tree, location)}: {'.'.join(str(part) for part in location) or 'taxonomy'}: {message}"
        for location, message in wrong
    )


def _line(node: Any, location: Location) -> int:
    """Give the 1-based line of the deepest part of `location` that the file has."""
    for part in location:
        below = None
        if isinstance(node, yaml.MappingNode):
            below = next((value for key, value in node.value if key.value == part), None)
            if below is None:  # an extra or missing key: point at the key if it is there, else at the mapping
                break
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            below = node.value[part]
        if below is None:
            break
        node = below
    return int(node.start_mark.line) + 1 if node is not None else 1
