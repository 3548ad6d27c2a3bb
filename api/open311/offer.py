"""What the office offers through Open311, as data: jurisdictions, questions asked besides, limits."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from api.errors import Misconfigured
from detector.taxonomy import Taxonomy

Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


class Entry(BaseModel):
    """Parent of what stands in the file: nothing unknown is passed over."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Said(Entry):
    """A text in both languages."""

    zh: str = Field(min_length=1, max_length=500)
    en: str = Field(min_length=1, max_length=500)

    def in_language(self, language: str) -> str:
        """Give the text in one of the two."""
        return self.zh if language == "zh" else self.en


class Datatype(StrEnum):
    """What kind of answer an attribute takes. Source: GeoReport v2, GET Service Definition."""

    string = "string"
    number = "number"
    datetime = "datetime"
    text = "text"
    singlevaluelist = "singlevaluelist"
    multivaluelist = "multivaluelist"


LISTS = frozenset((Datatype.singlevaluelist, Datatype.multivaluelist))


class Choice(Said):
    """One answer of a list."""

    key: Code


class Attribute(Said):
    """One thing asked besides."""

    code: Code
    datatype: Datatype
    required: bool = False
    values: list[Choice] = Field(default=[], max_length=200)

    @model_validator(mode="after")
    def _has_choices(self) -> Self:
        if (self.datatype in LISTS) != bool(self.values):
            raise ValueError(f"{self.code}: a list needs values, and nothing else has any")
        return self


class Jurisdiction(Entry):
    """Somebody for whom requests are taken."""

    id: Code
    communities: list[str] = []  #: of its points; none named: all
    withheld: list[Code] = []  #: classes that it does not take


class Tries(Entry):
    """How many requests a minute are answered."""

    key: int = Field(ge=1)
    address: int = Field(ge=1)


class AnswerWith(StrEnum):
    """What a new request is answered with."""

    id = "id"
    token = "token"  # noqa: S105 - the standard's word for a number to come back with


class Offer(Entry):
    """The whole file."""

    changeset: str = Field(min_length=1, max_length=40)
    contact: Said
    key_service: Said
    readable_without_key: bool
    answer_with: AnswerWith
    pin_within_m: float = Field(gt=0, le=5000)
    tries_a_minute: Tries
    jurisdictions: list[Jurisdiction] = Field(min_length=1)
    attributes: dict[Code, list[Attribute]] = {}

    @model_validator(mode="after")
    def _names_are_single(self) -> Self:
        ids = [one.id for one in self.jurisdictions]
        if len(set(ids)) < len(ids):
            raise ValueError("two jurisdictions have the same id")
        for code, asked in self.attributes.items():
            if len({one.code for one in asked}) < len(asked):
                raise ValueError(f"{code}: two attributes have the same code")
        return self


def read_offer(path: Path, taxonomy: Taxonomy) -> Offer:
    """Read the offer and check it against the catalogue.

    Raises:
        Misconfigured: with the file and the reason.
    """
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        offer = Offer.model_validate(content)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise Misconfigured(f"{path} (POINTWATCH_OPEN311) cannot be read: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Misconfigured(f"{path} (POINTWATCH_OPEN311), {where}: {first['msg']}") from error
    named = {*offer.attributes, *(code for one in offer.jurisdictions for code in one.withheld)}
    unknown = sorted(named - set(taxonomy.classes))
    if unknown:
        raise Misconfigured(f"{path} (POINTWATCH_OPEN311) names classes that the catalogue lacks: {', '.join(unknown)}")
    return offer
