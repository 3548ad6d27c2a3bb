"""What the learning domain sends and takes."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from api.fields import line
from api.review.figures import Rate
from detector.taxonomy import Thresholds

Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,47}$")]


class Origin(StrEnum):
    """Where the thresholds in force come from."""

    card = "card"  # the model's own, chosen on photographs when it was made
    catalogue = "catalogue"  # the office's catalogue of violations
    chosen = "chosen"  # somebody, from verdicts


class InForce(BaseModel):
    """The thresholds of a violation class under the model in force."""

    class_code: str
    automatic: float = Field(description="from this confidence up an issue opens by itself, 0..1")
    review: float = Field(description="from this confidence up a person is asked, 0..1")
    origin: Origin
    chosen_at: datetime | None = None
    chosen_by: uuid.UUID | None = None
    why: str | None = None


class Change(BaseModel):
    """Thresholds that somebody thinks of for a class."""

    model_config = ConfigDict(extra="forbid")

    class_code: Code
    automatic: float = Field(ge=0, le=1)
    review: float = Field(ge=0, le=1)

    def thresholds(self) -> Thresholds:
        """Give them in the form that the rules read.

        Raises:
            ValueError: review lies above automatic.
        """
        return Thresholds(automatic=self.automatic, review=self.review)


class Load(BaseModel):
    """What a class makes of the captures of a day."""

    asked: float = Field(description="captures a day on which a person is asked about it")
    automatic: float = Field(description="captures a day on which it opens or confirms an issue by itself")


class Effect(BaseModel):
    """What other thresholds of a class would have changed."""

    class_code: str
    before: Thresholds
    after: Thresholds
    load_before: Load
    load_after: Load
    precision_before: Rate = Field(description="of its boxes at or above automatic, those that people confirmed")
    precision_after: Rate
    lost: Rate = Field(
        description="of the boxes that are looked at now and that people confirmed, those that no longer would be"
    )


class Effects(BaseModel):
    """What other thresholds would have changed, counted on the captures and the verdicts of the last days."""

    model: str = Field(description="name/version whose captures and verdicts were counted")
    days: int
    captures: int = Field(description="that this model looked at in these days")
    counted_on: int = Field(description="of them those on which the rules were tried again: the newest")
    verdicts: int = Field(description="captures on which people spoke about this model")
    asked_before: float = Field(description="captures a day on which a person is asked about anything")
    asked_after: float
    effects: list[Effect]


class Unproposed(StrEnum):
    """Why nothing is proposed for a class."""

    few = "few"  # too few verdicts to say anything
    fits = "fits"  # the thresholds in force do what is wanted
    out_of_reach = "out_of_reach"  # no confidence reaches the wanted precision


class Proposal(BaseModel):
    """Thresholds that verdicts speak for, with what they would change; nothing is changed by looking."""

    target_precision: float
    effects: Effects = Field(description="of all that is proposed together")
    not_proposed: dict[str, Unproposed] = Field(description="by class")


class Choice(BaseModel):
    """Thresholds to put in force."""

    model_config = ConfigDict(extra="forbid")

    model: Annotated[str, Field(max_length=140)] = Field(description="name/version for which they were proposed")
    changes: list[Change] = Field(min_length=1, max_length=100)
    why: Annotated[str, line(500, 1)] = Field(description="kept in the log")


class Because(StrEnum):
    """Who or what asked for a training."""

    person = "person"
    label_studio = "label_studio"
    schedule = "schedule"


class TrainingState(StrEnum):
    """Where a training stands."""

    queued = "queued"
    running = "running"
    accepted = "accepted"  # its version is in force, or was
    rejected = "rejected"  # by the gate; its version is in the registry all the same
    nothing_new = "nothing_new"
    failed = "failed"


class TrainingView(BaseModel):
    """A training as it stands."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    asked_at: datetime
    because: Because
    asked_by: uuid.UUID | None
    verdicts: int = Field(description="captures decided since the training before, when it was asked for")
    state: TrainingState
    started_at: datetime | None
    step: str | None = Field(description="what it does now")
    done: int
    of: int
    ended_at: datetime | None
    version: str | None = Field(description="that came of it")
    verdict: dict[str, Any] | None = Field(description="of the gate: each class before and after, reasons")
    error: str | None
