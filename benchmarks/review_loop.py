"""`python -m benchmarks.review_loop`: a scripted reviewer corrects the model, it learns from that, the gate judges.

Half of the validation photographs of three sources, whole scenes, go through the real service as captures of sixty
points; the reviewer knows the labels and says through the API what is there; `pointwatch train --reviewed-since last`
learns. The other half, and whatever else the frozen set holds, is never shown to the service and judges before and
after. The shipped model has seen neither half. The version made here is thrown away: half of what would judge it
elsewhere has taught it.
"""

import argparse
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.service import ROOT, running
from training.classes import CLASSES
from training.labels import to_xyxy
from training.places import data_dir
from training.sources import Picture, group_scenes, load_pictures

SOURCES = ("garbage", "potholes", "graffiti")  # of the others there are too few validation photographs to share
POINTS = 60
SEED = 20261123
AT_ONCE = 10  # photos in an upload
#: What a reviewer is taken to know of classes that a source does not label: what the model is surer of than this is
#: there, the rest is not.
BELIEVED = 0.5


@dataclass(kw_only=True)
class Loop:
    """Where things lie and how long they took."""

    folder: Path
    seconds: dict[str, float] = field(default_factory=dict)
    said: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Note how long the block takes."""
        began = time.monotonic()
        yield
        self.seconds[what] = time.monotonic() - began


def shared_out(count: int) -> tuple[dict[Path, tuple[Picture, str]], list[Picture]]:
    """Give the pictures to correct with the scene of each, and the rest; no scene stands on both sides."""
    corrected: dict[Path, tuple[Picture, str]] = {}
    rest: list[Picture] = []
    every = load_pictures(data_dir(), ("val",))
    shares = [one for one in every if one.source in SOURCES]
    rest += [one for one in every if one.source not in SOURCES]
    for source in SOURCES:
        own = {one.path: one for one in shares if one.source == source}
        scenes: dict[str, list[Path]] = defaultdict(list)
        for path, scene in group_scenes(list(own)).items():
            scenes[scene].append(path)
        order = sorted(scenes)
        random.Random(SEED).shuffle(order)
        aim, taken = round(count * len(own) / len(shares)), 0
        for scene in order:
            fits = taken + len(scenes[scene]) <= aim
            for path in scenes[scene]:
                if fits:
                    corrected[path] = (own[path], f"{source}/{scene}")
                else:
                    rest.append(own[path])
            taken += len(scenes[scene]) if fits else 0
    return corrected, rest


def data_without(corrected: Sequence[Path], folder: Path) -> None:
    """Write a data folder of links in which the corrected pictures do not exist."""
    hidden, data = {path.resolve() for path in corrected}, data_dir()
    for source in sorted(one for one in data.iterdir() if one.is_dir()):
        (folder / source.name).mkdir(parents=True)
        for inside in source.iterdir():
            if inside.name != "images" or not (inside / "val").is_dir():
                (folder / source.name / inside.name).symlink_to(inside.resolve())
                continue
            for part in inside.iterdir():
                to = folder / source.name / "images" / part.name
                if part.name != "val":
                    to.parent.mkdir(exist_ok=True)
                    to.symlink_to(part.resolve())
                    continue
                to.mkdir(parents=True)
                for path in part.iterdir():
                    if path.resolve() not in hidden:
                        (to / path.name).symlink_to(path.resolve())


class Reviewer:
    """Knows the labels and says through the API what a capture shows."""

    def __init__(self, client: httpx.Client, loop: Loop) -> None:
        self._client, self._loop = client, loop

    def correct(self, capture: dict[str, Any], picture: Picture) -> None:
        """Give a verdict: the labels of the classes that the source labels, and what is believed of the others."""
        corners = to_xyxy(picture.labels, capture["width"], capture["height"])
        boxes = [
            {"code": CLASSES[int(row[0])], "box": _inside(box.tolist(), capture)}
            for row, box in zip(picture.labels, corners, strict=True)
        ]
        seen = capture["detections"]
        boxes += [
            {"code": one["model_class"], "box": _inside(one["box"], capture)}
            for one in seen
            if one["model_class"] not in picture.judged and one["confidence"] >= BELIEVED
        ]
        self._loop.said.update(["pictures"])
        self._loop.said.update({"boxes of the model": len(seen), "boxes of the reviewer": len(boxes)})
        answer = self._client.put(f"/api/v1/review/cases/{capture['id']}/verdict", json={"boxes": boxes})
        answer.raise_for_status()
        self._loop.said.update([answer.json()["state"]])


def _inside(box: Sequence[float], capture: dict[str, Any]) -> list[float]:
    x1, y1, x2, y2 = box
    return [max(0.0, x1), max(0.0, y1), min(float(capture["width"]), x2), min(float(capture["height"]), y2)]


def send(client: httpx.Client, corrected: dict[Path, tuple[Picture, str]]) -> dict[str, Picture]:
    """Upload the pictures, each to the point of its scene, and give them by capture."""
    points: dict[str, list[Picture]] = defaultdict(list)
    for picture, scene in corrected.values():
        points[f"S-{int(hashlib.sha256(scene.encode()).hexdigest(), 16) % POINTS:02d}"].append(picture)
    sent: dict[str, Picture] = {}
    for code, pictures in track(sorted(points.items()), "uploading", console=Console(stderr=True)):
        fields = {"code": code, "name": f"Point {code}", "category": "residential_estate", "community": "翠宁社区",
                  "longitude": 114.14, "latitude": 22.56, "address": code}  # fmt: skip
        client.post("/api/v1/points", json=fields).raise_for_status()
        for start in range(0, len(pictures), AT_ONCE):
            part = pictures[start : start + AT_ONCE]
            files = [("photos", (f"{one.source}-{one.path.name}", one.path.read_bytes())) for one in part]
            answer = client.post("/api/v1/captures", files=files, data={"point_id": code}).raise_for_status().json()
            sent |= {one["id"]: picture for one, picture in zip(answer["captures"], part, strict=True)}
    return sent


def await_done(client: httpx.Client, ids: Sequence[str]) -> list[dict[str, Any]]:
    """Give the captures once the worker is through with all of them."""
    found = []
    for one in track(ids, "the model looks", console=Console(stderr=True)):
        while (capture := client.get(f"/api/v1/captures/{one}").json())["status"] not in ("done", "failed"):
            time.sleep(0.5)
        found.append(capture)
    return found


def retrain(loop: Loop, python: Path, more: Sequence[str]) -> tuple[dict[str, Any], int]:
    """Learn from the verdicts with the command that an office runs, and give its report and its exit status."""
    report = loop.folder / "report.json"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("POINTWATCH_")},
        "POINTWATCH_DATA_DIR": str(loop.folder / "var"),
        "POINTWATCH_DATA": str(loop.folder / "data"),
        "POINTWATCH_TRAIN_DIR": str(loop.folder / "work"),
    }
    command = [str(python), "-m", "cli", "train", "--reviewed-since", "last", "--report", str(report), *more]
    with (loop.folder / "train.log").open("ab") as log:
        status = subprocess.run(command, cwd=ROOT, env=environment, stdout=log, stderr=log, check=False).returncode
    if status not in (0, 1) or not report.is_file():
        told = (loop.folder / "train.log").read_text(encoding="utf-8", errors="replace").splitlines()[-20:]
        raise SystemExit("\n".join([*told, f"The training ended with {status}."]))
    return json.loads(report.read_text(encoding="utf-8")), status


def tell(loop: Loop, report: dict[str, Any], rest: Sequence[Picture]) -> None:
    """Print what was said and what it changed."""
    verdict, console = report["verdict"], Console()
    truths = Counter(CLASSES[int(row[0])] for one in rest for row in one.labels)
    shown = {name: sum(name in one.judged for one in rest) for name in CLASSES}
    table = Table("class", "pictures", "boxes", "before", "after", "change", title="mAP50 on the untouched rest")
    for one in verdict["changes"]:
        name, before, after = one["name"], one["before"], one["after"]
        table.add_row(
            name, str(shown[name]), str(truths[name]), f"{before:.3f}", f"{after:.3f}", f"{after - before:+.3f}"
        )
    console.print(table)
    if verdict["fresh"]:
        fresh = Table(
            "class", "before", "after", title=f"{verdict['fresh_pictures']} corrected pictures of points set aside"
        )
        for one in verdict["fresh"]:
            fresh.add_row(one["name"], f"{one['before']:.3f}", f"{one['after']:.3f}")
        console.print(fresh)
    console.print(f"{verdict['decision']}: {' '.join(verdict['reasons'])}", highlight=False)
    console.print(", ".join(f"{count} {what}" for what, count in loop.said.items()), highlight=False)
    console.print(
        ", ".join(f"{what} {seconds / 60:.1f} min" for what, seconds in loop.seconds.items())
        + f"; together {sum(loop.seconds.values()) / 60:.1f} min on {os.cpu_count()} cores",
        highlight=False,
    )


def main() -> int:
    """Run the loop; the exit status is 1 if the gate rejected the version."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--pictures", type=int, default=300, help="to correct")
    options.add_argument("--dir", type=Path, help="work here and leave it; else a folder that is removed")
    options.add_argument("--python", type=Path, default=ROOT / ".venv-train" / "bin" / "python", help="with torch")
    options.add_argument("training", nargs="*", help="more options for `pointwatch train`, after --")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="review-loop-") as made:
        loop = Loop(folder=(chosen.dir or Path(made)).absolute())
        loop.folder.mkdir(parents=True, exist_ok=True)
        corrected, rest = shared_out(chosen.pictures)
        data_without(list(corrected), loop.folder / "data")
        settings = {"review_empty": "1", "review_confident": "1"}
        with running("serve", loop.folder / "var", **settings) as client:
            with loop.timed("the model looks"):
                sent = send(client, corrected)
                captures = await_done(client, list(sent))
            with loop.timed("the reviewer corrects"):
                reviewer = Reviewer(client, loop)
                for capture in track(captures, "correcting", console=Console(stderr=True)):
                    if capture["status"] == "done":
                        reviewer.correct(capture, sent[capture["id"]])
            before = client.get("/api/v1/model").json()["version"]
            with loop.timed("learning and judging"):
                report, status = retrain(loop, chosen.python, chosen.training)
            time.sleep(5)  # the service looks every two seconds
            now = client.get("/api/v1/model").json()["version"]
    print(f"{len(corrected)} pictures corrected, {len(rest)} untouched; {before} before, the service now uses {now}")
    tell(loop, report, rest)
    return status


if __name__ == "__main__":
    sys.exit(main())
