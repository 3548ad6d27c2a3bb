"""Write datasets/sources/NAME.yaml: what a source holds, under which licence, file by file, without the files.

`python -m training.manifests` needs the data folder; `read_manifest` needs nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml

from training.places import REPOSITORY, TrainingError, data_dir
from training.sources import DEV_SHARE, NUMBERS_PER_SCENE, SEED, SOURCES, Source, checksum, count_boxes, load_source

FOLDER: Final = REPOSITORY / "datasets" / "sources"
PARTS: Final = ("train", "dev", "val")


def _files(data: Path, source: Source, part_of: dict[Path, str]) -> list[str]:
    """One line a picture: part, path under the source's folder, SHA-256 of the picture and of its labels."""
    lines = []
    for path in sorted((data / source.name / "images").rglob("*.jpg")):
        labels = path.parents[2] / "labels" / path.parent.name / f"{path.stem}.txt"
        digest = checksum(labels) if source.classes else "-"
        name = path.relative_to(data / source.name)
        lines.append(f"{part_of.get(path, 'left-out')} {name} {checksum(path)} {digest}")
    return lines


def manifest(data: Path, source: Source) -> dict[str, Any]:
    """All that the project keeps of one source."""
    pictures = load_source(source, data)
    by_part = {part: [picture for picture in pictures if picture.part == part] for part in PARTS}
    return {
        "name": source.name,
        "licence": source.licence,
        "attribution": source.attribution,
        "note": source.note,
        "classes_in_file_order": list(source.classes),
        "labelled_everywhere": list(source.labelled),
        "split": {
            "rule": f"val as published; dev is {DEV_SHARE:.0%} of train by scene, {NUMBERS_PER_SCENE} file numbers or "
            "one hour of a walk a scene, scenes that look alike joined",
            "seed": SEED,
        },
        "pictures": {part: len(by_part[part]) for part in PARTS},
        "boxes": {part: count_boxes(by_part[part]) for part in PARTS},
        "files": "\n".join(_files(data, source, {picture.path: picture.part for picture in pictures})) + "\n",
    }


class _Dumper(yaml.SafeDumper):
    """Safe YAML in which a text of many lines is a block, not a quoted string."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)

HEAD: Final = (
    "# Made by `{made_by}`; not by hand.\n"
    "# `files`: part, picture, SHA-256 of the picture, SHA-256 of its labels ('-' where it has none).\n"
)


def as_text(content: dict[str, Any], made_by: str) -> str:
    """A manifest as it is written; `made_by` is the command that a reader would run again."""
    text = yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    return HEAD.format(made_by=made_by) + text


def read_manifest(name: str) -> dict[str, Any]:
    """A manifest as written.

    Raises:
        TrainingError: there is none of this name.
    """
    path = FOLDER / f"{name}.yaml"
    if not path.is_file():
        raise TrainingError(f"No manifest {path}; run python -m training.manifests.")
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content


def main() -> None:
    """Write every source's manifest."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    data = data_dir()
    for source in SOURCES:
        text = as_text(manifest(data, source), made_by="python -m training.manifests")
        (FOLDER / f"{source.name}.yaml").write_text(text, encoding="utf-8")
        print(f"datasets/sources/{source.name}.yaml")


if __name__ == "__main__":
    main()
