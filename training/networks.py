"""The network and its starting point: YOLO11n with our twelve outputs, woven from two trained relatives.

Loads only plain state dicts (`weights_only=True`); never downloads anything.
"""

from __future__ import annotations

import os

os.environ.setdefault("YOLO_OFFLINE", "True")  # before ultralytics is imported: no look-ups, no telemetry

import time
from pathlib import Path
from typing import Final

import torch
import ultralytics.utils.torch_utils as ultralytics_torch
from torch import nn
from ultralytics.nn.tasks import DetectionModel
from ultralytics.utils import SETTINGS, patches

from training.classes import CLASS_COUNT, CLASS_INDEX, CLASSES, COCO_CLASS_COUNT, COCO_TEACHER_ROWS
from training.classes import STREET_TEACHER_CLASSES as STREET_CLASSES
from training.places import TrainingError, weights_dir

# Ultralytics stands before Pillow and asks for one more package wherever a file is no picture; ours reads HEIF already.
patches._pil_plugins_registered = True  # noqa: SLF001 - there is no other switch

StateDict = dict[str, torch.Tensor]

COCO_FILE: Final = "yolo11n_coco_fp16.pt"
STREET_FILE: Final = "yolo11n_street5_416px_8epochs_fp16.pt"


def use_threads(count: int = 1) -> None:
    """Let torch use `count` threads, whatever ultralytics counts on this machine."""
    ultralytics_torch.NUM_THREADS = count
    torch.set_num_threads(count)
    SETTINGS["sync"] = False


def best_threads() -> int:
    """How many threads are fastest just now, measured: two that share cores with other work can be 8 times slower."""
    cores = os.cpu_count() or 1
    counts = sorted({1, *(count for count in (2, 4, 8, 16, 32) if count <= cores), cores})
    layer = nn.Conv2d(32, 64, 3, padding=1).to(memory_format=torch.channels_last)
    pictures = torch.rand(4, 32, 104, 104).to(memory_format=torch.channels_last)
    before, seconds = torch.get_num_threads(), {}
    for count in counts:
        torch.set_num_threads(count)
        layer(pictures).sum().backward()  # warm
        began = time.perf_counter()
        for _ in range(12):
            layer(pictures).sum().backward()
        seconds[count] = time.perf_counter() - began
    torch.set_num_threads(before)
    return min(counts, key=lambda count: seconds[count])


def _network(class_count: int, names: tuple[str, ...] | None = None) -> DetectionModel:
    """YOLO11n whose classification branch keeps the COCO head's width and ends in `class_count` outputs."""
    model = DetectionModel("yolo11n.yaml", nc=COCO_CLASS_COUNT, verbose=False)
    head = model.model[-1]
    for branch in head.cv3:
        branch[2] = nn.Conv2d(branch[2].in_channels, class_count, 1)
    head.nc, head.no = class_count, class_count + 4 * head.reg_max
    model.nc = class_count
    model.names = dict(enumerate(names or tuple(str(index) for index in range(class_count))))
    return model


def read_state(path: Path) -> StateDict:
    """A checkpoint's tensors in float32.

    Raises:
        TrainingError: the file is missing.
    """
    if not path.is_file():
        raise TrainingError(f"No checkpoint at {path}; put the starting weights there.")
    state = torch.load(path, map_location="cpu", weights_only=True)
    return {key: value.float() if value.is_floating_point() else value for key, value in state.items()}


def coco_teacher() -> DetectionModel:
    """The 80-class COCO network, in evaluation mode."""
    model = _network(COCO_CLASS_COUNT)
    model.load_state_dict(read_state(weights_dir() / COCO_FILE))
    return model.eval()


def street_teacher() -> DetectionModel:
    """The five-class network of the plain run (416 px), in evaluation mode."""
    model = _network(len(STREET_CLASSES), STREET_CLASSES)
    model.load_state_dict(read_state(weights_dir() / STREET_FILE))
    return model.eval()


def street_network() -> DetectionModel:
    """Our twelve-class network with untrained weights."""
    return _network(CLASS_COUNT, CLASSES)


def blend(first: StateDict, second: StateDict, share: float) -> StateDict:
    """Tensors `(1 - share) * first + share * second`; both must have the same keys and shapes."""
    return {
        key: torch.lerp(value, second[key], share) if value.is_floating_point() else value
        for key, value in first.items()
    }


def _last_layers(state: StateDict) -> list[str]:
    return [key for key in state if ".cv3." in key and key.split(".cv3.")[1][2] == "2" and key.count(".") == 5]


def starting_state(street_share: float) -> StateDict:
    """Tensors of a twelve-class network between the two teachers.

    Everything before the last classification layer lies at `street_share` between the COCO network (0) and
    the street network (1), which was fine-tuned from it. The rows of that layer come from the teacher that
    knows the class; `tangled_cable`, which neither knows, starts as the mean of the five street rows with its
    bias lowered by 2 (about an eighth of their odds).
    """
    coco, street = read_state(weights_dir() / COCO_FILE), read_state(weights_dir() / STREET_FILE)
    last = _last_layers(coco)
    trunk = blend(
        {key: value for key, value in coco.items() if key not in last},
        {key: value for key, value in street.items() if key not in last},
        street_share,
    )
    for key in last:
        rows = torch.zeros((CLASS_COUNT, *coco[key].shape[1:]))
        for row, name in enumerate(STREET_CLASSES):
            rows[CLASS_INDEX[name]] = street[key][row]
        for row, name in COCO_TEACHER_ROWS.items():
            rows[CLASS_INDEX[name]] = coco[key][row]
        rows[CLASS_INDEX["tangled_cable"]] = street[key].mean(dim=0) - (2.0 if key.endswith("bias") else 0.0)
        trunk[key] = rows
    return trunk


def coco_start() -> StateDict:
    """Tensors of a twelve-class network that knows only what COCO taught.

    The rows of a street class start as the mean of the rows that COCO gives us, with a bias lowered by 2.
    """
    coco = read_state(weights_dir() / COCO_FILE)
    last = _last_layers(coco)
    known = list(COCO_TEACHER_ROWS)
    for key in last:
        mean = coco[key][known].mean(dim=0) - (2.0 if key.endswith("bias") else 0.0)
        rows = mean.repeat(CLASS_COUNT, *(1 for _ in mean.shape))
        for row, name in COCO_TEACHER_ROWS.items():
            rows[CLASS_INDEX[name]] = coco[key][row]
        coco[key] = rows
    return coco


def load_street_network(path: Path) -> DetectionModel:
    """Our network with the weights of one of our own plain state dicts, in evaluation mode."""
    model = street_network()
    model.load_state_dict(read_state(path))
    return model.eval()
