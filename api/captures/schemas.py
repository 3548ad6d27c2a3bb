"""What the captures domain sends and takes."""

import uuid
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from detector.rules import Certainty, Reason


class Status(StrEnum):
    """Where a capture stands on its way."""

    queued = "queued"  # durable, waiting for a worker
    processing = "processing"  # a worker holds it under a lease
    done = "done"
    failed = "failed"  # parked with its error; can be tried again


class DetectionView(BaseModel):
    """An object that the model found, violation or not."""

    model_class: str = Field(examples=["trash_bin"])
    confidence: float = Field(ge=0, le=1)
    box: tuple[float, float, float, float] = Field(description="x1, y1, x2, y2 in pixels of the upright original")


class ViolationView(BaseModel):
    """Something wrong in the picture."""

    class_code: str = Field(examples=["exposed_garbage"])
    confidence: float = Field(ge=0, le=1)
    box: tuple[float, float, float, float] = Field(description="x1, y1, x2, y2 in pixels of the upright original")
    certainty: Certainty
    reason: Reason


class CaptureView(BaseModel):
    """A capture as it stands."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    point_id: uuid.UUID
    point_code: str = Field(examples=["DH-P01"])
    status: Status
    filename: str
    sha256: str
    byte_count: int = Field(description="bytes")
    width: int = Field(description="pixels, upright")
    height: int = Field(description="pixels, upright")
    received_at: datetime = Field(description="by the server's clock")
    taken_at: datetime | None = Field(description="as the file claims")
    longitude: float | None = Field(description="degrees WGS-84, as the file claims")
    latitude: float | None
    distance_m: float | None = Field(description="metres between the claimed position and the point")
    attempts: int
    error: str | None
    processed_at: datetime | None
    model: str | None = Field(description="name/version of the model that looked at it")
    detections: list[DetectionView]
    violations: list[ViolationView]


class Refused(BaseModel):
    """A photo of an upload that was not taken."""

    filename: str
    problem: dict[str, object] = Field(description="problem details, as the whole answer would be for one photo")


class UploadOutcome(BaseModel):
    """What became of each photo of an upload."""

    captures: list[CaptureView] = Field(
        description="taken, in the order sent; the same photo again is the same capture"
    )
    refused: list[Refused] = Field(default_factory=list)
