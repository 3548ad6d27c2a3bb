"""What reviewers decided, as a data set for training: pictures, YOLO labels, and which class each number is.

`reviewed.jsonl` beside them says what YOLO text cannot: of which point each picture is, when it was decided, which of
the model's boxes people removed, and of which classes a verdict says that there are no others. The training reads it.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
import yaml
from sqlalchemy.orm import Session

from api.captures import service as captures
from api.captures.tables import Capture
from api.context import Service
from api.errors import Conflict, Unfit
from api.review.config import labels
from api.review.geometry import same_place
from api.review.schemas import CaseState
from api.review.service import known_codes
from api.review.tables import ReviewCase
from detector.taxonomy import Judged, Taxonomy

FORMAT: Final = 1  # of reviewed.jsonl; its first line says it


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What an export holds."""

    pictures: int
    boxes: int
    empty: int  #: pictures on which people saw nothing: they teach what not to see
    removed: int  #: boxes of the model that people took away


def export_decided(context: Service, folder: Path, since: str = "") -> Written:
    """Write `images/`, `labels/` (class cx cy w h, shares of the picture), `data.yaml` and `reviewed.jsonl`.

    The pictures are those that reviewers saw, with faces and plates hidden: what is learned from leaves no trace of
    passers-by. Every picture is named by point and capture, so that a split can keep a view on one side.

    Args:
        context: the service.
        folder: a new or empty one.
        since: decided later than this: a day (from its beginning, UTC) or a moment in ISO 8601; empty: all.

    Raises:
        Conflict: the folder is not empty. Unfit: `since` is neither.
    """
    start = moment(since) if since else None
    if folder.exists() and any(folder.iterdir()):
        raise Conflict(f"{folder} is not empty. Name a new folder.")
    codes = _codes(context)
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    pictures = boxes = empty = removed = 0
    with (folder / "reviewed.jsonl").open("w", encoding="utf-8") as told:
        told.write(json.dumps({"format": FORMAT, "classes": codes, "judged": judged_classes(context.taxonomy)}) + "\n")
        for case, capture in _decided(context, start):
            if capture.view_key is None or case.boxes is None:
                continue
            name = f"{capture.point_id.hex[:12]}-{capture.id.hex}"
            content = context.media.get(capture.view_key)
            (folder / "images" / f"{name}.jpg").write_bytes(content)
            lines = [_line(codes, one, capture) for one in case.boxes]
            (folder / "labels" / f"{name}.txt").write_text("".join(f"{line}\n" for line in lines), encoding="ascii")
            taken = [one for one in removed_boxes(case.predicted, case.boxes) if one["code"] in codes]
            told.write(json.dumps(_story(case, capture, content, [_line(codes, one, capture) for one in taken])) + "\n")
            pictures, boxes, empty = pictures + 1, boxes + len(lines), empty + (not lines)
            removed += len(taken)
    description = {"path": ".", "train": "images", "names": dict(enumerate(codes))}
    (folder / "data.yaml").write_text(yaml.safe_dump(description, sort_keys=False), encoding="utf-8")
    return Written(pictures=pictures, boxes=boxes, empty=empty, removed=removed)


def judged_classes(taxonomy: Taxonomy) -> list[str]:
    """Give the model's classes of which a verdict says that the picture shows no others than those that stand there.

    Reviewers are asked for violations. Vehicles, people and plain bins are boxes that they leave, move or remove, but
    nobody makes sure that every parked car has one.
    """
    return sorted(
        {
            name
            for entry in taxonomy.classes.values()
            if entry.seen is not None and entry.seen.judged is Judged.appearance
            for name in entry.seen.model_classes
        }
    )


def removed_boxes(predicted: Sequence[dict[str, Any]], kept: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give the model's boxes at whose place people left none of that class."""
    return [
        one
        for one in predicted
        if not any(one["code"] == other["code"] and same_place(one["box"], other["box"]) for other in kept)
    ]


def _codes(context: Service) -> list[str]:
    """Give the classes in the order of their numbers: the model's first, then whatever else a box may be called."""
    first = [one.code for one in labels(context.taxonomy, context.card)]
    return [*first, *sorted(known_codes(context.taxonomy) - set(first))]


def _line(codes: Sequence[str], one: dict[str, Any], capture: Capture) -> str:
    x1, y1, x2, y2 = one["box"]
    centre = ((x1 + x2) / 2 / capture.width, (y1 + y2) / 2 / capture.height)
    size = ((x2 - x1) / capture.width, (y2 - y1) / capture.height)
    return f"{codes.index(one['code'])} " + " ".join(f"{value:.6f}" for value in (*centre, *size))


def _story(case: ReviewCase, capture: Capture, content: bytes, removed: list[str]) -> dict[str, Any]:
    assert case.decided_at is not None
    return {
        "picture": f"{capture.point_id.hex[:12]}-{capture.id.hex}.jpg",
        "sha256": hashlib.sha256(content).hexdigest(),
        "point": str(capture.point_id),
        "capture": str(capture.id),
        "decided_at": case.decided_at.isoformat(),
        "why": case.why,
        "model": case.model,
        "removed": removed,
    }


def _decided(context: Service, start: datetime | None) -> Iterator[tuple[ReviewCase, Capture]]:
    query = sa.select(ReviewCase).filter_by(state=CaseState.decided).order_by(ReviewCase.id)
    if start is not None:
        query = query.where(ReviewCase.decided_at > start)
    with context.database.read() as session:
        for part in session.scalars(query.execution_options(yield_per=200)).partitions():
            shown = captures.captures_by_id(session, [case.capture_id for case in part])
            yield from ((case, shown[case.capture_id]) for case in part)


def count_decided(session: Session, after: datetime | None) -> int:
    """Count the captures that people have decided since a moment."""
    query = sa.select(sa.func.count()).select_from(ReviewCase).filter_by(state=CaseState.decided)
    return session.scalar(query if after is None else query.where(ReviewCase.decided_at > after)) or 0


def moment(text: str) -> datetime:
    """Read a day or a moment.

    Raises:
        Unfit: it is neither.
    """
    try:
        said = datetime.fromisoformat(text)
    except ValueError:
        raise Unfit(
            f"{text[:40]!r} is neither a day such as 2026-11-23 nor a moment such as 2026-11-23T08:00Z."
        ) from None
    return said.replace(tzinfo=UTC) if said.tzinfo is None else said
