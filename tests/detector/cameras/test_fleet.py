"""Many cameras at once, over a real RTSP server, with whatever goes wrong on a street's network."""

import io
import logging
import shutil
import signal
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import av
import cv2
import numpy as np
import pytest

from detector.cameras.events import Happening
from detector.cameras.plans import Limits, Plan
from detector.cameras.sink import Trouble
from detector.cameras.source import Backoff, Loop, Recording
from detector.cameras.source import watch as live_frames
from detector.cameras.zones import parse_zones
from tests.detector.cameras.clips import CELLS, picture, second_of, write_clip
from tests.detector.cameras.fleets import (
    EVERYWHERE,
    HASTY,
    camera,
    car_model,
    figures,
    picture_of,
    running,
    until,
)
from tests.detector.cameras.wire import Wire, damaged, later_by

TWO_ZONES = EVERYWHERE.replace("]}]", "]}, {name: wall, kind: bins, polygon: [[0, 0], [.1, 0], [.1, .1]]}]")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return car_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def street(serve, clip):
    """Give the address of a camera that works."""
    return serve({"/street": {"file": clip}}).url("/street")


@pytest.fixture
def wire(serve, clip):
    """Give a wire to a camera that works."""
    with Wire(serve({"/street": {"file": clip}}).port) as wire:
        yield wire


def over(wire):
    return f"rtsp://127.0.0.1:{wire.port}/street"


def second_in(pixels):
    return second_of(np.asarray(pixels)[..., ::-1])


def test_what_stands_too_long_is_told_once_with_its_evidence(model, street):
    slow = camera(street, zones=EVERYWHERE.replace("dwell: 1", "dwell: 8"))  # RTCP tells the camera's time by then
    with running(model, [slow]) as (_, heard):
        until(lambda: heard.stays, 30)
        time.sleep(2)

    (told,) = heard.stays
    evidence = told.evidence
    assert (Happening.began, "illegal_parking", "street") == (told.what, told.stay.code, told.stay.zone)
    assert (320, 240) == (evidence.width, evidence.height) == picture_of(evidence.jpeg).size
    assert [("illegal_parking", True), ("car", False)] == [(one.name, one.own) for one in evidence.boxes]
    assert evidence.boxes[0].box == told.stay.box
    assert "street/1" == told.model
    assert timedelta(seconds=8) <= told.at - told.since_at <= timedelta(seconds=12)
    assert abs(datetime.now(UTC) - evidence.camera_at) < timedelta(minutes=1)
    assert ["online"] == heard.conditions("street")


def test_the_clip_shows_the_picture_at_the_second_it_says(model, street):
    with running(model, [camera(street)]) as (_, heard):
        until(lambda: heard.stays)

    evidence = heard.stays[0].evidence
    with av.open(io.BytesIO(evidence.clip.content)) as file:
        shown = {frame.time: second_of(frame.to_ndarray(format="bgr24")) for frame in file.decode(video=0)}
    at_event = min(shown, key=lambda at: abs(at - evidence.clip.event_s))
    assert "video/mp4" == evidence.clip.media_type
    assert 1.0 <= evidence.clip.seconds <= 4.5
    assert evidence.clip.seconds == pytest.approx(max(shown), abs=0.11)
    assert (second_in(picture_of(evidence.jpeg)) - shown[at_event]) % CELLS in (0, 1, CELLS - 1)
    assert list(shown) == sorted(shown)


def test_the_same_plans_again_change_nothing(model, wire):
    with running(model, [camera(over(wire))]) as (fleet, heard):
        until(lambda: heard.stays)
        for _ in range(20):
            fleet.follow([camera(over(wire))])
            time.sleep(0.05)

    assert 1 == wire.connections
    assert 1 == len(heard.stays)
    assert [] == heard.forgotten


def test_other_zones_begin_the_watch_anew_without_opening_the_camera_again(model, wire):
    with running(model, [camera(over(wire))]) as (fleet, heard):
        until(lambda: heard.stays)
        fleet.follow([camera(over(wire), zones=TWO_ZONES)])
        until(lambda: len(heard.stays) == 2)

    first, second = heard.stays
    assert [("street", [first.event])] == heard.forgotten
    assert first.event != second.event
    assert second.evidence.at_s > first.evidence.at_s
    assert 1 == wire.connections


def test_another_weight_or_pace_goes_on_with_what_was_seen(model, wire):
    with running(model, [camera(over(wire))]) as (fleet, heard):
        until(lambda: heard.stays)
        fleet.follow([camera(over(wire), weight=3.0, pace_s=1.0)])
        until(lambda: wire.connections == 2)
        taken_up = figures(fleet).analysed
        until(lambda: figures(fleet).analysed > taken_up + 3)
        assert figures(fleet).lasting == 1

    assert 1 == len(heard.stays)
    assert [] == heard.forgotten


def test_a_camera_that_is_taken_off_the_list_is_closed_and_another_one_opened(model, serve, clip):
    server = serve({"/a": {"file": clip}, "/b": {"file": clip}})
    with running(model, [camera(server.url("/a"), "a")]) as (fleet, heard):
        until(lambda: heard.of("a"))
        fleet.follow([camera(server.url("/b"), "b")])
        until(lambda: heard.of("b"))

        assert ["b"] == [one.camera for one in fleet.figures()]
        until(lambda: not any(one.name == "camera a" for one in threading.enumerate()))
        assert fleet.latest("a") is None
        assert (240, 320, 3) == fleet.latest("b").pixels.shape

    assert ["a"] == [camera for camera, _ in heard.forgotten]


def test_a_dropout_is_not_told_and_a_long_one_is_told_once(model, wire):
    with running(model, [camera(over(wire))]) as (fleet, heard):
        until(lambda: heard.stays)
        for _ in range(3):
            wire.cut()
            connections = wire.connections
            until(lambda now=connections: wire.connections > now)
            until(lambda: figures(fleet).trouble is None)
        assert ["online"] == heard.conditions("street")

        wire.blocked.set()
        until(lambda: len(heard.changes) == 2)
        time.sleep(3)
        wire.blocked.clear()
        until(lambda: len(heard.changes) == 3)
        seen = figures(fleet)

    assert ["online", "offline", "online"] == heard.conditions("street")
    offline, online = heard.changes[1:]
    assert offline.trouble in (Trouble.stalled, Trouble.unreachable)
    assert offline.at < online.at
    assert offline.jpeg is None
    assert (320, 240) == picture_of(online.jpeg).size
    assert seen.reconnects >= 4
    assert seen.errors >= 4
    assert 1 == len(heard.stays)  # the car stood there all the time


def test_a_half_open_socket_is_noticed(model, serve, clip):
    server = serve({"/street": {"file": clip}})
    with running(model, [camera(server.url("/street"), stall_s=1.0)]) as (_, heard):
        until(lambda: heard.conditions("street") == ["online"])
        server.process.send_signal(signal.SIGSTOP)  # its sockets stay open, as after a power cut
        until(lambda: len(heard.changes) == 2)

    assert Trouble.stalled == heard.changes[1].trouble
    assert "gave nothing" in heard.changes[1].reason


def test_a_wrong_password_is_told_as_such_and_not_tried_again_and_again(model, serve, clip, capfd, caplog):
    caplog.set_level(logging.DEBUG)
    server = serve({"/street": {"file": clip, "user": "admin", "password": "gue$$ me/4"}})
    with Wire(server.port) as wire:
        guessed = camera(over(wire), user="admin", password="s3cret@/?")
        with running(model, [guessed]) as (fleet, heard):
            until(lambda: heard.changes)
            time.sleep(3)
            tries = wire.connections
            seen = [repr(fleet.figures()), repr(guessed), *map(repr, heard.changes), *map(str, heard.changes)]
            fleet.follow([camera(over(wire), user="admin", password="gue$$ me/4")])
            until(lambda: heard.conditions("street") == ["offline", "online"])

    assert 1 == tries
    assert Trouble.locked == heard.changes[0].trouble
    assert "Check the user name and the password" in heard.changes[0].reason
    shown = "".join([*seen, *capfd.readouterr(), caplog.text])
    assert not [one for one in ("s3cret", "gue$$", "gue%24", "me/4", "me%2F4") if one in shown]


def test_another_resolution_is_the_same_street(model, serve, clip, tmp_path):
    bigger = write_clip(tmp_path / "bigger.mp4", seconds=20, size=(640, 480), key_every=5)
    first = serve({"/street": {"file": clip}})
    with running(model, [camera(first.url("/street"))]) as (fleet, heard):
        until(lambda: heard.stays)
        first.kill()
        serve({"/street": {"file": bigger}}, first.port)
        until(lambda: figures(fleet).width == 640)
        taken_up = figures(fleet).analysed
        until(lambda: figures(fleet).analysed > taken_up + 5)

    assert [Happening.began] == [one.what for one in heard.stays]


@pytest.mark.parametrize("leap_s", [5000.0, -3000.0, 2**32 / 90_000 - 20])
def test_a_clock_that_leaps_or_wraps_ends_nothing(model, wire, leap_s):
    wire.change = later_by(leap_s, after=80)
    with running(model, [camera(over(wire))]) as (fleet, heard):
        until(lambda: heard.stays)
        until(lambda: figures(fleet).clock_repairs)
        taken_up = figures(fleet).analysed
        until(lambda: figures(fleet).analysed > taken_up + 4)
        seen = figures(fleet)

    assert 1 == len(heard.stays)
    assert ["online"] == heard.conditions("street")
    assert seen.lag_s < 5
    assert fleet.latest("street").at_s < 60


def test_damaged_packets_cost_pictures_and_nothing_else(model, wire):
    wire.change = damaged(0.02)
    with running(model, [camera(over(wire))], limits=Limits(backoff=HASTY.backoff)) as (fleet, heard):
        until(lambda: figures(fleet).damaged >= 2 and figures(fleet).analysed >= 5)

    assert ["online"] == heard.conditions("street")
    assert {Happening.began} >= {one.what for one in heard.stays}


def test_ten_cameras_at_once_and_two_of_them_fail(model, serve, clip):
    server = serve({f"/{number}": {"file": clip} for number in range(9)})
    with Wire(server.port) as wire:
        wire.change = damaged(1.0)
        plans = [camera(server.url(f"/{number}"), str(number)) for number in range(8)]
        plans += [camera(f"rtsp://127.0.0.1:{wire.port}/8", "8"), camera(server.url("/nobody"), "9")]
        with running(model, plans) as (fleet, heard):
            until(lambda: {"8", "9"} <= {one.camera for one in heard.changes}, 30)
            until(lambda: min(one.analysed for one in fleet.figures()[:8]) >= 8, 30)
            seen = {one.camera: one for one in fleet.figures()}

    assert list(seen) == [str(number) for number in range(10)]
    assert all(seen[str(number)].errors == 0 for number in range(8))
    assert all(["online"] == heard.conditions(str(number)) for number in range(8))
    assert all(1 == len(heard.of(str(number))) for number in range(8))
    assert ["offline"] == heard.conditions("8") == heard.conditions("9")
    assert 0 == seen["8"].analysed == seen["9"].analysed
    assert Trouble.unreachable == seen["9"].trouble


def test_a_read_that_hangs_in_spite_of_everything_is_left_behind(model, serve, clip):
    server = serve({"/street": {"file": clip}, "/hung": {"file": clip}})
    let_go, hangs = threading.Event(), []

    def some_hang(source, **more):
        if source.address.url.endswith("hung") and len(hangs) < 2:
            hangs.append(threading.current_thread())
            let_go.wait()  # as a name server that never answers does: no callback of FFmpeg's reaches there
        yield from live_frames(source, **more)

    plans = [camera(server.url("/hung"), "hung", open_s=1.0, stall_s=1.5), camera(server.url("/street"))]
    with running(model, plans, live_frames=some_hang) as (fleet, heard):
        until(lambda: figures(fleet, "hung").stuck == 2, 40)
        time.sleep(2)
        assert 2 == len(hangs)  # no third one while these hang
        assert Trouble.stuck == figures(fleet, "hung").trouble
        taken_up = figures(fleet).analysed
        until(lambda: figures(fleet).analysed > taken_up + 2)
        let_go.set()
        until(lambda: heard.of("hung") and heard.conditions("hung") == ["offline", "online"], 40)
        until(lambda: figures(fleet, "hung").stuck == 0)

    assert not any(one.is_alive() for one in hangs)
    assert ["online"] == heard.conditions("street")


def test_a_sink_that_fails_is_told_again_in_the_same_order(model, street):
    with running(model, [camera(street)]) as (fleet, heard):
        heard.refuse = 2
        until(lambda: fleet.sink_failure)
        assert "the disk is full" in fleet.sink_failure
        until(lambda: heard.stays)

    assert ["online"] == heard.conditions("street")
    assert 1 == len(heard.stays)
    assert "" == fleet.sink_failure


def test_another_model_takes_over_without_a_second_event(model, street, tmp_path):
    folder = car_model(shutil.copytree(model, tmp_path / "model"), "2")
    (folder / "CURRENT").write_text("1\n")
    with running(folder, [camera(street)]) as (fleet, heard):
        until(lambda: heard.stays)
        (folder / "CURRENT").write_text("2\n")
        taken_up = figures(fleet).analysed
        until(lambda: figures(fleet).analysed > taken_up + 5)
        fleet.follow([camera(street, zones=TWO_ZONES)])
        until(lambda: len(heard.stays) == 2)

    assert ["street/1", "street/2"] == [one.model for one in heard.stays]
    assert [1] == [len(events) for _, events in heard.forgotten]


def test_zones_that_do_not_fit_are_told_and_the_picture_is_still_there(model, street):
    with running(model, [camera(street, zones=EVERYWHERE.replace("dwell: 1", "classes: [dragon]"))]) as (fleet, heard):
        until(lambda: heard.conditions("street")[-1:] == ["offline"])
        assert fleet.latest("street") is not None
        fleet.follow([camera(street)])
        until(lambda: heard.stays)

    assert Trouble.zones == next(one for one in heard.changes if one.trouble).trouble
    assert "dragon" in next(one for one in heard.changes if one.trouble).reason


def test_recordings_are_read_to_their_ends_and_no_picture_is_left_out(model, clip):
    plans = [
        Plan(camera=name, name=name, source=Recording(path=clip), zones=parse_zones(EVERYWHERE), pace_s=0.5)
        for name in ("a", "b")
    ]
    with running(model, plans) as (fleet, heard):
        until(lambda: not any(one.name == "fleet" for one in threading.enumerate()), 60)

    assert [80, 80] == [one.analysed for one in fleet.figures()]
    assert [0, 0] == [one.dropped for one in fleet.figures()]
    assert {"a", "b"} == {one.camera for one in heard.stays}
    assert all(one.evidence.clip is not None for one in heard.stays)


def test_single_pictures_are_counted_and_never_taken_for_a_read_that_hangs(model, tmp_path):
    cv2.imwrite(str(tmp_path / "one.png"), picture(3, 320, 240))
    plan = Plan(camera="street", name="street", source=Loop(folder=tmp_path), zones=parse_zones(EVERYWHERE), pace_s=0.5)
    with running(model, [plan]) as (fleet, heard):
        time.sleep(6.0)  # HASTY leaves a read behind after a second and a half
        seen = figures(fleet)

    assert (0, 0, 0) == (seen.errors, seen.reconnects, seen.stuck)
    assert seen.fps_in > 1.0
    assert seen.bytes_in == seen.frames_in * (tmp_path / "one.png").stat().st_size
    assert ["online"] == heard.conditions("street")


def test_whoever_asks_is_told_that_something_lasts_with_a_picture_of_now(model, street):
    with running(model, [camera(street)]) as (fleet, heard):
        (began,) = until(lambda: heard.of("street"))
        fleet.ask("street", uuid4())  # nobody knows this one
        fleet.ask("street", began.event)
        lasts = until(lambda: heard.of("street")[1:])[0]
        time.sleep(1.5)

    assert (Happening.lasts, began.event, began.stay.number) == (lasts.what, lasts.event, lasts.stay.number)
    assert lasts.evidence.at_s > began.evidence.at_s
    assert lasts.evidence.jpeg != began.evidence.jpeg
    assert 2 == len(heard.of("street"))


def test_two_plans_with_one_id_are_refused(model):
    with running(model, []) as (fleet, _), pytest.raises(ValueError, match="same camera id"):
        fleet.follow([camera("rtsp://h/1"), camera("rtsp://h/2")])


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


def our_threads():
    return sum(one.name.startswith(("camera", "telling", "fleet")) for one in threading.enumerate())


def resident_kb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4


def test_a_thousand_reconnects_of_a_fleet_leave_nothing_behind(model, serve, clip):
    """Twenty cameras that really stream are cut off whenever they have given a picture."""
    server = serve({f"/{number}": {"file": clip} for number in range(20)})
    wires = [Wire(server.port) for _ in range(20)]
    plans = [camera(f"rtsp://127.0.0.1:{one.port}/{number}", str(number)) for number, one in enumerate(wires)]
    limits = Limits(backoff=Backoff(first_s=0.01, most_s=0.01), clip_before_s=1.0, clip_after_s=0.0)

    def cut_until(fleet, reconnects):
        marks = dict.fromkeys(range(20), 0)
        end = time.monotonic() + 200
        while sum(one.reconnects for one in fleet.figures()) < reconnects and time.monotonic() < end:
            for number, one in enumerate(fleet.figures()):
                if one.frames_in > marks[number]:
                    marks[number] = one.frames_in
                    wires[number].cut()
            time.sleep(0.01)
        time.sleep(1.0)
        return our_threads(), resident_kb(), sum(one.reconnects for one in fleet.figures())

    before = open_files()
    with running(model, plans, limits=limits) as (fleet, _):
        until(lambda: all(one.frames_in for one in fleet.figures()), 30)
        threads, memory, _ = cut_until(fleet, 300)
        threads_after, memory_after, reconnects = cut_until(fleet, 1000)
    for one in wires:
        one.__exit__()

    assert reconnects >= 1000
    assert threads == threads_after == 22
    assert memory_after < memory * 1.05
    assert 0 == our_threads()
    assert open_files() <= before + 2
