"""What the issues domain sends and takes."""

import uuid
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from api.clocks.standing import Pace
from api.issues.transitions import Action, State
from detector.rules import Certainty, Reason


class Titled(BaseModel):
    """A code with its name in both languages."""

    code: str
    zh: str
    en: str


class IssuePoint(BaseModel):
    """The point of an issue, as far as a list needs it."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    code: str
    name: str
    community: str
    category: str
    longitude: float = Field(description="degrees, WGS-84")
    latitude: float = Field(description="degrees, WGS-84")
    responsible_post: str
    responsible_person: str


class DeadlineView(BaseModel):
    """One step that must be done in time, on the working clock of the department that acts first."""

    model_config = ConfigDict(from_attributes=True)

    step: str = Field(examples=["fix"])
    due_at: datetime
    pace: Pace


class IssueView(BaseModel):
    """An issue as it stands."""

    id: uuid.UUID
    number: str = Field(examples=["DH-2026-000123"])
    state: State
    kind: Titled
    violation: Titled
    departments: list[Titled]
    point: IssuePoint
    opened_at: datetime
    clock_started_at: datetime | None = Field(description="null while the issue is only suspected")
    deadlines: list[DeadlineView] = Field(description="of an open issue; computed from the office hours in force")
    closed_at: datetime | None
    first_seen_at: datetime
    last_seen_at: datetime
    sighting_count: int
    reopened_count: int
    confidence: float = Field(description="of the surest sighting, 0..1")
    cover_capture_id: uuid.UUID = Field(description="capture with the surest sighting; its picture is the evidence")
    revision: int


class BoxView(BaseModel):
    """One box of a sighting."""

    box: tuple[float, float, float, float] = Field(description="x1, y1, x2, y2 in pixels of the upright original")
    confidence: float


class SightingView(BaseModel):
    """One capture that shows the issue."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    capture_id: uuid.UUID
    seen_at: datetime
    confidence: float
    certainty: Certainty
    reason: Reason
    boxes: list[BoxView]
    model: str


class EventView(BaseModel):
    """A step in an issue's life."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    at: datetime
    action: str
    from_state: State | None
    to_state: State
    by_user_id: uuid.UUID | None = Field(description="null: the system itself")
    note: str
    capture_id: uuid.UUID | None


class Step(BaseModel):
    """Something to do to an issue."""

    action: Action
    note: str = Field(
        default="", max_length=500, pattern=r"^[^\x00]*$", description="why; asked for when rejecting or closing"
    )


class Summary(BaseModel):
    """How many issues stand where."""

    by_state: dict[State, int]
    open_by_kind: dict[str, int] = Field(description="open and in review, by code of the kind")
    points_with_open: int
