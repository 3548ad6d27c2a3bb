"""What reviewers decided, as a data set for training: pictures, YOLO labels, and which class each number is."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
import yaml

from api.accounts.schemas import EVERYWHERE
from api.captures import service as captures
from api.context import Service
from api.errors import Conflict, Unfit
from api.review.config import labels
from api.review.schemas import CaseState
from api.review.tables import ReviewCase


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What an export holds."""

    pictures: int
    boxes: int
    empty: int  #: pictures on which people saw nothing: they teach what not to see


def export_decided(context: Service, folder: Path, since: str = "") -> Written:
    """Write `images/`, `labels/` (class cx cy w h, shares of the picture) and `data.yaml` into a new folder.

    The pictures are those that reviewers saw, with faces and plates hidden: what is learned from leaves no trace of
    passers-by. Every picture is named by point and capture, so that a split can keep a view on one side.

    Raises:
        Conflict: the folder is not empty. Unfit: `since` is no day.
    """
    start = _day(since) if since else None
    if folder.exists() and any(folder.iterdir()):
        raise Conflict(f"{folder} is not empty. Name a new folder.")
    codes = [one.code for one in labels(context.taxonomy, context.card)]
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    pictures = boxes = empty = 0
    for case in _decided(context, start):
        with context.database.read() as session:
            capture = captures.get_capture(session, case.capture_id, within=EVERYWHERE)
        if capture.view_key is None or case.boxes is None:
            continue
        name = f"{capture.point_id.hex[:12]}-{capture.id.hex}"
        (folder / "images" / f"{name}.jpg").write_bytes(context.media.get(capture.view_key))
        lines = []
        for one in case.boxes:
            x1, y1, x2, y2 = one["box"]
            centre = ((x1 + x2) / 2 / capture.width, (y1 + y2) / 2 / capture.height)
            size = ((x2 - x1) / capture.width, (y2 - y1) / capture.height)
            lines.append(f"{codes.index(one['code'])} " + " ".join(f"{value:.6f}" for value in (*centre, *size)))
        (folder / "labels" / f"{name}.txt").write_text("".join(f"{line}\n" for line in lines), encoding="ascii")
        pictures, boxes, empty = pictures + 1, boxes + len(lines), empty + (not lines)
    description = {"path": ".", "train": "images", "names": dict(enumerate(codes))}
    (folder / "data.yaml").write_text(yaml.safe_dump(description, sort_keys=False), encoding="utf-8")
    return Written(pictures=pictures, boxes=boxes, empty=empty)


def _decided(context: Service, start: datetime | None) -> Iterator[ReviewCase]:
    query = sa.select(ReviewCase).filter_by(state=CaseState.decided).order_by(ReviewCase.id)
    if start is not None:
        query = query.where(ReviewCase.decided_at >= start)
    with context.database.read() as session:
        yield from session.scalars(query.execution_options(yield_per=200))


def _day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise Unfit(f"{text!r} is no day such as 2026-11-23.") from None
