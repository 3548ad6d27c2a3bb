"""Precision and recall at each confidence on labelled pictures: a file beside the card. Measured elsewhere."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints, ValidationError

from detector.card import Name, Record, Share
from detector.durable import write_whole
from detector.errors import ModelRefused

CURVES_FILE = "curves.json"
MAX_CURVES_BYTES = 1_000_000
MOST_POINTS = 200


class CurvePoint(Record):
    """What taking every box from a confidence up would give, at IoU .50."""

    confidence: Share
    precision: Share
    recall: Share


class Curve(Record):
    """The curve of one class, surest boxes first."""

    name: Name
    pictures: int = Field(ge=0)
    boxes: int = Field(ge=0, description="labelled")
    points: list[CurvePoint] = Field(max_length=MOST_POINTS)


class Curves(Record):
    """The curves of one version."""

    model_sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    part: str = Field(description="which pictures: val, dev or train")
    pictures: int = Field(ge=0)
    validation_sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] = Field(
        description="hash of the labelled pictures"
    )
    classes: list[Curve]


def read_curves(folder: Path, model_sha256: str) -> Curves | None:
    """Read the curves of the version in `folder`; None where it was never measured, or another artifact was.

    Raises:
        ModelRefused: there is a file, but it cannot be read.
    """
    path = folder / CURVES_FILE
    if not path.is_file():
        return None
    try:
        if path.stat().st_size > MAX_CURVES_BYTES:
            raise ModelRefused(f"{path} is larger than {MAX_CURVES_BYTES} bytes; those are no curves.")
        found = Curves.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise ModelRefused(f"{path} cannot be read. Measure the version again with --keep.") from error
    return found if found.model_sha256 == model_sha256 else None


def write_curves(folder: Path, curves: Curves) -> Path:
    """Keep the curves beside the card of the version in `folder`; give the file."""
    path = folder / CURVES_FILE
    write_whole(path, curves.model_dump_json() + "\n")
    return path
