"""Pascal VOC: one XML file a picture, corners in pixels.

Corners are taken as they stand. The original VOC counts pixels from 1 and the tools that followed from 0; the
difference, one pixel at most, is below what a hand draws. Entities and document types are refused unread, so that
no XML can grow in memory or fetch anything.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from training.data.formats.labelled import (
    PART_NAMES,
    Batch,
    Box,
    Labelled,
    LeaveOutError,
    number,
    part_of,
    read_text,
    size_px,
)
from training.data.formats.pictures import PictureFolder
from training.places import TrainingError


def read(source: Path) -> Batch:
    """Read every XML file below a folder; parts come from ImageSets/Main or from folder names.

    Raises:
        TrainingError: it is no folder, or holds no XML.
    """
    if not source.is_dir():
        raise TrainingError(f"{source} is not a folder; --format voc reads a folder of .xml files and pictures.")
    folder = PictureFolder(source)
    files = sorted(path for path in folder.root.rglob("*.xml") if path.is_file())
    if not files:
        raise TrainingError(f"{source} holds no .xml file; --format voc reads a folder of them.")
    listed = _listed_parts(folder.root)
    batch = Batch()
    taken: dict[Path, str] = {}
    for file in files:
        where = file.relative_to(folder.root).as_posix()
        try:
            root = _parse(file)
            one = _labelled(root, file, where, folder, listed)
            if one.picture in taken:
                raise LeaveOutError(f"{taken[one.picture]} names this picture too; only the first is taken")
        except LeaveOutError as error:
            batch.leave_out(where, "picture", error)
            continue
        taken[one.picture] = where
        batch.pictures.append(one)
        batch.declared += [box.label for box in one.boxes if box.label not in batch.declared]
    return batch


def _parse(file: Path) -> Element:
    try:
        root: Element = fromstring(read_text(file), forbid_dtd=True)
    except DefusedXmlException as error:
        raise LeaveOutError("it declares a document type or entities, which labels never need") from error
    except (ParseError, ValueError, RecursionError) as error:
        raise LeaveOutError(f"it is not XML: {error}") from error
    if root.tag != "annotation":
        raise LeaveOutError(f"its root is <{root.tag[:40]}>; expected <annotation>")
    return root


def _labelled(root: Element, file: Path, where: str, folder: PictureFolder, listed: dict[str, str]) -> Labelled:
    name = _text(root, "filename")
    picture = folder.find(name, _near(file))
    size = root.find("size")
    part = listed.get(file.stem) or part_of(picture.relative_to(folder.root)) or part_of(file.relative_to(folder.root))
    return Labelled(
        picture=picture,
        name=picture.name,
        where=where,
        part=part,
        boxes=tuple(_box(one, f"{where}#object {index}") for index, one in enumerate(root.findall("object"), start=1)),
        in_px=True,
        size_px=size_px(_text(size, "width"), _text(size, "height")) if size is not None else None,
    )


def _near(file: Path) -> Path:
    """Where a file's picture most likely lies."""
    beside = file.parent.parent / "JPEGImages"
    return beside if beside.is_dir() else file.parent


def _box(one: Element, where: str) -> Box:
    name = _text(one, "name")
    corners = one.find("bndbox")
    if not name or corners is None:
        raise LeaveOutError(f"{where} has no name or no <bndbox>")
    x1, y1, x2, y2 = (number(_text(corners, key), f"{where} {key}") for key in ("xmin", "ymin", "xmax", "ymax"))
    return Box(label=name, corners=(x1, y1, x2, y2), where=where)


def _text(element: Element, key: str) -> str:
    return (element.findtext(key) or "").strip()


def _listed_parts(root: Path) -> dict[str, str]:
    """Part by file stem, from ImageSets/Main/train.txt and its like."""
    parts: dict[str, str] = {}
    for path in sorted(root.glob("**/ImageSets/Main/*.txt")):
        part = PART_NAMES.get(path.stem.lower())
        if part:
            try:
                parts |= {line.split()[0]: part for line in read_text(path).splitlines() if line.split()}
            except LeaveOutError as error:
                raise TrainingError(f"{path}: {error}.") from error
    return parts
