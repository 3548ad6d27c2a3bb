"""A small labelled folder as anybody's tool writes it."""

from pathlib import Path

from tests.detector.pictures import encoded, street

#: Where the tiny two-class model sees a pothole on a picture of 640×320: (220, 110)–(420, 210), as shares.
FOUND = (0, 0.5, 0.5, 200 / 640, 100 / 320)


def write_yolo(folder: Path, pictures: dict[str, list[tuple[float, ...]]], names: str = "[pothole]") -> Path:
    """Write pictures of 640×320 with labels (class, cx, cy, w, h) and the names of the classes."""
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True)
    (folder / "data.yaml").write_text(f"names: {names}\n", encoding="utf-8")
    for seed, (name, labels) in enumerate(pictures.items()):
        (folder / "images" / f"{name}.jpg").write_bytes(encoded(street(640, 320, seed=seed)))
        lines = "".join(" ".join(map(str, row)) + "\n" for row in labels)
        (folder / "labels" / f"{name}.txt").write_text(lines, encoding="utf-8")
    return folder
