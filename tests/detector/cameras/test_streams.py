"""Live cameras over a real RTSP server: what goes wrong on a street's network, and what is made of it."""

import signal
import socket
import threading
import time
from itertools import islice
from pathlib import Path

import av
import pytest

from detector.cameras.address import parse_address
from detector.cameras.ffmpeg import Transport
from detector.cameras.probe import probe
from detector.cameras.source import Backoff, Stream, frames, watch
from detector.errors import CameraLocked, CameraStalled, CameraUnreachable
from tests.detector.cameras.clips import CELLS, second_of, write_clip
from tests.detector.cameras.wire import Wire, damaged, later_by

PROMPT = {"open_s": 8.0, "stall_s": 2.0}
AT_ONCE = Backoff(first_s=0.05, most_s=0.3)


def camera(url, **changes):
    credentials = {name: changes.pop(name) for name in ("user", "password") if name in changes}
    return Stream(address=parse_address(url, **credentials), **(PROMPT | changes))


def take(source, count, every_s=0.0):
    return list(islice(frames(source, every_s=every_s), count))


def fits(seen):
    """Say whether stream time goes on as the picture does: the square's place tells the second."""
    first = seen[0]
    return all(
        abs(((second_of(one.pixels) - second_of(first.pixels)) % CELLS) - (one.at_s - first.at_s) % CELLS) <= 1.0
        for one in seen
    )


@pytest.mark.parametrize("transport", Transport)
def test_frames_come_with_their_stream_time(serve, clip, transport):
    server = serve({"/street": {"file": clip}})

    seen = take(camera(server.url("/street"), transport=transport), 5)

    assert (240, 320, 3) == seen[0].pixels.shape
    assert 0.0 == seen[0].at_s
    assert 0.3 <= seen[-1].at_s - seen[-2].at_s <= 0.7  # key frames lie half a second apart
    assert fits(seen)


def test_stamps_that_wrap_at_32_bits_go_on(serve, clip):
    server = serve({"/street": {"file": clip, "stamp": 2**32 - 90_000}})

    seen = take(camera(server.url("/street")), 6)

    assert 2.0 <= seen[-1].at_s <= 3.5
    assert fits(seen)


@pytest.mark.parametrize("leap_s", [5000.0, -3000.0])
def test_stamps_that_leap_do_not_move_the_stream_time(serve, clip, leap_s):
    with Wire(serve({"/street": {"file": clip}}).port) as wire:
        wire.change = later_by(leap_s, after=25)
        seen = take(camera(f"rtsp://127.0.0.1:{wire.port}/street"), 9)

    assert 3.0 <= seen[-1].at_s <= 7.0
    assert [one.at_s for one in seen] == sorted(one.at_s for one in seen)


def test_a_wrong_password_is_called_that_and_never_told(serve, clip, capfd):
    server = serve({"/street": {"file": clip, "user": "admin", "password": "gue$$ me/4"}})

    with pytest.raises(CameraLocked) as refusal:
        take(camera(server.url("/street"), user="admin", password="s3cret@/?"), 1)
    seen = take(camera(server.url("/street"), user="admin", password="gue$$ me/4"), 1)

    assert 1 == len(seen)
    assert "s3cret" not in f"{refusal.value}{refusal.value!r}{refusal.value.facts}"
    assert refusal.value.__context__ is None
    assert refusal.value.__cause__ is None
    assert "s3cret" not in "".join(capfd.readouterr())


def test_nobody_there_is_told_at_once():
    with socket.create_server(("127.0.0.1", 0)) as door:
        free = door.getsockname()[1]

    with pytest.raises(CameraUnreachable, match="Check its address"):
        take(camera(f"rtsp://127.0.0.1:{free}/street"), 1)


def test_a_camera_that_accepts_and_says_nothing_is_left():
    with socket.create_server(("127.0.0.1", 0)) as door:
        begun = time.monotonic()
        with pytest.raises(CameraStalled):
            take(camera(f"rtsp://127.0.0.1:{door.getsockname()[1]}/street", open_s=1.0, stall_s=1.0), 1)

    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("transport", Transport)
def test_a_camera_that_stops_in_the_middle_is_left(serve, clip, transport):
    server = serve({"/street": {"file": clip}})
    seen = frames(camera(server.url("/street"), transport=transport, stall_s=1.0), every_s=0)
    next(seen)
    server.process.send_signal(signal.SIGSTOP)  # its sockets stay open: half-open, as after a power cut

    begun = time.monotonic()
    with pytest.raises(CameraStalled):
        list(seen)

    assert time.monotonic() - begun < 8  # what was on its way is read first


def test_a_cut_camera_is_opened_anew_and_the_stream_time_goes_on(serve, clip):
    lost, stop = [], threading.Event()

    def note(error):
        lost.append(error)
        wire.blocked.clear()

    with Wire(serve({"/street": {"file": clip}}).port) as wire:
        source = camera(f"rtsp://127.0.0.1:{wire.port}/street", stall_s=1.0)
        seen = watch(source, every_s=0, backoff=AT_ONCE, stop=stop, lost=note)
        before = [next(seen) for _ in range(3)]
        wire.cut()
        after = next(one for one in seen if one.connection)
        wire.blocked.set()
        again = next(one for one in seen if one.connection > after.connection)
        stop.set()
        seen.close()

    assert 1 <= after.connection < again.connection
    assert 2 <= len(lost)
    assert before[-1].at_s < after.at_s < again.at_s
    assert 1.0 <= again.at_s - after.at_s <= 15.0


def test_a_camera_that_comes_back_with_another_resolution_is_read_on(serve, clip, tmp_path):
    bigger = write_clip(tmp_path / "bigger.mp4", seconds=8, size=(640, 480), fps=5, key_every=5)
    first = serve({"/street": {"file": clip}})
    stop = threading.Event()
    seen = watch(camera(first.url("/street")), every_s=0, backoff=AT_ONCE, stop=stop)
    before = next(seen)
    first.kill()
    serve({"/street": {"file": bigger}}, first.port)
    after = next(one for one in seen if one.connection)
    stop.set()
    seen.close()

    assert (320, 640) == (before.width, after.width)
    assert (480, 640, 3) == after.pixels.shape


def test_damaged_packets_cost_pictures_and_nothing_else(serve, clip):
    tallies = []
    with Wire(serve({"/street": {"file": clip}}).port) as wire:
        wire.change = damaged(0.02)
        seen = list(islice(frames(camera(f"rtsp://127.0.0.1:{wire.port}/street"), every_s=0, tally=tallies.append), 4))

    assert 4 == len(seen)
    assert 1 <= tallies[0].damaged
    assert all((240, 320, 3) == one.pixels.shape for one in seen)
    assert [one.at_s for one in seen] == sorted(one.at_s for one in seen)


def test_ten_cameras_at_once_and_two_of_them_fail(serve, clip, tmp_path):
    server = serve({f"/{number}": {"file": clip} for number in range(9)})
    given, lost, stop = dict.fromkeys(range(10), 0), dict.fromkeys(range(10), 0), threading.Event()
    with Wire(server.port) as wire:
        wire.change = damaged(1.0)
        urls = [server.url(f"/{number}") for number in range(8)]
        urls += [f"rtsp://127.0.0.1:{wire.port}/8", server.url("/nobody")]

        def read(number, url):
            def note(_):
                lost[number] += 1

            for _ in watch(camera(url), every_s=0.5, backoff=AT_ONCE, stop=stop, lost=note):
                given[number] += 1

        threads = [threading.Thread(target=read, args=pair, daemon=True) for pair in enumerate(urls)]
        for one in threads:
            one.start()
        until = time.monotonic() + 30
        while time.monotonic() < until and not (min(list(given.values())[:8]) >= 5 and lost[9] >= 5):
            time.sleep(0.1)
        stop.set()
        for one in threads:
            one.join(15)

    assert min(list(given.values())[:8]) >= 5, given
    assert 0 == given[9]
    assert lost[9] >= 5
    assert 0 == sum(list(lost.values())[:8])
    assert not any(one.is_alive() for one in threads)


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


def resident_kb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4


def test_a_thousand_reconnects_leave_nothing_behind():
    """The camera accepts, begins to talk and hangs up; every connection is a new one to FFmpeg."""
    hangs_up = socket.create_server(("127.0.0.1", 0), backlog=64)

    def answer():
        while True:
            try:
                near, _ = hangs_up.accept()
            except OSError:
                return
            with near:
                near.recv(4096)
                near.sendall(b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nPublic: DESCRIBE\r\n\r\n")

    threading.Thread(target=answer, daemon=True).start()
    source = camera(f"rtsp://127.0.0.1:{hangs_up.getsockname()[1]}/street")
    figures, failures, stop = [], 0, threading.Event()

    def note(_):
        nonlocal failures
        failures += 1
        if failures in (200, 1000):
            figures.append((threading.active_count(), open_files(), resident_kb()))
        if failures == 1000:
            stop.set()

    seen = list(watch(source, backoff=Backoff(first_s=0.0, most_s=0.0), stop=stop, lost=note))
    hangs_up.close()

    assert [] == seen
    (threads, files, memory), (threads_after, files_after, memory_after) = figures
    assert threads == threads_after
    assert abs(files - files_after) <= 2
    assert memory_after < memory * 1.05


def test_reading_a_stream_starts_no_thread_and_leaves_no_socket(serve, clip):
    server = serve({"/street": {"file": clip}})
    take(camera(server.url("/street")), 1)
    before = threading.active_count(), open_files()

    for _ in range(5):
        take(camera(server.url("/street")), 1)

    assert before == (threading.active_count(), open_files())


def test_ffmpeg_talks_to_nobody(serve, clip, capfd):
    """Its own messages hold whole addresses; they are off."""
    assert av.logging.get_level() is None


def test_a_first_look_says_what_a_camera_sends_and_what_it_will_cost(serve, clip):
    server = serve({"/street": {"file": clip, "user": "admin", "password": "gue$$ me/4"}})

    seen = probe(camera(server.url("/street"), user="admin", password="gue$$ me/4"))

    assert ("h264", 320, 240) == (seen.codec, seen.width, seen.height)
    assert (240, 320, 3) == seen.pixels.shape
    assert 0.4 <= seen.key_every_s <= 0.6
    assert 9 <= seen.fps <= 11
    assert not seen.rare_keys
    assert 0 < seen.cost_share(4.0) < seen.cost_share(0.5) < 1
    with pytest.raises(CameraLocked) as refusal:
        probe(camera(server.url("/street"), user="admin", password="s3cret@/?"))
    assert "s3cret" not in str(refusal.value)
