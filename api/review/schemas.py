"""What the review domain sends and takes."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints


class Why(StrEnum):
    """Why a capture is put before people."""

    doubtful = "doubtful"  # between the two thresholds, or a rule asks a person
    disputed = "disputed"  # somebody rejected an issue that the model had named
    contradicted = "contradicted"  # a photo and a camera's picture of one place and time have nothing in common
    confident = "confident"  # a sample of what the model is sure of, to measure its precision
    empty = "empty"  # a sample of what it saw nothing on, to measure what it misses
    asked = "asked"  # somebody sent it on purpose


class CaseState(StrEnum):
    """Where a case stands."""

    waiting = "waiting"  # to be sent
    sending = "sending"  # being sent; after a crash, looked for before it is sent again
    sent = "sent"  # before people
    disputed = "disputed"  # reviewers contradict each other: a third is asked
    decided = "decided"
    gone = "gone"  # its task was deleted in Label Studio


class JudgedBox(BaseModel):
    """A box that a reviewer stands by."""

    model_config = ConfigDict(extra="forbid")

    code: Annotated[str, StringConstraints(max_length=48)] = Field(examples=["graffiti"])
    box: tuple[float, float, float, float] = Field(description="x1, y1, x2, y2 in pixels of the upright original")


class VerdictFields(BaseModel):
    """A reviewer's verdict: every object on the picture, none left out; an empty list says that there is none."""

    model_config = ConfigDict(extra="forbid")

    boxes: list[JudgedBox] = Field(max_length=500)


class PredictedBox(JudgedBox):
    """A box as the model drew it."""

    confidence: float = Field(ge=0, le=1)


class CaseView(BaseModel):
    """A capture before people."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    capture_id: uuid.UUID
    why: Why
    state: CaseState
    created_at: datetime
    model: str
    predicted: list[PredictedBox]
    task: int | None = Field(description="its number in Label Studio")
    sent_at: datetime | None
    decided_at: datetime | None
    decided_by: list[str]
    boxes: list[JudgedBox] | None = Field(description="what people agreed on; null until they have")
