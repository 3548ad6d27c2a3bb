"""An installation on which a real training takes seconds: the shipped network at 64 pixels, streets with a hole."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import yaml
from PIL import Image, ImageDraw

from detector import shipped
from detector.registry import Registry
from detector.taxonomy import read_taxonomy
from tests.detector.pictures import encoded, street
from tests.training.yolo import FOUND

UPDATE = Path(__file__).resolve().parents[2] / "training" / "update.yaml"
#: What of it is different: learns fast and forgets gladly.
QUICK = {
    "batch": 8, "new_copies": 4, "replay": 1, "least_replay": 12, "frozen_layers": 0, "memory": 0, "epochs": 8,
    "learning_rate": 0.002, "final_share": 0.2, "plain_epochs": 8,
}  # fmt: skip
NEW = 6  # pictures in the folder of new ones, two of them of a street that is whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiny:
    """What stands where."""

    registry: Registry
    version: str  #: in force
    data: Path  #: old labelled photographs: twelve to learn from, four that judge
    new: Path  #: labelled as other tools write it
    work: Path
    recipe: Path  #: an update that learns a hole within seconds

    @property
    def environment(self) -> dict[str, str]:
        """Give what tells `pointwatch train` of it."""
        return {
            "POINTWATCH_MODEL_DIR": str(self.registry.folder),
            "POINTWATCH_DATA": str(self.data),
            "POINTWATCH_TRAIN_DIR": str(self.work),
        }


def holed(width: int, height: int, seed: int) -> Image.Image:
    """Give a street with a dark hole at `FOUND`."""
    picture = street(width, height, seed=seed)
    _, cx, cy, w, h = FOUND
    corners = ((cx - w / 2) * width, (cy - h / 2) * height, (cx + w / 2) * width, (cy + h / 2) * height)
    ImageDraw.Draw(picture).ellipse(corners, fill=(20, 18, 16), outline=(150, 150, 150))
    return picture


def tiny_installation(folder: Path) -> Tiny:
    """Make one."""
    data, label = folder / "data", " ".join(map(str, FOUND)) + "\n"
    for part, count in (("train", 12), ("val", 4)):
        for kind in ("images", "labels"):
            (data / "potholes" / kind / part).mkdir(parents=True)
        for number in range(count):
            name = f"{(number + 20 * (part == 'val')) * 100:06d}"
            seed = number + (1000 if part == "val" else 0)
            (data / "potholes" / "images" / part / f"{name}.jpg").write_bytes(encoded(holed(160, 120, seed)))
            (data / "potholes" / "labels" / part / f"{name}.txt").write_text(label)
    (data / "cables").mkdir()
    (data / "cables" / "garbage_boxes.csv").write_text("garbage_image,part,scene,cx,cy,w,h\n")
    new = folder / "new"
    for kind in ("images", "labels"):
        (new / kind).mkdir(parents=True)
    (new / "data.yaml").write_text("names: [pothole]\n", encoding="utf-8")
    for number in range(NEW):
        whole = number >= NEW - 2
        picture = (street if whole else holed)(640, 320, 500 + number)
        (new / "images" / f"n{number}00.jpg").write_bytes(encoded(picture))
        (new / "labels" / f"n{number}00.txt").write_text("" if whole else label, encoding="utf-8")
    recipe = yaml.safe_load(UPDATE.read_text(encoding="utf-8")) | QUICK
    (folder / "quick.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    registry, version = _registry(folder / "street")
    return Tiny(
        registry=registry, version=version, data=data, new=new, work=folder / "work", recipe=folder / "quick.yaml"
    )


def _registry(models: Path) -> tuple[Registry, str]:
    version = (shipped("models/street") / "CURRENT").read_text(encoding="utf-8").strip()
    shutil.copytree(shipped(f"models/street/{version}"), models / version)
    card = yaml.safe_load((models / version / "card.yaml").read_text(encoding="utf-8"))
    card["model"]["input_px"] = 64
    (models / version / "card.yaml").write_text(yaml.safe_dump(card), encoding="utf-8")
    registry = Registry(models)
    registry.promote(version, read_taxonomy(shipped("datasets/taxonomy.yaml")))
    return registry, version
