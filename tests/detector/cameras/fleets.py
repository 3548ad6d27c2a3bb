"""A fleet that runs in a test, and a sink that writes down what it hears."""

import io
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from detector import Detector, read_taxonomy, shipped
from detector.cameras.address import parse_address
from detector.cameras.fleet import Fleet, Limits
from detector.cameras.plans import Plan
from detector.cameras.source import Backoff, Stream
from detector.cameras.zones import parse_zones
from detector.live import LiveModel
from tests.detector.models import TWO_CLASSES, write_model

BOX = (np.float32([32, 16, 20, 10]).tobytes(), np.float32([200, 240, 80, 50]).tobytes())  # where no square walks
EVERYWHERE = "zones: [{name: street, kind: no_parking, dwell: 1, polygon: [[0, 0], [1, 0], [1, 1], [0, 1]]}]"
HASTY = Limits(
    offline_after_s=3.0,
    online_after_s=1.0,
    clip_before_s=3.0,
    clip_after_s=1.0,
    stuck_after_s=1.0,
    backoff=Backoff(first_s=0.05, most_s=0.3),
)


class Heard:
    """A sink that forgets nothing."""

    def __init__(self):
        self.stays, self.changes, self.forgotten = [], [], []
        self.refuse = 0  # so many calls

    def told(self, told):
        self._perhaps_refuse()
        self.stays.append(told)

    def changed(self, change):
        self._perhaps_refuse()
        self.changes.append(change)

    def forgot(self, camera, events):
        self._perhaps_refuse()
        self.forgotten.append((camera, events))

    def conditions(self, camera):
        return [one.condition.value for one in self.changes if one.camera == camera]

    def of(self, camera):
        return [one for one in self.stays if one.camera == camera]

    def _perhaps_refuse(self):
        if self.refuse:
            self.refuse -= 1
            raise OSError("the disk is full")


def car_model(folder: Path, version="1") -> Path:
    """Write a model that sees one parked car in every picture."""
    write_model(folder / version, TWO_CLASSES.replace(*BOX), classes=("exposed_garbage", "car"), version=version)
    (folder / "CURRENT").write_text(version + "\n")
    return folder


def camera(
    url, name="street", *, zones=EVERYWHERE, pace_s=0.5, open_s=8.0, stall_s=2.0, user=None, password=None, **more
):
    address = parse_address(url, user=user, password=password)
    source = Stream(address=address, open_s=open_s, stall_s=stall_s)
    return Plan(camera=name, name=name, source=source, zones=parse_zones(zones), pace_s=pace_s, **more)


@contextmanager
def running(folder, plans, *, limits=HASTY, **more):
    """Run a fleet; give it with its sink."""
    heard = Heard()
    live = LiveModel(folder, Detector.load, look_every_s=0.2)
    fleet = Fleet(live, read_taxonomy(shipped("datasets/taxonomy.yaml")), heard, limits=limits, **more)
    fleet.follow(plans)
    stop = threading.Event()
    thread = threading.Thread(target=fleet.run, args=(stop,), name="fleet")
    thread.start()
    until(lambda: len(fleet.figures()) == len(plans))
    try:
        yield fleet, heard
    finally:
        stop.set()
        thread.join(30)
    assert not thread.is_alive()


def until(true, within_s=20.0):
    """Wait until something is so."""
    end = time.monotonic() + within_s
    while not (seen := true()):
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.05)
    return seen


def figures(fleet, name="street"):
    return next(one for one in fleet.figures() if one.camera == name)


def picture_of(jpeg):
    return Image.open(io.BytesIO(jpeg)).convert("RGB")
