"""What the issues domain sends and takes."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from api.clocks.standing import Pace
from api.issues.transitions import Action, Need, State
from api.posts.schemas import PostBrief
from detector.rules import Certainty, Reason

_PLAIN = r"^[^\x00]*$"  # PostgreSQL keeps no NUL


class Source(StrEnum):
    """Who told."""

    photo = "photo"  # the model, on a photo that somebody sent
    camera = "camera"  # the model, on a camera's picture
    hand = "hand"  # a person of the office
    open311 = "open311"  # a citizen or another system


class Extension(StrEnum):
    """How a wish for more time stands."""

    requested = "requested"
    granted = "granted"
    refused = "refused"


class Verdict(StrEnum):
    """What the model says of an after-photo; only a person signs off."""

    waiting = "waiting"  # it has not looked yet
    still_seen = "still_seen"  # the same class at or over its threshold for review
    looks_clean = "looks_clean"
    cannot_tell = "cannot_tell"  # the model does not see this class, or could not look at the photo


class Level(StrEnum):
    """Whose inspectors notified a problem (上级通报)."""

    province = "province"
    city = "city"
    district = "district"


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


class DeadlineView(BaseModel):
    """One step that must be done in time."""

    model_config = ConfigDict(from_attributes=True)

    step: str = Field(examples=["fix"], description="arrive: a department that was whistled for comes")
    department: str = Field(description="code of the one whose hours count; empty: the subdistrict's")
    warn_at: datetime = Field(description="four fifths of the limit have passed")
    due_at: datetime
    pace: Pace


class IssueView(BaseModel):
    """An issue as it stands."""

    id: uuid.UUID
    number: str = Field(examples=["DH-2026-000123"])
    state: State
    kind: Titled
    violation: Titled
    departments: list[Titled] = Field(description="who answers for this class, first the one that acts first")
    point: IssuePoint
    source: Source = Field(description="who told first")
    state_since: datetime
    department: str | None = Field(description="code of the department that acts; see /routing/explain")
    post_id: uuid.UUID | None = Field(description="the post that answers; null: none is named")
    post: PostBrief | None
    due_at: datetime | None = Field(description="when it must be put right")
    step_due_at: datetime | None = Field(description="when the next step is due")
    extension: Extension | None
    extended_to: datetime | None = Field(description="the moment asked for, or the one granted")
    after_verdict: Verdict | None = Field(description="what the model says of the after-photos that count")
    supervised: bool
    notified_by: Level | None
    merged_into: str | None = Field(description="number of the issue that has taken this one over")
    opened_at: datetime
    clock_started_at: datetime | None = Field(description="null while the issue is only suspected")
    deadlines: list[DeadlineView] = Field(description="of an open issue; computed from the office hours in force")
    closed_at: datetime | None
    first_seen_at: datetime
    last_seen_at: datetime
    sighting_count: int
    reopened_count: int
    confidence: float | None = Field(description="of the surest sighting, 0..1; null where no model has seen it")
    cover_capture_id: uuid.UUID | None = Field(
        description="capture with the surest sighting; its picture is the evidence; null where there is no photo"
    )
    revision: int


class BoxView(BaseModel):
    """One box of a sighting."""

    box: tuple[float, float, float, float] = Field(description="x1, y1, x2, y2 in pixels of the upright original")
    confidence: float


class SightingView(BaseModel):
    """One capture that shows the issue, or one person who told of it."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    capture_id: uuid.UUID | None = Field(description="null: told without a photo")
    source: Source
    seen_at: datetime
    last_seen_at: datetime | None = Field(description="of a camera, which goes on looking: when it was still there")
    ended_at: datetime | None = Field(description="of a camera: when it was gone; null while it lasts")
    note: str = Field(description="what the person said")
    by_user_id: uuid.UUID | None = Field(description="who told; null where the model saw it")
    confidence: float | None = Field(description="null where the model did not look or cannot see this class")
    certainty: Certainty | None
    reason: Reason | None
    boxes: list[BoxView]
    model: str | None


class AfterPhotoView(BaseModel):
    """A photo that is meant to show the issue put right."""

    model_config = ConfigDict(from_attributes=True)

    capture_id: uuid.UUID
    sent_at: datetime
    by_user_id: uuid.UUID | None
    verdict: Verdict
    confidence: float | None = Field(description="of what is still seen, 0..1")
    spent: bool = Field(description="it was refused, or the issue came back: it proves nothing now")


class EventView(BaseModel):
    """A step in an issue's life; the whole row, with its hash, is in `/audit`."""

    model_config = ConfigDict(from_attributes=True)

    seq: int
    at: datetime
    action: str
    before: str | None
    after: str | None
    by_user_id: uuid.UUID | None = Field(description="null: the system itself")
    note: str
    capture_id: uuid.UUID | None
    data: dict[str, Any]


class Step(BaseModel):
    """Something to do to an issue; `/issues/{number}/actions` says which fields an action needs and takes."""

    action: Action
    note: str = Field(default="", max_length=2000, pattern=_PLAIN, description="why")
    department: str | None = Field(default=None, max_length=48, pattern=_PLAIN, description="code of a department")
    until: AwareDatetime | None = Field(default=None, description="the moment asked for or granted, with its zone")
    into: str | None = Field(default=None, max_length=64, pattern=_PLAIN, description="number of the issue that stays")
    violation: str | None = Field(default=None, max_length=48, pattern=_PLAIN, description="code of a class")
    level: Level | None = None


class Target(BaseModel):
    """One issue of many that something is done to."""

    model_config = ConfigDict(extra="forbid")

    number: str = Field(max_length=64, pattern=_PLAIN, description="number or id")
    revision: int | None = Field(default=None, description="as it was read; a changed one is refused, null: never")


class ManySteps(BaseModel):
    """One step for many issues."""

    model_config = ConfigDict(extra="forbid")

    step: Step
    issues: list[Target] = Field(min_length=1, max_length=200)


class StepOutcome(BaseModel):
    """What became of one issue of many."""

    number: str
    done: bool
    state: State | None = Field(default=None, description="where it stands now; null where the step was refused")
    revision: int | None = None
    problem: dict[str, object] | None = Field(default=None, description="problem details, as one step's refusal has")


class Counted(BaseModel):
    """How many issues a list would give."""

    count: int
    more: bool = Field(description="there are more than were counted")


class Possible(BaseModel):
    """Something that the caller may do to an issue now."""

    action: Action
    to: State = Field(description="where that leads; its own state where it stays")
    needs: tuple[Need, ...] = Field(description="fields without which it is refused; `after_photo`: send one first")
    takes: tuple[Need, ...] = Field(description="fields that may be given too")


class Report(BaseModel):
    """What somebody saw with their own eyes, or was told."""

    model_config = ConfigDict(extra="forbid")

    point: str = Field(min_length=1, max_length=64, pattern=_PLAIN, description="code or id")
    class_code: str = Field(max_length=48, pattern=_PLAIN, description="any class of the catalogue that is switched on")
    note: str = Field(default="", max_length=2000, pattern=_PLAIN)
    capture_ids: list[uuid.UUID] = Field(
        default_factory=list, max_length=20, description="photos of that point, sent to `/captures` before"
    )


class Blow(BaseModel):
    """A whistle: who shall come, and what is to be done."""

    model_config = ConfigDict(extra="forbid")

    departments: list[Annotated[str, StringConstraints(max_length=48, pattern=_PLAIN)]] = Field(
        min_length=1, max_length=20, description="codes"
    )
    note: str = Field(min_length=1, max_length=2000, pattern=r"^[^\x00]*\S[^\x00]*$", description="what is to be done")


class WhistleEnd(BaseModel):
    """Why a whistle ends."""

    note: str = Field(default="", max_length=2000, pattern=_PLAIN)


class WhistleOutcome(BaseModel):
    """What a department has done."""

    note: str = Field(default="", max_length=2000, pattern=_PLAIN)


class WhistleRating(BaseModel):
    """How a community rates a department."""

    rating: int = Field(ge=1, le=5, description="1 is poor")
    note: str = Field(default="", max_length=2000, pattern=_PLAIN)


class WhistleCallView(BaseModel):
    """One department that was called."""

    model_config = ConfigDict(from_attributes=True)

    department: str
    due_at: datetime = Field(description="when it must have arrived, as limits and calendar are now")
    late: bool = Field(description="it came too late, or has not come although it should have")
    arrived_at: datetime | None
    arrived_by: uuid.UUID | None
    finished_at: datetime | None
    outcome: str
    rating: int | None = Field(description="1 (poor) to 5")
    rating_note: str
    rated_at: datetime | None


class WhistleView(BaseModel):
    """A community's call to an issue."""

    id: uuid.UUID
    note: str
    called_at: datetime
    by_user_id: uuid.UUID | None
    ended_at: datetime | None
    calls: list[WhistleCallView]


class Summary(BaseModel):
    """How many issues stand where."""

    by_state: dict[State, int]
    open_by_kind: dict[str, int] = Field(description="unfinished, by code of the kind")
    points_with_open: int


class PointCounts(BaseModel):
    """The unfinished issues of a point."""

    point: IssuePoint
    by_state: dict[State, int]
