"""`python -m benchmarks.camera_events`: events found, missed, doubled and made up on clips whose truth is known.

The clips are rendered: they say whether stays are told apart and timed rightly, not how well real cars are seen.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.streets import CLIPS, plates, zones
from detector import Detector, read_taxonomy, shipped
from detector.cameras.events import Stay
from detector.cameras.replay import replay
from detector.cameras.source import Recording
from detector.cameras.watch import Watch
from detector.taxonomy import Taxonomy
from training.scenes.clips import Clip, Truth, write

EVERY_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How a clip went."""

    found: int
    missed: list[Truth]
    doubled: int
    made_up: list[Stay]
    delays_s: list[float]  #: from when the rule was broken until it was reported, for each found
    ends_s: list[float]  #: by how much each found one's end was wrong
    frames: int
    looks: int


def run(clip: Clip, path: Path, detector: Detector, taxonomy: Taxonomy, *, every_s: float) -> Score:
    """Replay one clip and compare it with its truth."""
    watch = Watch(zones(), taxonomy, detector.card)
    stays = list(replay(Recording(path=path), watch, detector, every_s=every_s))
    return compare(clip, stays, watch)


def compare(clip: Clip, stays: Sequence[Stay], watch: Watch) -> Score:
    """Give each stay to the truth it tells of: the same class and zone, at the same time."""
    left, delays, ends, missed, doubled = list(stays), [], [], [], 0
    for truth in clip.truth:
        about = [one for one in left if (one.code, one.zone) == (truth.code, truth.zone) and _meet(one, truth)]
        left = [one for one in left if one not in about]
        if not about:
            missed.append(truth)
            continue
        doubled += len(about) - 1
        delays.append(about[0].began_s - truth.due_s)
        ends.append(about[-1].last_s - min(truth.until_s, clip.seconds - 1))
    return Score(
        found=len(delays),
        missed=missed,
        doubled=doubled,
        made_up=left,
        delays_s=delays,
        ends_s=ends,
        frames=watch.figures.frames,
        looks=watch.figures.looks,
    )


def _meet(stay: Stay, truth: Truth) -> bool:
    return stay.since_s < truth.until_s and stay.last_s > truth.since_s


def main() -> None:
    """Print the table."""
    detector, taxonomy, street = (
        Detector.load(shipped("models/street")),
        read_taxonomy(shipped("datasets/taxonomy.yaml")),
        plates(),
    )
    print(
        f"{'clip':20} {'true':>4} {'found':>5} {'missed':>6} {'double':>6} {'made up':>7}  "
        f"{'delay s':12} {'end s':12} looks"
    )
    with tempfile.TemporaryDirectory() as folder:
        for clip in CLIPS:
            path = write(clip, street, Path(folder) / f"{clip.name.replace(' ', '_')}.mp4")
            score = run(clip, path, detector, taxonomy, every_s=EVERY_S)
            print(
                f"{clip.name:20} {len(clip.truth):4} {score.found:5} {len(score.missed):6} {score.doubled:6} "
                f"{len(score.made_up):7}  {_listed(score.delays_s):12} {_listed(score.ends_s):12} "
                f"{score.looks} of {score.frames}",
                flush=True,
            )
            for one in score.made_up:
                print(
                    f"    made up: {one.code} in {one.zone}, {one.since_s:.0f}-{one.last_s:.0f} s, {one.confidence:.2f}"
                )
            for truth in score.missed:
                print(f"    missed: {truth.code} in {truth.zone}, {truth.since_s:.0f}-{truth.until_s:.0f} s")


def _listed(values: Sequence[float]) -> str:
    return " ".join(f"{one:+.0f}" for one in values) or "-"


if __name__ == "__main__":
    main()
