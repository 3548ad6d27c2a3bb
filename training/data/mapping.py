"""Which of the other tool's classes is which of ours; the model's own order of classes is never changed by it.

classes:
  rubbish heap: exposed_garbage
  full bin: overflowing_bin
  dog: null                                # its boxes are left out
labelled_everywhere: [exposed_garbage]     # all that are mapped, where this is missing
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from training.classes import CLASSES
from training.data.formats.labelled import LeaveOutError, read_text
from training.places import TrainingError


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassMap:
    """Their names to ours."""

    ours: Mapping[str, str | None]  #: by their name; None leaves such boxes out
    labelled: tuple[str, ...]  #: classes of ours whose absence from the labels means absence from the picture

    @property
    def classes(self) -> tuple[str, ...]:
        """Our classes that occur, in the model's order: this is the order of numbers in the label files."""
        return tuple(name for name in CLASSES if name in set(self.ours.values()))


def read_class_map(path: Path) -> ClassMap:
    """The mapping that a person wrote.

    Raises:
        TrainingError: the file cannot be read, or names a class that the model has not; says where.
    """
    try:
        content = yaml.safe_load(read_text(path))
    except LeaveOutError as error:
        raise TrainingError(f"{path}: {error}.") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise TrainingError(f"{path} is not YAML: {error}") from error
    classes = content.get("classes") if isinstance(content, dict) else None
    if not isinstance(classes, dict) or not classes:
        raise TrainingError(f"{path}: nothing under `classes:`; write a line 'their name: our_class' for each class.")
    ours = {str(theirs): None if our is None else str(our) for theirs, our in classes.items()}
    mapped = [our for our in ours.values() if our]
    labelled = content.get("labelled_everywhere", mapped)
    if not isinstance(labelled, list):
        raise TrainingError(f"{path}: labelled_everywhere is no list of our classes.")
    unknown = sorted({name for name in (*mapped, *map(str, labelled)) if name not in CLASSES})
    if unknown:
        raise TrainingError(f"{path}: the model has no class {', '.join(unknown)}; it has {', '.join(CLASSES)}.")
    if not set(map(str, labelled)) <= set(mapped):
        raise TrainingError(f"{path}: labelled_everywhere names a class that no line under `classes:` maps to.")
    return ClassMap(ours=ours, labelled=tuple(name for name in CLASSES if name in set(map(str, labelled))))


def check_covers(class_map: ClassMap, theirs: Iterable[str], path: Path) -> None:
    """Refuse a mapping that is silent about a class: silence would turn its objects into background.

    Raises:
        TrainingError: naming every such class and the lines to add.
    """
    silent = sorted({name for name in theirs if name not in class_map.ours})
    if silent:
        lines = "; ".join(f"'{name[:60]}: …'" for name in silent[:20])
        raise TrainingError(
            f"{path} does not say what these classes are: {lines}. Add a line each, with one of ours or null."
        )
