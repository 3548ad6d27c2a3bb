"""`python -m benchmarks.cameras`: how many 1080p25 cameras keep up, beside a plain loop of OpenCV and the same model.

All contestants read the same streams from one RTSP server in the same run, each in a process of its own. A camera keeps
up if it is looked at at least every five seconds on average and never more than ten seconds late.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from itertools import cycle
from pathlib import Path
from types import SimpleNamespace

import cv2

from benchmarks.camera_streams import FPS, Cameras, cpu_s, encode, others_busy, repeat, resident_mb
from benchmarks.streets import TUNING
from detector import Detector, read_taxonomy, shipped
from detector.cameras.address import parse_address
from detector.cameras.fleet import Fleet
from detector.cameras.plans import Plan
from detector.cameras.source import Stream
from detector.live import LiveModel

EVERY_S = 5.0
LATE_S = 10.0
PACE_S = 4.0
WARM_S = 20.0
STEPS = {  # how many cameras each contestant tries, until it fails
    "pointwatch": [10, 20, 40, 50, 60, 80, 100, 120, 160],
    "loop": [1, 2, 3, 4, 6],
    "careful loop": [2, 4, 6, 8, 10, 12, 16],
}


@dataclass(frozen=True, kw_only=True)
class Trial:
    """How one contestant did with so many cameras."""

    who: str
    cameras: int
    seconds: float
    fewest: int  #: looks at the camera that was looked at least
    latest_s: float  #: how late the latest camera was
    model: int  #: pictures shown to the model
    cores: float  #: processor time a second
    memory_mb: float
    stream_s: float  #: seconds of the cameras' streams that were taken up, all together
    server: float = 0.0  #: the server's processor time a second

    @property
    def cost(self) -> float:
        """Give the processor time that a second of one camera takes: true on a busy machine as well."""
        return self.cores * self.seconds / self.stream_s

    @property
    def keeps_up(self) -> bool:
        return self.fewest >= int(self.seconds / EVERY_S) and self.latest_s <= LATE_S


class Deaf:
    """A sink that keeps nothing."""

    def told(self, told: object) -> None: ...

    def changed(self, change: object) -> None: ...

    def forgot(self, camera: str, events: object) -> None: ...


def watch(urls: list[str], seconds: float) -> Trial:
    """Watch the cameras with a fleet."""
    live = LiveModel(shipped("models/street"), Detector.load)
    fleet = Fleet(live, read_taxonomy(shipped("datasets/taxonomy.yaml")), Deaf())
    fleet.follow(
        Plan(
            camera=str(number),
            name=str(number),
            source=Stream(address=parse_address(url), open_s=60.0, stall_s=30.0),
            zones=TUNING.zones,
            pace_s=PACE_S,
        )
        for number, url in enumerate(urls)
    )
    stop = threading.Event()
    thread = threading.Thread(target=fleet.run, args=(stop,))
    thread.start()
    time.sleep(WARM_S)
    before, used, begun = fleet.figures(), cpu_s(), time.monotonic()
    at_s = _stream_s(fleet)
    latest_s = 0.0
    while time.monotonic() - begun < seconds:
        time.sleep(1.0)
        latest_s = max([latest_s, *((one.lag_s or 0.0) for one in fleet.figures())])
    passed_s, after, cores = time.monotonic() - begun, fleet.figures(), cpu_s() - used
    memory_mb, stream_s = resident_mb(), _stream_s(fleet) - at_s
    stop.set()
    thread.join()
    looks = [one.analysed - then.analysed for one, then in zip(after, before, strict=True)]
    return Trial(
        who="pointwatch",
        cameras=len(urls),
        seconds=passed_s,
        fewest=min(looks),
        latest_s=latest_s,
        model=sum(one.looked for one in after) - sum(one.looked for one in before),
        cores=cores / passed_s,
        memory_mb=memory_mb,
        stream_s=stream_s,
    )


def _stream_s(fleet: Fleet) -> float:
    """Give how far all cameras have been read, seconds."""
    latest = [fleet.latest(one.camera) for one in fleet.figures()]
    return sum(one.at_s for one in latest if one is not None)


def loop(urls: list[str], seconds: float, *, careful: bool) -> Trial:
    """Read all cameras in turn with OpenCV. Plain: the model sees each picture. Careful: one each few seconds."""
    detector = Detector.load(shipped("models/street"))
    captures = [cv2.VideoCapture(url, cv2.CAP_FFMPEG) for url in urls]
    read, looks, model = [0] * len(urls), [0] * len(urls), 0
    first: list[float | None] = [None] * len(urls)
    looked = [0.0] * len(urls)
    latest_s, used, begun = 0.0, 0.0, time.monotonic()
    warm, read_before = True, 0
    for number in cycle(range(len(urls))):
        now = time.monotonic()
        if warm and now - begun >= WARM_S:
            warm, begun, used, looks, model = False, now, cpu_s(), [0] * len(urls), 0
            read_before = sum(read)
        if not warm and now - begun >= seconds:
            break
        if not captures[number].grab():
            continue
        read[number] += 1
        first[number] = first[number] or now
        late_s = now - first[number] - (read[number] - 1) / FPS
        if not careful or now - looked[number] >= PACE_S:
            _, pixels = captures[number].retrieve()
            detector.detect(SimpleNamespace(pixels=pixels, width=pixels.shape[1], height=pixels.shape[0]))
            looked[number] = now
            looks[number] += 1
            model += 1
        if not warm:
            latest_s = max(latest_s, late_s)
    passed_s = time.monotonic() - begun
    return Trial(
        who="careful loop" if careful else "loop",
        cameras=len(urls),
        seconds=passed_s,
        fewest=min(looks),
        latest_s=latest_s,
        model=model,
        cores=(cpu_s() - used) / passed_s,
        memory_mb=resident_mb(),
        stream_s=(sum(read) - read_before) / FPS,
    )


def run(who: str, cameras: Cameras, count: int, seconds: float) -> Trial:
    """Let a contestant try in a process of its own."""
    used, begun = cameras.cpu_s(), time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.cameras", "--one", who, "--seconds", str(seconds), *cameras.urls(count)],
        stdout=subprocess.PIPE,
        check=True,
    )
    server = (cameras.cpu_s() - used) / (time.monotonic() - begun)
    return Trial(**(json.loads(done.stdout.splitlines()[-1]) | {"server": server}))


def main() -> None:
    """Print the table."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seconds", type=float, default=40.0, help="of each measurement, after a warm-up")
    asked.add_argument("--busy", type=float, default=0.5, help="share of the streets that have traffic all the time")
    asked.add_argument("--start", type=int, default=1, help="begin with so many cameras for pointwatch")
    asked.add_argument("--cost", action="store_true", help="only what a camera costs: on a machine that is busy")
    asked.add_argument("--one", choices=STEPS, help=argparse.SUPPRESS)
    asked.add_argument("urls", nargs="*", help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.one:
        one = watch(given.urls, given.seconds) if given.one == "pointwatch" else None
        print(json.dumps(asdict(one or loop(given.urls, given.seconds, careful=given.one == "careful loop"))))
        return
    with tempfile.TemporaryDirectory() as folder:
        longest = int(3 * (given.seconds + WARM_S)) + 120  # opening a hundred cameras takes a while
        files = []
        for busy in (True, False):
            short = encode(Path(folder) / f"short_{busy}.mp4", busy=busy)
            files.append(repeat(short, Path(folder) / f"{busy}.mp4", longest))
        if given.cost:
            _compare(files, given)
            return
        share = [files[0]] * round(4 * given.busy) + [files[1]] * (4 - round(4 * given.busy))
        best = {who: _climb(who, share, given) for who in STEPS}
    print(f"pointwatch {best['pointwatch']}, careful loop {best['careful loop']}, plain loop {best['loop']} cameras")


def _compare(files: list[Path], given: argparse.Namespace) -> None:
    """Print what a second of a camera costs each contestant, with few cameras: a quiet and a busy street."""
    costs = {}
    for who, count in (("pointwatch", 8), ("careful loop", 2), ("loop", 2)):
        cameras = Cameras(files)
        try:
            busy = others_busy()
            trial = run(who, cameras, count, given.seconds)
        finally:
            cameras.close()
        costs[who] = trial.cost
        print(
            f"{who:13} {count} cameras  {1000 * trial.cost:6.1f} ms of processor a camera and second  "
            f"{2 / trial.cost:6.1f} fit two cores  model {trial.model}  latest {trial.latest_s:.1f} s  "
            f"server {trial.server:.2f}  others {busy:.2f}",
            flush=True,
        )
    for who in ("careful loop", "loop"):
        print(f"{who} costs {costs[who] / costs['pointwatch']:.0f} times as much")


def _climb(who: str, files: list[Path], given: argparse.Namespace) -> int:
    """Give the most cameras that kept up."""
    best = 0
    for count in STEPS[who]:
        if who == "pointwatch" and count < given.start:
            continue
        cameras = Cameras(files)
        try:
            busy = others_busy()
            trial = run(who, cameras, count, given.seconds)
        finally:
            cameras.close()
        print(
            f"{who:13} {count:4} cameras  {'keeps up' if trial.keeps_up else 'too many':8}  "
            f"looks at the least {trial.fewest:4} in {trial.seconds:.0f} s  latest {trial.latest_s:5.1f} s  "
            f"model {trial.model:5}  cores {trial.cores:.2f} ({1000 * trial.cores / count:.0f} m/camera)  "
            f"server {trial.server:.2f}  others {busy:.2f}  {trial.memory_mb:.0f} MB",
            flush=True,
        )
        if not trial.keeps_up:
            return best
        best = count
    return best


if __name__ == "__main__":
    main()
