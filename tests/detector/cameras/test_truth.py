"""One event for each real one, and none for a car that waits or passes: the watch on rendered streets."""

import json
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from benchmarks.streets import TUNING, shown, traffic
from cli import run
from detector.cameras.frame import Frame
from detector.cameras.view import Known, View, packed, unpacked
from detector.cameras.watch import Watch
from detector.cameras.zones import parse_zones
from detector.detect import Detector
from detector.installation import shipped
from tests.detector.cameras.rendered import SMALL, ZONES, began, watched
from tests.detector.models import card, found
from training.scenes.clips import EVERY_S, Befalls, Clip, Light, Trouble, frame_of

REAL = Path("../shared/video/car-detection.mp4")
PARKED = ("illegal_parking", "kerb")


def clip(*things, seconds=90, **how):
    """Give a clip with two plain bins and what else is said."""
    return Clip(name="test", seconds=seconds, shown=[shown("bins_clean", 0, seconds), *things], **how)


@pytest.mark.parametrize("every_s", [8, 10, 14])
def test_like_cars_that_pass_one_after_another_are_no_parked_car(taxonomy, every_s):
    told = watched(clip(*traffic(TUNING, 2, 110, every_s), seconds=110), taxonomy)

    assert [] == told


@pytest.mark.parametrize("light", [Light.day, Light.infrared])
def test_like_cars_that_wait_in_turn_are_no_parked_car(taxonomy, light):
    queue = [
        shown("lane_3", at, at + 15, aside) for at, aside in ((5, (0, 0)), (22, (2, 1)), (39, (-1, 2)), (56, (3, 0)))
    ]

    assert [] == watched(clip(*queue, light=light), taxonomy)


def test_a_car_that_takes_the_place_of_another_is_told_of_by_itself(taxonomy):
    told = watched(clip(shown("parked_1", 4, 40), shown("parked_1_other", 43, 90)), taxonomy)

    assert [PARKED, PARKED] == began(told)
    assert [24.0, 64.0] == [at_s for what, *_, at_s in told if what == "began"]
    (ended,) = [at_s for what, *_, at_s in told if what == "ended"]
    assert 46 <= ended <= 58  # some looks after second 40


def test_a_parked_car_that_is_overlooked_and_hidden_stays_one_event(taxonomy):
    van = [shown("white_1", 40, 52)]  # stops in front of it
    overlooked = range(56, 90, 4)
    told = watched(clip(shown("parked_2", 4, 90), *van), taxonomy, overlooks=overlooked)

    assert [PARKED] == began(told)
    assert 1 == len(told)


@pytest.mark.parametrize("light", [Light.day, Light.dusk, Light.infrared])
def test_boxes_left_on_the_pavement_are_one_event_in_time_and_gone_when_taken_away(taxonomy, light):
    left = clip(shown("cartons", 24, 30), shown("cartons", 40, 80), seconds=110, light=light)
    (told, gone) = watched(left, taxonomy)

    assert ("began", "clutter", "pavement") == told[:3]
    assert 52 <= told[3] <= 57
    assert ("ended", "clutter", "pavement") == gone[:3]


def test_neither_the_shadow_of_a_parked_car_nor_what_was_taken_away_is_something_left(taxonomy):
    for light in (Light.day, Light.infrared):
        told = watched(clip(shown("cartons", 0, 40), shown("parked_1", 30, 90), light=light), taxonomy)

        assert [PARKED] == began(told)


def test_a_full_bin_that_is_rather_called_garbage_is_told_where_only_full_bins_count(taxonomy):
    names = {"bins_full": [("exposed_garbage", 0.8), ("overflowing_bin", 0.6)]}
    bins = Clip(name="test", seconds=70, shown=[shown("bins_clean", 0, 20), shown("bins_full", 20, 70)])

    assert [("overflowing_bin", "bins")] == began(watched(bins, taxonomy, named=names))


def test_a_bin_that_is_rather_called_a_plain_one_is_no_full_one(taxonomy):
    names = {"bins_clean": [("trash_bin", 0.8), ("overflowing_bin", 0.6)]}

    assert [] == watched(clip(seconds=60), taxonomy, named=names)


@pytest.mark.parametrize("light", [Light.day, Light.infrared])
@pytest.mark.parametrize(
    ("trouble", "says"), [(Trouble.turned, "moved"), (Trouble.nudged, "moved"), (Trouble.covered, "covered")]
)
def test_a_camera_in_trouble_says_so_once_and_keeps_what_it_has_seen(taxonomy, light, trouble, says):
    troubled = clip(
        shown("parked_1", 2, 120), seconds=120, light=light, befalls=Befalls(trouble=trouble, since_s=40, until_s=80)
    )
    told = watched(troubled, taxonomy)

    assert [("began", *PARKED), (says,), ("restored",)] == [one[:-1] for one in told]
    assert told[1][-1] <= 56  # three looks, five seconds apart, after the first
    assert told[2][-1] <= 96


@pytest.mark.parametrize("light", [Light.day, Light.infrared])
def test_what_was_moved_while_nobody_watched_is_noticed_by_what_was_remembered(taxonomy, light):
    street = clip(seconds=60, light=light)
    moved = replace(street, befalls=Befalls(trouble=Trouble.nudged, since_s=0, until_s=30))
    _, known = remembered(street, taxonomy)
    kept = Known(view=known.view, edges={night: unpacked(packed(one)) for night, one in known.edges.items()})

    assert [] == remembered(street, taxonomy, kept)[0]
    assert ["moved", "restored"] == remembered(moved, taxonomy, kept)[0]
    assert ["restored"] == remembered(moved, taxonomy, replace(kept, view=View.moved))[0]  # told before
    assert ["moved"] == remembered(moved, taxonomy)[0]  # who knows nothing takes the first picture for right


def test_what_was_remembered_by_another_version_is_nothing():
    assert unpacked(b"no picture") is None
    assert unpacked(packed(np.zeros((10, 10), np.float32))) is None


def remembered(clip, taxonomy, known=None):
    """Give what a watch tells of its camera, and what it remembers in the end."""
    watch, told = Watch(parse_zones(ZONES), taxonomy, card(), known=known), []
    for second in range(0, clip.seconds, EVERY_S):
        pixels = frame_of(clip, TUNING.plates, second)[:, :, ::-1].copy()
        frame = Frame(pixels=pixels, width=pixels.shape[1], height=pixels.shape[0], at_s=float(second))
        told += watch.see(frame, found()) if watch.wants(frame) else watch.pass_by(frame)
    return [one.what.value for one in told if one.stay is None], watch.known


def test_a_crowd_of_vehicles_is_no_camera_that_was_moved(taxonomy):
    cars = [shown(one, 20, 90) for one in ("parked_0", "parked_1", "parked_2", "lane_0", "lane_2", "lane_4")]
    told = watched(clip(*cars), taxonomy)

    assert {"began"} == {one[0] for one in told}


def test_wind_and_rain_make_no_events_and_hide_none(taxonomy):
    parked = clip(shown("parked_1", 4, 90), *traffic(TUNING, 2, 90, 14), rain=True, shake_px=1.5)

    assert [PARKED] == began(watched(parked, taxonomy))


def test_the_replay_of_a_clip_tells_its_truth_and_nothing_else(tmp_path, capsys):
    zones = tmp_path / "zones.yaml"
    zones.write_text(ZONES)

    assert 0 == run(["replay", str(SMALL), "--zones", str(zones), "--every", "2", "--format", "jsonl"])
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(*PARKED, 10.0, 44.0), (*PARKED, 50.0, 78.0)] == [
        (one["class"], one["zone"], one["start"], one["end"]) for one in told
    ]
    assert [30.0, 70.0] == [one["reported"] for one in told]


@pytest.fixture(scope="module")
def real_looks():
    """Give the shipped model's card and what it finds in a real clip of a road, each second: [(frame, detections)]."""
    if not REAL.exists():
        pytest.skip(f"no real clip to watch: {REAL} is not given away with the project")
    detector, looks, at_s = Detector.load(shipped("models/street")), [], 0.0
    with av.open(str(REAL)) as file:
        for one in file.decode(video=0):
            if one.time >= at_s:
                at_s += 1.0
                pixels = one.to_ndarray(format="bgr24")
                frame = Frame(pixels=pixels, width=one.width, height=one.height, at_s=float(one.time))
                looks.append((frame, detector.detect(frame, min_confidence=0.1)))
    return detector.card, looks


@pytest.mark.parametrize("dwell_s", [5, 10, 30])
def test_real_cars_that_drive_through_are_none_of_them_parked(taxonomy, real_looks, dwell_s):
    card, looks = real_looks
    assert 10 <= sum(len(found) for _, found in looks)
    everywhere = (
        f"zones: [{{name: all, kind: no_parking, dwell: {dwell_s}, polygon: [[0, 0], [1, 0], [1, 1], [0, 1]]}}]"
    )
    for gated in (True, False):
        watch = Watch(parse_zones(everywhere), taxonomy, card, gated=gated)
        told = []
        for frame, seen in looks:
            sure = seen[seen.confidence >= watch.min_confidence]
            told += watch.see(frame, sure) if watch.wants(frame) else watch.pass_by(frame)

        assert [] == told
