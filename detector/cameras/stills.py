"""Single pictures as a stream: a folder of stills, and snapshots fetched from a camera on a schedule."""

import re
import threading
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from itertools import count
from pathlib import Path

import httpx

from detector.cameras.address import Address
from detector.cameras.clock import StreamClock
from detector.cameras.decoding import Tally
from detector.cameras.frame import Frame
from detector.errors import CameraLocked, CameraStalled, CameraUnreachable, PhotoError, SourceRefused, StreamUnreadable
from detector.photo import CHINA, MAX_BYTES, SUFFIXES, Photo, open_photo

_IN_NAME = re.compile(r"(?<!\d)(20\d{2})[-_]?(\d{2})[-_]?(\d{2})[-_T ]?(\d{2})[-_:]?(\d{2})[-_:]?(\d{2})(?!\d)")


def stills_of(folder: Path, *, every_s: float | None, zone: tzinfo = CHINA) -> Iterator[Frame]:
    """Give the pictures of a folder in the order of their times, or `every_s` apart in the order of their names.

    A still's time is the one in its name (`20261123-081500`), else its EXIF time.

    Raises:
        SourceRefused: no folder, no pictures, or a still that does not say when it was taken and no `every_s`.
    """
    began: datetime | None = None
    last_s = 0.0
    for number, path in enumerate(_files(folder)):
        try:
            photo = open_photo(path)
        except PhotoError:
            continue  # a still that was cut off while it was written; its neighbours count
        taken_at = _named(path.stem, zone) or photo.taken_at
        if every_s is not None:
            yield _frame(photo, number * every_s, taken_at)
            continue
        if taken_at is None:
            raise SourceRefused(f"{path} does not say when it was taken. Say how many seconds lie between the stills.")
        began = began or taken_at
        last_s = max(last_s, (taken_at - began).total_seconds())
        yield _frame(photo, last_s, taken_at)


def loop_of(
    folder: Path, *, every_s: float, clock: StreamClock, stop: threading.Event, tally: Tally
) -> Iterator[Frame]:
    """Give the pictures of a folder in the order of their names, again and again, as if a camera gave them now.

    Raises:
        SourceRefused: no folder, or no picture in it that can be opened.
    """
    return _paced(_again_and_again(folder, tally), every_s=every_s, clock=clock, stop=stop)


def _again_and_again(folder: Path, tally: Tally) -> Iterator[Photo]:
    while True:
        opened = 0
        for path in _files(folder):
            try:
                photo = open_photo(path)
            except PhotoError:
                tally.damaged += 1
                continue
            opened += 1
            _count(tally, path.stat().st_size)
            yield photo
        if not opened:
            raise SourceRefused(f"{folder} holds no picture that can be opened.")


def _files(folder: Path) -> list[Path]:
    try:
        files = sorted(one for one in folder.iterdir() if one.suffix.lower() in SUFFIXES and one.is_file())
    except OSError as error:
        raise SourceRefused(f"{folder} cannot be searched: {error.strerror}.") from error
    if not files:
        raise SourceRefused(f"{folder} holds no pictures.")
    return files


def _paced(photos: Iterator[Photo], *, every_s: float, clock: StreamClock, stop: threading.Event) -> Iterator[Frame]:
    """Give one picture after another, each as of now, so many seconds apart, until `stop`."""
    last: float | None = None
    while not stop.is_set():
        asked = time.monotonic()
        photo = next(photos)
        at_s = clock.step(None, asked - last) if last is not None else clock.now_s
        last = asked
        yield _frame(photo, at_s, datetime.now(UTC))
        stop.wait(max(0.0, every_s - (time.monotonic() - asked)))


def _count(tally: Tally, size: int) -> None:
    """Count a single picture as what it is: a packet, a key frame, and decoded."""
    tally.packets, tally.key_frames, tally.decoded = tally.packets + 1, tally.key_frames + 1, tally.decoded + 1
    tally.bytes += size


def _named(stem: str, zone: tzinfo) -> datetime | None:
    found = _IN_NAME.search(stem)
    if found is None:
        return None
    try:
        year, month, day, hour, minute, second = (int(part) for part in found.groups())
        return datetime(year, month, day, hour, minute, second, tzinfo=zone)
    except ValueError:
        return None


def _frame(photo: Photo, at_s: float, taken_at: datetime | None) -> Frame:
    return Frame(pixels=photo.pixels, width=photo.width, height=photo.height, at_s=at_s, taken_at=taken_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked(httpx.Auth):
    """Answers whichever challenge the camera sets; nothing is sent before it asked, and never a password in the clear
    to one that can take a digest."""

    user: str
    password: str

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        response = yield request
        challenges = response.headers.get_list("www-authenticate")
        if response.status_code != httpx.codes.UNAUTHORIZED or not challenges:
            return
        if any(one.lower().startswith("digest") for one in challenges):
            digest = httpx.DigestAuth(self.user, self.password)
            flow = digest.auth_flow(request)
            next(flow)
            yield flow.send(response)
        elif any(one.lower().startswith("basic") for one in challenges):
            yield next(httpx.BasicAuth(self.user, self.password).auth_flow(request))


def snapshots_from(
    address: Address, *, every_s: float, patience_s: float, clock: StreamClock, stop: threading.Event, tally: Tally
) -> Iterator[Frame]:
    """Fetch a picture from the camera every so many seconds, until `stop`.

    Raises:
        CameraError: what came is no picture, nobody answers, or we are not let in.
    """
    credentials = address.credentials
    auth = _Asked(user=credentials[0], password=credentials[1]) if credentials else None
    with httpx.Client(auth=auth, timeout=patience_s, follow_redirects=False, trust_env=False) as client:
        photos = (_fetch(client, address, patience_s, tally) for _ in count())
        yield from _paced(photos, every_s=every_s, clock=clock, stop=stop)


def _fetch(client: httpx.Client, address: Address, patience_s: float, tally: Tally) -> Photo:
    told: Exception
    try:
        content = _read(client, address, time.monotonic() + patience_s)
    except httpx.TimeoutException:
        told = CameraStalled(f"{address.shown} gave nothing within {patience_s:g} s.")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        told = CameraUnreachable(f"{address.shown} cannot be reached ({address.redact(str(error))}).")
    else:
        try:
            photo = open_photo(content, name=address.shown)
        except PhotoError as error:
            tally.damaged += 1
            raise StreamUnreadable(str(error)) from error
        _count(tally, len(content))
        return photo
    raise told


def _read(client: httpx.Client, address: Address, until: float) -> bytes:
    """Give the picture's bytes; a camera that drips or never ends is left."""
    parts: list[bytes] = []
    with client.stream("GET", address.bare_url) as response:
        if response.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise CameraLocked(f"{address.shown} does not let us in. Check the user name and the password.")
        if response.status_code != httpx.codes.OK:
            raise CameraUnreachable(f"{address.shown} answers {response.status_code}, not with a picture.")
        for part in response.iter_bytes():
            parts.append(part)
            if sum(map(len, parts)) > MAX_BYTES:
                raise StreamUnreadable(f"{address.shown} gives more than {MAX_BYTES // 1048576} MiB for one picture.")
            if time.monotonic() > until:
                raise CameraStalled(f"{address.shown} takes too long to give a picture.")
    return b"".join(parts)
