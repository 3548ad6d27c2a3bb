"""Label Studio's JSON export: tasks with annotations, boxes in percent of the picture as the annotator saw it.

Of a task's annotations the one marked as ground truth counts, else the one changed last; cancelled ones (skipped
tasks) and drafts never count, and predictions are no labels. A turned box is boxed upright; a turned picture is
left out, since its percentages belong to pixels that the file does not hold.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Final

from training.data.formats.labelled import (
    Batch,
    Box,
    Labelled,
    LeaveOutError,
    field_of,
    number,
    part_of,
    read_json,
    size_px,
)
from training.data.formats.pictures import PictureFolder
from training.places import TrainingError

#: What a region may be besides a box without meaning an object that we would miss.
HARMLESS: Final = {"choices", "textarea", "rating", "number", "datetime", "taxonomy", "pairwise", "relation", "ranker"}
BOXES: Final = {"rectanglelabels", "rectangle", "labels"}


def read(source: Path) -> Batch:
    """Read one export file with its pictures in the folder round it, or a folder with one export file.

    Raises:
        TrainingError: there is not exactly one export, or it is none; says where.
    """
    files = [source] if source.is_file() else sorted(source.glob("*.json"))
    if len(files) != 1:
        raise TrainingError(f"{source} holds {len(files)} .json files; name the one that Label Studio exported.")
    folder = PictureFolder(files[0].parent)
    tasks = read_json(files[0])
    if not isinstance(tasks, list):
        raise TrainingError(f"{files[0]}: not a Label Studio export; choose the format JSON, not JSON-MIN.")
    batch = Batch()
    taken: dict[Path, str] = {}
    for index, task in enumerate(tasks):
        where = f"{files[0].name}#task {str(field_of(task, 'id'))[:40]} (row {index + 1})"
        shown = str(_address(task))[:200]
        try:
            one = _labelled(task, where, folder)
            if one.picture in taken:
                raise LeaveOutError(f"{taken[one.picture]} names this picture too; only the first is taken")
        except LeaveOutError as error:
            batch.leave_out(where, shown, error)
            continue
        taken[one.picture] = where
        batch.pictures.append(one)
        batch.declared += [box.label for box in one.boxes if box.label not in batch.declared]
    return batch


def _address(task: Any) -> object:
    """What a task calls its picture: the field `image`, else the only text among its data."""
    data = field_of(task, "data")
    if not isinstance(data, dict):
        return None
    texts = [value for value in data.values() if isinstance(value, str)]
    return data.get("image") or (texts[0] if len(texts) == 1 else None)


def _labelled(task: Any, where: str, folder: PictureFolder) -> Labelled:
    annotation = _chosen(task)
    picture = folder.find_uploaded(_address(task))
    results = field_of(annotation, "result")
    if not isinstance(results, list):
        raise LeaveOutError("its annotation holds no list of results")
    sizes = {size_px(field_of(one, "original_width"), field_of(one, "original_height")) for one in results} - {None}
    if len(sizes) > 1:
        raise LeaveOutError("its boxes speak of pictures of different sizes")
    boxes = tuple(box for one in results for box in _boxes(one, where))
    return Labelled(
        picture=picture,
        name=picture.name,
        where=where,
        part=part_of(picture.relative_to(folder.root)),
        boxes=boxes,
        in_px=False,
        size_px=next(iter(sizes), None),
    )


def _chosen(task: Any) -> Any:
    """The annotation that counts."""
    annotations = field_of(task, "annotations")
    if annotations is None:
        annotations = field_of(task, "completions")  # as versions before 1.0 called them
    usable = [one for one in annotations or [] if isinstance(one, dict) and not one.get("was_cancelled")]
    if not usable:
        raise LeaveOutError("nobody has finished an annotation of it")
    return max(usable, key=_standing)


def _standing(annotation: dict[str, Any]) -> tuple[bool, str, int]:
    """Later is larger: ground truth first, then the time of change (ISO 8601 in UTC sorts as text), then the id."""
    changed = annotation.get("updated_at") or annotation.get("created_at") or ""
    identity = annotation.get("id")
    return bool(annotation.get("ground_truth")), str(changed), identity if isinstance(identity, int) else 0


def _boxes(result: Any, where: str) -> list[Box]:
    """Boxes of one region: as many as it has labels."""
    kind = field_of(result, "type")
    if kind in HARMLESS:
        return []
    place = f"{where} region {str(field_of(result, 'id'))[:40]}"
    value = field_of(result, "value")
    if kind not in BOXES or not isinstance(value, dict):
        raise LeaveOutError(f"{place} is a {str(kind)[:40]}, not a box")
    if kind == "rectangle":
        return []  # the same region comes again as `labels`, with its class
    if number(field_of(result, "image_rotation") or 0, f"{place} image_rotation") % 360:
        raise LeaveOutError(f"{place} was drawn on a turned picture; turn the file itself and draw it again")
    labels = value.get("rectanglelabels") or value.get("labels")
    if not isinstance(labels, list) or not labels or not all(isinstance(one, str) and one for one in labels):
        raise LeaveOutError(f"{place} has no label")
    x, y, w, h = (number(value.get(key), f"{place} {key}") / 100 for key in ("x", "y", "width", "height"))
    turn_deg = number(value.get("rotation") or 0, f"{place} rotation")
    corners = _upright(x, y, w, h, turn_deg, _aspect(result)) if turn_deg % 360 else (x, y, x + w, y + h)
    return [Box(label=label, corners=corners, where=place) for label in labels]


def _aspect(result: Any) -> float:
    """Width / height of the picture, which a turn needs."""
    size = size_px(field_of(result, "original_width"), field_of(result, "original_height"))
    if size is None:
        raise LeaveOutError("a turned box on a picture whose size the export does not say")
    return size[0] / size[1]


def _upright(
    x: float, y: float, w: float, h: float, turn_deg: float, aspect: float
) -> tuple[float, float, float, float]:
    """Upright box round a turned one, shares of the picture.

    Label Studio turns clockwise round the top left corner, in pixels and not in percent: hence `aspect`.
    """
    turn = math.radians(turn_deg)
    corners = [(across * w * aspect, down * h) for across, down in ((0, 0), (1, 0), (1, 1), (0, 1))]
    xs = [x + (cx * math.cos(turn) - cy * math.sin(turn)) / aspect for cx, cy in corners]
    ys = [y + cx * math.sin(turn) + cy * math.cos(turn) for cx, cy in corners]
    return min(xs), min(ys), max(xs), max(ys)
