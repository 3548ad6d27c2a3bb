"""The two ways of looking at a folder of photos, each in a process of its own so that neither can tune the other.

Both get the same weights, input size, thresholds and number of threads; both start from files and end with boxes.
"""

import ast
import os
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

MIN_CONFIDENCE = 0.25  # what `pointwatch detect` lists by default, and Ultralytics' own default


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One pass over a folder."""

    photos: int
    boxes: int
    seconds: float  #: from the first file to the last box
    model_seconds: float  #: of it, spent in the model itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is to be run."""

    model: Path  #: a version folder of ours
    weights: Path  #: the same network as a file that Ultralytics can load
    input_px: int
    threads: int


def serve_pointwatch(task: Task, pipe: Connection) -> None:
    """Answer folders with rounds of `pointwatch detect`'s pipeline: open, detect, judge; the next photo opens ahead."""
    from cli.pipeline import Inspected, find_photos, inspect_photos
    from detector import Detector, Scene, read_taxonomy, shipped

    detector = Detector.load(task.model, threads=task.threads)
    taxonomy = read_taxonomy(shipped("datasets/taxonomy.yaml"))
    spent = 0.0
    ask = detector._session.run  # noqa: SLF001 - timed from outside, so that the detector carries no stopwatch

    def timed(blob: Any) -> Any:
        nonlocal spent
        started = time.perf_counter()
        answer = ask(blob)
        spent += time.perf_counter() - started
        return answer

    detector._session.run = timed  # type: ignore[method-assign] # noqa: SLF001
    pipe.send(None)
    while folder := pipe.recv():
        spent, boxes, photos = 0.0, 0, 0
        started = time.perf_counter()
        files, _ = find_photos([folder])
        for seen in inspect_photos(
            files,
            detector,
            taxonomy,
            scene=Scene(),
            min_confidence=MIN_CONFIDENCE,
            at_least_px=detector.card.model.input_px,
        ):
            if isinstance(seen, Inspected) and seen.found.confidence is not None:
                photos += 1
                boxes += int((seen.found.confidence >= MIN_CONFIDENCE).sum())
        pipe.send(Round(photos=photos, boxes=boxes, seconds=time.perf_counter() - started, model_seconds=spent))


def serve_ultralytics(task: Task, pipe: Connection) -> None:
    """Answer folders with rounds of Ultralytics' own `predict`, streamed, one photo at a time."""
    os.environ |= {"YOLO_OFFLINE": "True", "YOLO_AUTOINSTALL": "False", "YOLO_VERBOSE": "False"}
    os.environ["YOLO_CONFIG_DIR"] = str(task.weights.parent)
    import onnxruntime
    import torch
    from ultralytics import YOLO

    from detector.detect import MOST_BOXES, OVERLAP

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = task.threads
    session = onnxruntime.InferenceSession
    onnxruntime.InferenceSession = lambda weights, given=None, **rest: session(weights, given or options, **rest)
    model = YOLO(str(task.weights), task="detect")
    pipe.send(None)
    while folder := pipe.recv():
        torch.set_num_threads(task.threads)  # it takes one fewer than there are for itself
        started, spent, boxes, photos = time.perf_counter(), 0.0, 0, 0
        for result in model.predict(
            str(folder),
            stream=True,
            imgsz=task.input_px,
            conf=MIN_CONFIDENCE,
            iou=OVERLAP,
            max_det=MOST_BOXES,
            device="cpu",
            verbose=False,
            save=False,
        ):
            photos += 1
            boxes += len(result.boxes)
            spent += result.speed["inference"] / 1000
        pipe.send(Round(photos=photos, boxes=boxes, seconds=time.perf_counter() - started, model_seconds=spent))


def with_metadata(onnx_file: Path, names: list[str], input_px: int, stride: int, to: Path) -> Path:
    """Write the same graph and weights with the metadata that Ultralytics' exporter adds, so that it does its best."""
    import onnx

    model = onnx.load(onnx_file)
    known = {one.key for one in model.metadata_props}
    said = {
        "task": "detect",
        "stride": stride,
        "batch": 1,
        "imgsz": [input_px, input_px],
        "names": dict(enumerate(names)),
        "dynamic": True,
    }
    for key, value in said.items():
        if key not in known:
            model.metadata_props.add(key=key, value=str(value))
    (claimed,) = (one.value for one in model.metadata_props if one.key == "names")
    if list(ast.literal_eval(claimed).values()) != names:
        raise SystemExit(f"{onnx_file} names other classes than its card.")
    onnx.save(model, to)
    return to
