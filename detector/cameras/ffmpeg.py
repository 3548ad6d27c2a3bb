"""The one door to FFmpeg: what it may open, how long it may wait, and its errors in our own words, without passwords.

FFmpeg runs in this process, on the thread that asks. A read that gets stuck is cut off by FFmpeg's own interrupt
callback, which PyAV answers from the clock (`timeout`): tried against servers that accept and say nothing, that stop in
the middle, and that drip (tests/detector/cameras). Nothing is left running after that.
"""

import time
from enum import StrEnum
from pathlib import Path

import av
from av.container import InputContainer

from detector.cameras.address import Address
from detector.errors import CameraError, CameraLocked, CameraStalled, CameraUnreachable, SourceRefused, StreamUnreadable

CONTAINERS = "mov,matroska,avi,mpegts,mpeg,flv,asf,h264,hevc,mjpeg,mpjpeg,dhav,wtv,ogg,gif"  # of recordings
_HLS_PARTS = "hls,mpegts,mov,aac,webvtt"
_PROTOCOLS = {
    "rtsp": "rtsp,rtp,udp,tcp",
    "rtsps": "rtsp,rtp,udp,tcp,tls",
    "http": "http,https,tcp,tls,crypto",
    "https": "https,tcp,tls,crypto",
}
_FORMATS = {
    "rtsp": "rtsp",
    "rtsps": "rtsp",
    "http": f"mpjpeg,mjpeg,flv,{_HLS_PARTS}",
    "https": f"mpjpeg,mjpeg,flv,{_HLS_PARTS}",
}
REFUSALS = (av.FFmpegError, UnicodeError)  # a damaged header may hold names that are no text
_NO_VIDEO = (
    av.InvalidDataError,
    av.DemuxerNotFoundError,
    av.DecoderNotFoundError,
    av.ArgumentError,
    UnicodeError,
)
_PROBE_S = 4  # how long FFmpeg may look at a stream before it says what it is


class Transport(StrEnum):
    """How the packets of an RTSP camera travel."""

    tcp = "tcp"
    udp = "udp"


def open_stream(address: Address, *, transport: Transport, open_s: float, stall_s: float) -> InputContainer:
    """Open a camera's stream.

    Args:
        open_s: how long it may take until the first packets are understood.
        stall_s: how long a read may take afterwards.

    Raises:
        CameraError: in the words of the case, with the address but never its password.
    """
    patience = str(int(stall_s * 1e6))  # FFmpeg counts microseconds
    options = {
        "protocol_whitelist": _PROTOCOLS[address.scheme],
        "format_whitelist": _FORMATS[address.scheme],
        "analyzeduration": str(int(_PROBE_S * 1e6)),
        "fpsprobesize": "0",  # measuring the frame rate took two of the three seconds until the first picture
    }
    if address.scheme.startswith("rtsp"):
        options |= {"rtsp_transport": transport.value, "timeout": patience, "allowed_media_types": "video"}
    else:
        options |= {"rw_timeout": patience}
    begun = time.monotonic()
    try:
        return av.open(address.url, container_options=options, timeout=(open_s, stall_s))
    except REFUSALS as error:
        waited_s = time.monotonic() - begun
        told = in_words(error, address.shown, waited_s=open_s)
        if waited_s > 0.9 * min(open_s, stall_s) and isinstance(told, StreamUnreadable):
            told = _silent(address.shown, waited_s)  # FFmpeg calls a silence in the middle of the talk invalid data
    raise told  # outside the handler: the original holds the whole address and must not come along as `__context__`


def open_recording(path: Path) -> InputContainer:
    """Open a video file. Nothing else is opened through it, whatever it names.

    Raises:
        CameraError: no file, no video, damaged.
    """
    if not path.is_file():
        raise SourceRefused(f"{path} is not a file.")
    try:
        return av.open(
            f"file:{path.resolve()}",
            container_options={"protocol_whitelist": "file", "format_whitelist": CONTAINERS},
        )
    except REFUSALS as error:
        raise in_words(error, str(path), waited_s=None) from error


def in_words(error: Exception, shown: str, *, waited_s: float | None) -> CameraError:
    """Give our own error for one of `REFUSALS`, without its text: that holds the whole address.

    Args:
        waited_s: how long the step was allowed to take, seconds; None where nothing waits.
    """
    said = (getattr(error, "strerror", None) or type(error).__name__).rstrip(".")
    if isinstance(error, av.HTTPUnauthorizedError | av.HTTPForbiddenError):
        return CameraLocked(f"{shown} does not let us in ({said}). Check the user name and the password.")
    if isinstance(error, av.ExitError | av.error.TimeoutError):
        return _silent(shown, waited_s)
    if isinstance(error, _NO_VIDEO):
        return StreamUnreadable(f"{shown} gives no video that can be decoded ({said}).")
    if isinstance(error, av.ProtocolNotFoundError):
        return SourceRefused(f"{shown} leads to a protocol that is not allowed.")
    return CameraUnreachable(f"{shown} cannot be reached ({said}). Check its address and the network.")


def _silent(shown: str, waited_s: float | None) -> CameraStalled:
    within = f" within {waited_s:.3g} s" if waited_s is not None else ""
    return CameraStalled(f"{shown} gave nothing{within}. Check that the camera works and the network carries it.")
