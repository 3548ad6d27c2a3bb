"""`python -m benchmarks.camera_events`: events found, missed, doubled and made up on clips whose truth is known.

The clips are rendered: they say whether stays are told apart and timed rightly, not how well real cars are seen. The
street to judge on was not looked at while the watch was tuned; `--street tuning` has the one that was.
"""

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.streets import STREETS, Street, clips_of
from detector import Detector, read_taxonomy, shipped
from detector.cameras.events import Happening, Stay
from detector.cameras.replay import replay
from detector.cameras.source import Recording
from detector.cameras.watch import Watch
from detector.taxonomy import Taxonomy
from training.scenes.clips import Clip, Truth, write

EVERY_S = 2.0
ON_TIME_S = 5.0  # how late an event may be told after the rule was broken


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How a clip went."""

    clip: str
    found: int
    missed: list[Truth]
    doubled: int
    made_up: list[Stay]
    delays_s: list[float]  #: from when the rule was broken until it was reported, for each found
    ends_s: list[float]  #: by how much each found one's end was wrong
    trouble: list[str]  #: what was told of the camera itself
    trouble_is_right: bool
    frames: int
    looks: int

    @property
    def late(self) -> int:
        return sum(abs(one) > ON_TIME_S for one in self.delays_s)


@dataclass(slots=True)
class Sums:
    """All clips together."""

    true: int = 0
    found: int = 0
    late: int = 0
    missed: int = 0
    doubled: int = 0
    made_up: int = 0
    trouble_wrong: int = 0
    delays_s: list[float] = field(default_factory=list)

    def add(self, score: Score) -> None:
        self.true += score.found + len(score.missed)
        self.found += score.found
        self.late += score.late
        self.missed += len(score.missed)
        self.doubled += score.doubled
        self.made_up += len(score.made_up)
        self.trouble_wrong += not score.trouble_is_right
        self.delays_s += score.delays_s


def run(clip: Clip, path: Path, street: Street, detector: Detector, taxonomy: Taxonomy, *, every_s: float) -> Score:
    """Replay one clip and compare it with its truth."""
    watch = Watch(street.zones, taxonomy, detector.card)
    told: list[Happening] = []

    def happened(what: Happening, _at_s: float) -> None:
        told.append(what)

    stays = list(replay(Recording(path=path), watch, detector, every_s=every_s, happened=happened))
    return compare(clip, stays, told, watch)


def compare(clip: Clip, stays: Sequence[Stay], told: Sequence[Happening], watch: Watch) -> Score:
    """Give each stay to the truth it tells of: by a name that fits, in its zone, at the same time."""
    left, delays, ends, missed, doubled = list(stays), [], [], [], 0
    for truth in clip.truth:
        about = [one for one in left if one.code in truth.codes and one.zone == truth.zone and _meet(one, truth)]
        left = [one for one in left if one not in about]
        if not about:
            missed.append(truth)
            continue
        doubled += len(about) - 1
        delays.append(about[0].began_s - truth.due_s)
        ends.append(about[-1].last_s - min(truth.until_s, clip.seconds - 1))
    expected = [] if clip.befalls is None else [clip.befalls.trouble.told_as, "restored"]
    return Score(
        clip=clip.name,
        found=len(delays),
        missed=missed,
        doubled=doubled,
        made_up=left,
        delays_s=delays,
        ends_s=ends,
        trouble=[one.value for one in told],
        trouble_is_right=[one.value for one in told] == expected,
        frames=watch.figures.frames,
        looks=watch.figures.looks,
    )


def _meet(stay: Stay, truth: Truth) -> bool:
    return stay.since_s < truth.until_s and stay.last_s > truth.since_s


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.camera_events", description=__doc__)
    parser.add_argument("--street", choices=STREETS, default="judging")
    parser.add_argument("--every", type=float, default=EVERY_S, help="seconds between the frames that are taken up")
    parser.add_argument("clips", nargs="*", help="parts of clips' names; none means all")
    chosen = parser.parse_args()
    street = STREETS[chosen.street]
    detector, taxonomy = Detector.load(shipped("models/street")), read_taxonomy(shipped("datasets/taxonomy.yaml"))
    print("| clip | true | found | off time | missed | doubled | made up | delay, s | end, s | camera | looks |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    sums = Sums()
    with tempfile.TemporaryDirectory() as folder:
        for clip in clips_of(street):
            if chosen.clips and not any(part in clip.name for part in chosen.clips):
                continue
            path = write(clip, street.plates, Path(folder) / f"{clip.name.replace(' ', '_')}.mp4")
            score = run(clip, path, street, detector, taxonomy, every_s=chosen.every)
            path.unlink()
            sums.add(score)
            _print(score)
    print(
        f"| all | {sums.true} | {sums.found} | {sums.late} | {sums.missed} | {sums.doubled} | {sums.made_up} | "
        f"{_range(sums.delays_s)} | | {sums.trouble_wrong} wrong | |"
    )


def _print(score: Score) -> None:
    camera = ", ".join(score.trouble) + ("" if score.trouble_is_right else " (wrong)")
    print(
        f"| {score.clip} | {score.found + len(score.missed)} | {score.found} | {score.late} | {len(score.missed)} | "
        f"{score.doubled} | {len(score.made_up)} | {_listed(score.delays_s)} | {_listed(score.ends_s)} | "
        f"{camera or '-'} | {score.looks} of {score.frames} |",
        flush=True,
    )
    for one in score.made_up:
        print(f"    made up: {one.code} in {one.zone}, {one.since_s:.0f}-{one.last_s:.0f} s, {one.confidence:.2f}")
    for truth in score.missed:
        print(f"    missed: {truth.code} in {truth.zone}, {truth.since_s:.0f}-{truth.until_s:.0f} s")


def _listed(values: Sequence[float]) -> str:
    return " ".join(f"{one:+.0f}" for one in values) or "-"


def _range(values: Sequence[float]) -> str:
    return f"{min(values):+.0f} to {max(values):+.0f}" if values else "-"


if __name__ == "__main__":
    main()
