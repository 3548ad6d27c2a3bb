"""`python -m benchmarks.camera_day`: a day of a street, faster than real time, through the fleet that watches cameras.

A file of twenty-four hours is laid together from rendered minutes: empty street, traffic, cars that park, by day and
by night, some minutes in which the camera looks elsewhere, and some in which it sees nothing. It is known what must be
told: each parked car once, each change of the camera once. Memory is taken every quarter of an hour of its time.
"""

import argparse
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from benchmarks.camera_streams import resident_mb
from benchmarks.streets import TUNING, shown
from detector import Detector, read_taxonomy, shipped
from detector.cameras.events import Happening
from detector.cameras.fleet import Fleet
from detector.cameras.plans import Plan
from detector.cameras.sink import Change, Told
from detector.cameras.source import Recording
from detector.live import LiveModel
from training.scenes.clips import Plates, by_infrared

EVERY_S = 2  # between two pictures, each a key frame
MINUTE = 60 // EVERY_S
SCENES = {  # what stands there in each kind of minute
    "empty": ["bins_clean", "parked_3"],
    "parked": ["bins_clean", "parked_3", "parked_1"],
    "other": ["bins_clean", "parked_3", "parked_1_other"],
}


@dataclass(frozen=True, kw_only=True)
class Minute:
    """A minute of the day."""

    scene: str
    night: bool
    traffic: bool = False
    view: str = "same"  # or moved, or covered


def day(hours: int, first: int = 0) -> tuple[list[Minute], int]:
    """Give the minutes, and how many cars park: by day one each hour, and another one at its place later."""
    minutes, cars = [], 0
    for hour in range(first, first + hours):
        night = hour % 24 < 6 or hour % 24 >= 18
        for minute in range(60):
            scene = "empty"
            if not night and 10 <= minute < 20:
                scene, cars = "parked", cars + (minute == 10)
            if not night and 40 <= minute < 48:
                scene, cars = "other", cars + (minute == 40)
            view = "same"
            if hour % 24 == 12 and 22 <= minute < 36:
                view = "moved"
            if hour % 24 == 15 and 22 <= minute < 36:
                view = "covered"
            minutes.append(Minute(scene=scene, night=night, traffic=not night and minute % 2 == 0, view=view))
    return minutes, cars


def picture(street: Plates, minute: Minute, second: int, chance: np.random.Generator) -> np.ndarray:
    """Give (H, W, 3) uint8 RGB."""
    things = list(SCENES[minute.scene])
    if minute.traffic and second % 20 < 14:
        things.append(f"lane_{second % 20 // 2}")
    pixels = street.together([shown(one, 0, 60) for one in things]) * (1 + 0.03 * np.sin(second / 9))
    if minute.night:
        pixels = by_infrared(pixels)
    if minute.view == "moved":
        pixels = np.roll(pixels, 160, axis=1)
    if minute.view == "covered":
        pixels = np.full_like(pixels, 25.0)
    noise = chance.normal(0, 4.0 if minute.night else 2.2, pixels.shape[:2])[..., None]
    return np.clip(pixels + noise, 0, 255).astype(np.uint8)


def write(minutes: list[Minute], path: Path) -> Path:
    """Write the day: each kind of minute is encoded once, its packets are repeated."""
    street, chance = TUNING.plates, np.random.default_rng(5)
    height, width = street.empty.shape[:2]
    encoded: dict[Minute, list[bytes]] = {}
    base = Fraction(1, 1000)
    with av.open(str(path), "w", format="matroska") as file:
        stream = file.add_stream("libx264", rate=1)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {
            "preset": "ultrafast",
            "crf": "23",
            "tune": "zerolatency",
            "x264-params": "keyint=1:repeat-headers=1",
        }
        stream.time_base = stream.codec_context.time_base = base
        count = 0
        for minute in minutes:
            if minute not in encoded:
                parts = []
                for number in range(MINUTE):
                    frame = av.VideoFrame.from_ndarray(
                        picture(street, minute, number * EVERY_S, chance), format="rgb24"
                    )
                    frame.pts, frame.time_base = (len(encoded) * MINUTE + number) * EVERY_S * 1000, base
                    parts += [bytes(one) for one in stream.encode(frame)]
                encoded[minute] = parts
            for content in encoded[minute]:
                packet = av.Packet(content)
                packet.stream, packet.time_base, packet.is_keyframe = stream, base, True
                packet.pts = packet.dts = count * EVERY_S * 1000
                count += 1
                file.mux(packet)
    return path


@dataclass
class Notes:
    """A sink that counts, and keeps no picture."""

    stays: Counter[tuple[str, str]] = field(default_factory=Counter)
    events: Counter[tuple[object, Happening]] = field(default_factory=Counter)
    changes: list[tuple[str, float]] = field(default_factory=list)
    clips: int = 0

    def told(self, told: Told) -> None:
        self.stays[told.stay.code, told.what.value] += 1
        self.events[told.event, told.what] += 1
        self.clips += told.evidence.clip is not None

    def changed(self, change: Change) -> None:
        self.changes.append((change.condition.value, change.at_s))

    def forgot(self, camera: str, events: list[object]) -> None:
        raise AssertionError(f"{camera} forgot {events}")


def main() -> None:
    """Print what was told, the gaps between pictures taken up, and the memory of each quarter of an hour."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--hours", type=int, default=24)
    asked.add_argument("--first-hour", type=int, default=0, help="of the day, to look at a part of it only")
    given = asked.parse_args()
    minutes, cars = day(given.hours, given.first_hour)
    notes, stop = Notes(), threading.Event()
    fleet = Fleet(
        LiveModel(shipped("models/street"), Detector.load), read_taxonomy(shipped("datasets/taxonomy.yaml")), notes
    )
    with tempfile.TemporaryDirectory() as folder:
        path = write(minutes, Path(folder) / "day.mkv")
        source = Recording(path=path)
        fleet.follow([Plan(camera="day", name="day", source=source, zones=TUNING.zones, pace_s=EVERY_S)])
        thread = threading.Thread(target=fleet.run, args=(stop,))
        begun = time.monotonic()
        thread.start()
        memory = _sampled(fleet, thread)
        took_s = time.monotonic() - begun
    (seen,) = fleet.figures()
    pictures = len(minutes) * MINUTE
    print(f"{given.hours} h of the street in {took_s:.0f} s, {given.hours * 3600 / took_s:.0f} times as fast as real")
    print(f"pictures {pictures}, taken up {seen.analysed}, shown to the model {seen.looked}, left out {seen.dropped}")
    print(f"cars that parked {cars}: {dict(notes.stays)}, told twice {sum(notes.events.values()) - len(notes.events)}")
    print(f"camera: {', '.join(f'{what} at {at_s / 3600:.2f} h' for what, at_s in notes.changes)}")
    print(f"errors {seen.errors}, clock repairs {seen.clock_repairs}, clips {notes.clips}")
    print(f"memory, MB each quarter of an hour: {' '.join(f'{one:.0f}' for one in memory)}")
    if len(memory) > 6:
        later = memory[4:]
        print(f"from the second hour on within {100 * (max(later) - min(later)) / min(later):.1f} % of each other")


def _sampled(fleet: Fleet, thread: threading.Thread) -> list[float]:
    """Give the memory at each quarter of an hour of the street's time, megabytes."""
    memory: list[float] = []
    while thread.is_alive():
        latest = fleet.latest("day")
        if latest is not None and latest.at_s >= 900 * (len(memory) + 1):
            memory.append(resident_mb())
        thread.join(0.05)
    return memory


if __name__ == "__main__":
    main()
