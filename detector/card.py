"""The model card: what an artifact is, what it knows, how sure it has shown itself to be.

A card is the only way to a model file: nothing is loaded whose bytes do not have the SHA-256 that the card states.
"""

import hashlib
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from detector.errors import ModelRefused

CARD_FILE = "card.yaml"
CURRENT_FILE = "CURRENT"
MAX_CARD_BYTES = 1_000_000  # a card is a page of text; more is not a card

#: Beginnings of files that have been seen under a model's name; said before the hash, since it says more.
_FOREIGN = {
    b"PK\x03\x04": "a zip archive, as torch writes its checkpoints",
    b"\x80\x02": "a Python pickle, as torch writes its older checkpoints",
    b"\x80\x03": "a Python pickle",
    b"\x80\x04": "a Python pickle",
    b"\x80\x05": "a Python pickle",
    b"\x1f\x8b": "a gzip archive",
    b"\x89HDF": "an HDF5 file, as Keras writes",
    b"\x7fELF": "a program",
    b"version https://git-lfs": "a Git LFS pointer, not the file it stands for",
}
#: The key under which an ONNX file names a second file for its weights (StringStringEntryProto in onnx.proto).
_WEIGHTS_ELSEWHERE = b"\x0a\x08location\x12"

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Version = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z][0-9A-Za-z._-]{0,63}$")]
PlainFile = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z][0-9A-Za-z._-]*\.onnx$")]


class Record(BaseModel):
    """A part of the card: unknown keys are an error, so that a misspelt threshold is never silently ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Standing(StrEnum):
    """How far a class has proved itself on real photographs."""

    verified = "verified"  # judged on real held-out photographs
    experimental = "experimental"  # judged, but on too few photographs or not well enough to act by itself
    unverified = "unverified"  # never judged on real photographs with labels


class ModelFile(Record):
    """The artifact beside the card."""

    file: PlainFile = "model.onnx"
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    bytes: int = Field(gt=0)
    architecture: str
    input_px: int = Field(ge=64, le=4096, multiple_of=32, description="long side the picture is scaled to, pixels")
    stride: int = Field(default=32, ge=1)


class ClassMetrics(Record):
    """Figures of one class on pictures that no training step, threshold or early stop has seen."""

    source: str = Field(description="the data source and split, e.g. 'garbage/val'")
    pictures: int = Field(ge=0, description="pictures looked at")
    boxes: int = Field(ge=0, description="labelled boxes of this class on them")
    map50: Share = Field(description="average precision at IoU .50")
    map50_95: Share = Field(description="average precision averaged over IoU .50 to .95")
    precision: Share | None = Field(default=None, description="at the `automatic` threshold")
    recall: Share | None = Field(default=None, description="at the `automatic` threshold")
    recall_at_precision_90: Share | None = Field(default=None, description="largest recall at which 9 of 10 are right")
    small_boxes: int | None = Field(default=None, ge=0, description="labelled boxes under 32² px on a picture of 640")
    small_map50: Share | None = Field(default=None, description="average precision on those at IoU .50")
    fresh_pictures: int | None = Field(default=None, ge=0, description="pictures of scenes that were never learned")
    fresh_map50: Share | None = Field(default=None, description="average precision on those at IoU .50")
    false_alarms_per_100: float | None = Field(
        default=None, ge=0, description="found at `automatic` on 100 pictures that were taken for other classes"
    )


class ModelClass(Record):
    """One output of the model, in the order of the outputs."""

    name: Name
    automatic: Share = Field(description="at or above this confidence an issue opens by itself")
    review: Share = Field(description="at or above this confidence a person is asked")
    standing: Standing
    metrics: ClassMetrics | None = None
    note: str = ""

    @model_validator(mode="after")
    def _thresholds_in_order(self) -> Self:
        if self.review > self.automatic:
            raise ValueError(f"{self.name}: review threshold {self.review} lies above automatic {self.automatic}")
        if self.standing is not Standing.unverified and self.metrics is None:
            raise ValueError(f"{self.name} is called {self.standing} but has no metrics: say unverified or judge it")
        return self


class DataSource(Record):
    """Where pictures came from and what was done with them."""

    name: str
    licence: str
    attribution: str
    train_pictures: int = Field(ge=0)
    dev_pictures: int = Field(default=0, ge=0)
    val_pictures: int = Field(default=0, ge=0)
    note: str = ""


class Card(Record):
    """A model version with all that is known about it."""

    name: Name
    version: Version
    made_on: date
    licence: str
    model: ModelFile
    classes: list[ModelClass] = Field(min_length=1)
    data: list[DataSource] = Field(default_factory=list)
    training: str = Field(description="how it was made, in words: start, epochs, sizes, what filled missing labels")
    limits: list[str] = Field(default_factory=list, description="what it has never seen and must not be trusted with")

    @model_validator(mode="after")
    def _names_once(self) -> Self:
        names = [entry.name for entry in self.classes]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"classes named twice: {', '.join(twice)}")
        return self

    def index(self, name: str) -> int:
        """Give the output index of the class `name`; `KeyError` if the model has no such class."""
        for position, entry in enumerate(self.classes):
            if entry.name == name:
                return position
        raise KeyError(name)


def find_version(folder: Path) -> Path:
    """Give the folder that holds `card.yaml`: `folder` itself, or the version its `CURRENT` file points to."""
    if (folder / CARD_FILE).is_file():
        return folder
    pointer = folder / CURRENT_FILE
    if not pointer.is_file():
        raise ModelRefused(f"No model at {folder}: expected {CARD_FILE} or a {CURRENT_FILE} file there.")
    try:
        version = pointer.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ModelRefused(f"{pointer} cannot be read: {error}. It should hold the name of a version.") from error
    if not version or "/" in version or version.startswith("."):
        raise ModelRefused(f"{pointer} holds {version!r}, which is not the name of a version beside it.")
    if not (folder / version / CARD_FILE).is_file():
        raise ModelRefused(f"{pointer} names version {version!r}, but {folder / version / CARD_FILE} does not exist.")
    return folder / version


def read_card(folder: Path) -> Card:
    """Read and check `folder`/card.yaml.

    Raises:
        ModelRefused: the file is missing, too long, not YAML, or says something that cannot be.
    """
    path = folder / CARD_FILE
    try:
        if path.stat().st_size > MAX_CARD_BYTES:
            raise ModelRefused(f"{path} is larger than {MAX_CARD_BYTES} bytes; that is no model card.")
        return Card.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "card"
        raise ModelRefused(f"{path}: {where}: {first['msg']} ({error.error_count()} problem(s) in all)") from error
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:  # ValueError: not UTF-8, or 31 February
        raise ModelRefused(f"{path} cannot be read as YAML: {error}") from error


def read_model_bytes(folder: Path, card: Card) -> bytes:
    """Give the artifact's bytes, after checking them against the card's length and SHA-256.

    Raises:
        ModelRefused: the file is missing, is no ONNX, is not the one the card describes, or is not all of the model.
    """
    path = folder / card.model.file
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelRefused(f"{path} cannot be read: {error.strerror or error}") from error
    for beginning, kind in _FOREIGN.items():
        if content.startswith(beginning):
            raise ModelRefused(f"{path} is {kind}. Only ONNX is ever loaded: export the model, then write its card.")
    if len(content) != card.model.bytes:
        raise ModelRefused(f"{path} has {len(content)} bytes, its card says {card.model.bytes}: damaged or replaced.")
    digest = hashlib.sha256(content).hexdigest()
    if digest != card.model.sha256:
        raise ModelRefused(f"{path} has SHA-256 {digest}, its card says {card.model.sha256}: damaged or replaced.")
    if _WEIGHTS_ELSEWHERE in content:
        raise ModelRefused(f"{path} keeps weights in another file, which no SHA-256 covers. Export it as one file.")
    return content
