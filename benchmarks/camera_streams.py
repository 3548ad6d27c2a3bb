"""Streams for the cameras' benchmarks: 1080p25 H.264, encoded once, served by a real RTSP server of its own."""

import json
import subprocess
import time
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from benchmarks.streets import TUNING, shown

SERVER = Path(__file__).parents[1] / "tests" / "detector" / "cameras" / "rtsp_server.py"
SYSTEM_PYTHON = "/usr/bin/python3"  # Debian's: GStreamer's bindings are not on PyPI
WIDTH, HEIGHT, FPS = 1920, 1080, 25
SECONDS = 10  # of pictures; the file repeats them
KEY_EVERY_S = 2  # what most street cameras are set to
BITS_PER_S = 4_000_000


def encode(path: Path, *, busy: bool) -> Path:
    """Write ten seconds of a street: parked cars, the sensor's noise, and if it is busy a car that drives through."""
    street = TUNING.plates
    chance = np.random.default_rng(1)
    noise = [chance.normal(0, 2.0, (HEIGHT, WIDTH, 1)).repeat(3, axis=2).astype(np.int16) for _ in range(5)]
    pictures = {}
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.bit_rate = BITS_PER_S
        keys = f"keyint={FPS * KEY_EVERY_S}:min-keyint={FPS * KEY_EVERY_S}:scenecut=0:bframes=0"
        stream.options = {"preset": "veryfast", "x264-params": f"{keys}:nal-hrd=cbr:vbv-maxrate=4000:vbv-bufsize=4000"}
        for number in range(SECONDS * FPS):
            second = number // FPS
            if second not in pictures:
                things = ["bins_clean", "parked_1", "parked_3"] + ([f"lane_{second % 7}"] if busy else [])
                small = street.together([shown(one, 0, SECONDS) for one in things])[..., ::-1].astype(np.uint8)
                pictures[second] = cv2.resize(small, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC).astype(np.int16)
            pixels = np.clip(pictures[second] + noise[number % 5], 0, 255).astype(np.uint8)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="bgr24")))
        file.mux(stream.encode())
    return path


def repeat(short: Path, path: Path, seconds: int) -> Path:
    """Write the same packets again and again, with time stamps that go on."""
    with av.open(str(short)) as file:
        source = file.streams.video[0]
        base = source.time_base or Fraction(1, 90_000)
        parts = [(bytes(one), one.pts, one.dts, one.is_keyframe) for one in file.demux(source) if one.size]
        with av.open(str(path), "w") as out:
            stream = out.add_stream_from_template(source)
            for turn in range(-(-seconds // SECONDS)):
                for content, pts, dts, key in parts:
                    packet = av.Packet(content)
                    packet.stream, packet.time_base, packet.is_keyframe = stream, base, key
                    packet.pts, packet.dts = (value + int(turn * SECONDS / base) for value in (pts, dts))
                    out.mux(packet)
    return path


class Cameras:
    """A server with some streams; each may be watched by many, as if they were so many cameras."""

    def __init__(self, files: list[Path]) -> None:
        said = json.dumps({f"/{number}": {"file": str(one), "shared": True} for number, one in enumerate(files)})
        self._process = subprocess.Popen([SYSTEM_PYTHON, str(SERVER), said], stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self._streams, self._port = len(files), int(self._process.stdout.readline())

    def urls(self, count: int) -> list[str]:
        """Give the addresses of so many cameras."""
        return [f"rtsp://127.0.0.1:{self._port}/{number % self._streams}" for number in range(count)]

    def cpu_s(self) -> float:
        """Give the processor time used so far, seconds."""
        return cpu_s(self._process.pid)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


def cpu_s(pid: int | str = "self") -> float:
    """Give the processor time that a process has used, seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def resident_mb() -> float:
    """Give the memory of this process that is in RAM, megabytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


def others_busy(during_s: float = 2.0) -> float:
    """Give how many cores all processes together use now: what a measurement begins against."""

    def busy() -> float:
        values = [int(one) for one in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
        return (sum(values) - values[3] - values[4]) / 100

    before = busy()
    time.sleep(during_s)
    return (busy() - before) / during_s
