"""A real RTSP server, run by the system's Python with Debian's GStreamer."""

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.detector.cameras.clips import write_clip

SYSTEM_PYTHON = "/usr/bin/python3"
SERVER = Path(__file__).with_name("rtsp_server.py")
PACKAGES = (
    "gir1.2-gst-rtsp-server-1.0 python3-gi gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad"
)
_NEEDS = """
import gi
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gst, GstRtspServer
Gst.init(None)
assert all(Gst.ElementFactory.find(one) for one in ("qtdemux", "h264parse", "rtph264pay"))
"""


@pytest.fixture(scope="session")
def gstreamer():
    """Make sure that the server can run; where it cannot, CI fails and a workstation says what to install."""
    try:
        done = subprocess.run([SYSTEM_PYTHON, "-c", _NEEDS], capture_output=True, timeout=60, check=False)
        there = done.returncode == 0
    except OSError:
        there = False
    if there:
        return
    told = f"no RTSP server to test with: apt-get install {PACKAGES}"
    if os.environ.get("CI") == "true":
        pytest.fail(told)
    pytest.skip(told)


class Server:
    """An RTSP server process."""

    def __init__(self, cameras, port=0):
        said = json.dumps({path: one | {"file": str(one["file"])} for path, one in cameras.items()})
        self.process = subprocess.Popen([SYSTEM_PYTHON, SERVER, said, str(port)], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def url(self, path, port=None):
        return f"rtsp://127.0.0.1:{port or self.port}{path}"

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture
def serve(gstreamer):
    """Give a function that starts a server; all of them end with the test."""
    servers = []

    def start(cameras, port=0):
        for _ in range(20):
            try:
                servers.append(Server(cameras, port))
            except ValueError:  # the port of the server before is not free yet
                time.sleep(0.2)
            else:
                return servers[-1]
        raise AssertionError("the RTSP server does not start")

    yield start
    for one in servers:
        one.kill()


@pytest.fixture(scope="session")
def clip(tmp_path_factory):
    """Give a clip of 40 seconds with a key frame every half second."""
    return write_clip(tmp_path_factory.mktemp("clips") / "walk.mp4", seconds=40, key_every=5)
