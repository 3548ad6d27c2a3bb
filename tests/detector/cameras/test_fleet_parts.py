"""What a fleet is made of, piece by piece: shares, presence, the ring of packets. No network."""

import io
import random
import threading
from itertools import pairwise

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.cameras.address import parse_address
from detector.cameras.plans import Plan
from detector.cameras.presence import Presence
from detector.cameras.reading import Reading
from detector.cameras.ring import Ring, Track
from detector.cameras.shares import Shares
from detector.cameras.source import Backoff, Recording, Stream, frames
from detector.errors import CameraLocked
from tests.detector.cameras.clips import write_clip

H264 = Track(codec="h264", width=320, height=240)


def test_the_model_is_shared_by_weight():
    shares, taken = Shares(), {"a": 0.0, "b": 0.0, "c": 0.0}
    weights = {"a": 1.0, "b": 2.0, "c": 1.0}
    for _ in range(4000):
        camera = shares.turn(taken)
        cost = 0.04 if camera != "c" else 0.08  # c's pictures take twice as long
        taken[camera] += cost
        shares.spent(camera, cost, weights[camera])

    assert taken["b"] == pytest.approx(2 * taken["a"], rel=0.02)
    assert taken["c"] == pytest.approx(taken["a"], rel=0.02)


def test_who_was_away_neither_starves_the_others_nor_is_starved():
    shares = Shares()
    for _ in range(1000):
        shares.spent(shares.turn(["a", "b"]), 1.0, 1.0)
    turns = []
    for _ in range(10):
        turns.append(shares.turn(["a", "b", "new"]))
        shares.spent(turns[-1], 1.0, 1.0)

    assert 3 <= turns.count("new") <= 4


@given(st.lists(st.tuples(st.floats(0.01, 30), st.booleans(), st.booleans()), max_size=60))
def test_presence_is_told_in_turns_whatever_happens(steps):
    presence = Presence(now=0.0, pace_s=2.0, offline_after_s=20.0, online_after_s=5.0)
    now, last, failed, told = 0.0, None, 0, []
    for passed_s, comes, fails in steps:
        now += passed_s
        last = now if comes else last
        failed += fails
        change = presence.check(now, last=last, failed=failed)
        if change is not None:
            told.append((change, now, last))

    assert all(one[0] != after[0] for one, after in pairwise(told))
    assert all(last is None or now - last >= 20.0 for online, now, last in told if not online)


def test_a_camera_that_comes_for_a_moment_has_not_come_back():
    presence = Presence(now=0.0, pace_s=2.0, offline_after_s=30.0, online_after_s=15.0)
    told = [presence.check(1.0, last=1.0, failed=0), presence.check(40.0, last=1.0, failed=1)]
    for second in range(100, 600, 50):  # one picture every 50 seconds, then it fails again
        told.append(presence.check(second, last=second, failed=second))
        told.append(presence.check(second + 20, last=second, failed=second + 1))
    told += [presence.check(second, last=second, failed=999) for second in range(700, 730, 2)]

    assert [True, False, True] == [one for one in told if one is not None]


def test_a_refused_password_is_told_at_once_and_seldom_tried_again():
    presence = Presence(now=0.0, pace_s=2.0, offline_after_s=60.0, online_after_s=15.0)
    backoff = Backoff(first_s=1.0, most_s=60.0, locked_s=300.0)

    assert False is presence.check(0.5, last=None, failed=1, hopeless=True)
    assert 300.0 == backoff.wait_s(0, failure=CameraLocked())


def packets(path):
    with av.open(str(path)) as file:
        stream = file.streams.video[0]
        return [
            (bytes(one), float(one.pts * stream.time_base), one.is_keyframe) for one in file.demux(stream) if one.size
        ]


@pytest.fixture(scope="module")
def stream(tmp_path_factory):
    """Give the packets of half a minute as a camera sends them, a key frame every second."""
    return packets(write_clip(tmp_path_factory.mktemp("ring") / "walk.ts", seconds=30))


def filled(stream, *, seconds=4.0, most_bytes=1 << 24, track=H264):
    ring = Ring(track, seconds=seconds, most_bytes=most_bytes)
    for content, stamp_s, key in stream:
        ring.add(content, stamp_s, key=key)
    return ring


def shown(clip):
    with av.open(io.BytesIO(clip.content)) as file:
        return [frame.time for frame in file.decode(video=0)]


def test_a_clip_is_cut_around_the_event(stream):
    begins = stream[0][1]
    before = [one for one in stream if one[1] <= begins + 20]
    ring = filled(before, seconds=6.0)
    cutting = ring.cut(begins + 18.0, before_s=2.5, after_s=3.0)
    assert not cutting.ready.is_set()
    for content, stamp_s, key in stream[len(before) :]:
        ring.add(content, stamp_s, key=key)

    assert cutting.ready.is_set()
    clip = cutting.clip()
    times = shown(clip)
    assert 6.0 == pytest.approx(clip.seconds)  # from the key frame before
    assert 3.0 == pytest.approx(clip.event_s)
    assert 61 == len(times)
    assert np.allclose(np.diff(times), 0.1, atol=1e-3)


def test_a_connection_that_ends_ends_its_clips(stream):
    ring = filled(stream)
    cutting = ring.cut(stream[-1][1], before_s=2.0, after_s=60.0)
    ring.close()

    assert cutting.ready.is_set()
    assert 2.0 <= cutting.clip().seconds <= 3.0
    assert ring.cut(stream[-1][1], before_s=2.0, after_s=60.0).ready.is_set()


@given(st.integers(0, 2**32), st.floats(1.0, 20.0), st.integers(1000, 400_000))
def test_the_ring_keeps_no_more_than_it_may(seed, seconds, most_bytes):
    chance, ring = random.Random(seed), Ring(H264, seconds=seconds, most_bytes=most_bytes)
    at_s, longest_s, since_key_s = chance.uniform(-1e5, 1e5), 0.0, 0.0
    for number in range(400):
        stamp_s = None if chance.random() < 0.05 else at_s
        key = chance.random() < 0.1
        since_key_s = 0.0 if key else since_key_s + 0.2
        longest_s = max(longest_s, since_key_s)
        ring.add(b"\0" * chance.randrange(1, 60_000), stamp_s, key=key)
        at_s += chance.choice([0.04, 0.1, 0.2]) if chance.random() < 0.99 else chance.uniform(-100, 100)
        assert ring.bytes <= most_bytes, number
    kept = ring.cut(None, before_s=1e6, after_s=0.0)
    ring.close()
    stamps = [one.stamp_s for one in kept.parts if one.stamp_s is not None]

    assert (
        not stamps or max(stamps) - min(stamps) <= seconds + longest_s + 22.0
    )  # a jump of less than ten seconds is time
    assert sum(len(one.content) for one in kept.parts) <= most_bytes


def test_a_set_clock_does_not_stretch_the_clip(stream):
    late = [(content, stamp_s + 5000.0, key) for content, stamp_s, key in stream]
    clip = filled(stream + late, seconds=60.0).cut(late[-1][1], before_s=60.0, after_s=0.0).clip()

    assert 25.0 <= clip.seconds <= 30.0


def test_packets_without_stamps_are_timed_by_those_that_follow(stream):
    bare = [(content, None if number < 3 else stamp_s, key) for number, (content, stamp_s, key) in enumerate(stream)]
    clip = filled(bare, seconds=60.0).cut(stream[-1][1], before_s=60.0, after_s=0.0).clip()

    assert len(stream) == len(shown(clip))


def test_pictures_that_are_not_sent_in_order_are_shown_in_order(tmp_path):
    path = tmp_path / "b.ts"
    with av.open(str(path), "w") as file:
        out = file.add_stream("libx264", rate=10)
        out.width, out.height, out.pix_fmt = 320, 240, "yuv420p"
        out.options = {"x264-params": "keyint=20:bframes=3:b-adapt=0:log-level=none"}
        for number in range(60):
            pixels = np.full((240, 320, 3), number * 4, dtype=np.uint8)
            file.mux(out.encode(av.VideoFrame.from_ndarray(pixels, format="bgr24")))
        file.mux(out.encode())
    sent = packets(path)
    ring = filled(sent, seconds=60.0)
    cutting = ring.cut(sent[-1][1], before_s=60.0, after_s=1.0)
    ring.close()
    with av.open(io.BytesIO(cutting.clip().content)) as file:
        levels = [float(frame.to_ndarray(format="gray").mean()) for frame in file.decode(video=0)]

    assert [one[1] for one in sent] != sorted(one[1] for one in sent)
    assert 60 == len(levels)
    assert levels == sorted(levels)


def test_what_no_file_can_hold_is_no_clip_and_no_error():
    ring = Ring(Track(codec="rawvideo", width=2, height=2), seconds=5.0, most_bytes=1000)
    ring.add(b"nonsense", 1.0, key=True)
    broken = Ring(H264, seconds=5.0, most_bytes=1000)
    broken.add(b"nonsense", 1.0, key=True)

    for one in (ring, broken):
        clip = one.cut(1.0, before_s=5.0, after_s=0.0).clip()
        assert clip is None or clip.content


def test_the_newest_picture_waits_and_the_others_are_counted(tmp_path):
    def as_if_live(_source, *, stop, **_):
        yield from frames(Recording(path=path), every_s=0.0)
        stop.wait()

    path = write_clip(tmp_path / "walk.mp4", seconds=8)
    plan = Plan(camera="a", name="a", source=Stream(address=parse_address("rtsp://h/1")))
    over = threading.Event()
    reading = Reading(plan, backoff=Backoff(), clip_s=4.0, clip_bytes=1 << 20, placed=over.set, live_frames=as_if_live)
    reading.start()
    while reading.latest is None or reading.latest.at_s < 7.0:
        over.wait(0.1)
    reading.stop()
    reading.thread.join(5)

    assert 7.0 == reading.take().frame.at_s
    assert 7 == reading.dropped
    assert reading.take() is None


@pytest.mark.parametrize("wrong", [{"camera": ""}, {"pace_s": 0.1}, {"pace_s": float("nan")}, {"weight": 0.0}])
def test_a_plan_that_cannot_be_meant_is_refused(wrong):
    source = Stream(address=parse_address("rtsp://h/1"))
    with pytest.raises(ValueError):
        Plan(**({"camera": "a", "name": "a", "source": source} | wrong))


def test_a_plan_shows_no_password():
    source = Stream(address=parse_address("rtsp://h/1?token=t0ken", user="admin", password="s3cret@"))
    plan = Plan(camera="a", name="a", source=source)

    assert not [one for one in ("s3cret", "t0ken") if one in f"{plan}{plan!r}"]
