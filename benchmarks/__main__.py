"""`make bench`: time per photo of `pointwatch detect`'s pipeline against Ultralytics' own `predict`, in one run."""

import argparse
import multiprocessing
import os
import platform
import statistics
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.contestants import Round, Task, serve_pointwatch, serve_ultralytics, with_metadata
from benchmarks.pictures import describe, find_scenes, make_sets
from detector import Card, read_card, shipped
from detector.card import find_version

OURS, THEIRS = "pointwatch", "ultralytics"


@dataclass(slots=True, kw_only=True)
class Contestant:
    """A process that looks at folders when asked to."""

    name: str
    process: multiprocessing.process.BaseProcess
    pipe: Connection

    def look_at(self, folder: Path) -> Round:
        """Give one round; nothing else of this benchmark runs meanwhile."""
        self.pipe.send(folder)
        answer: Round = self.pipe.recv()
        return answer


def start(name: str, serve: Callable[[Task, Connection], None], task: Task) -> Contestant:
    """Start a process and wait until its model is loaded."""
    ours, its = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(task, its), daemon=True)
    process.start()
    its.close()
    ours.recv()
    return Contestant(name=name, process=process, pipe=ours)


def measure(contestants: list[Contestant], sets: dict[str, Path], rounds: int) -> dict[tuple[str, str], list[Round]]:
    """Let the contestants take turns, first one first, then the other first; one uncounted round each to warm up."""
    taken: dict[tuple[str, str], list[Round]] = {}
    for name, folder in sets.items():
        for number in range(rounds + 1):
            for contestant in contestants if number % 2 else contestants[::-1]:
                result = contestant.look_at(folder)
                if number:
                    taken.setdefault((name, contestant.name), []).append(result)
    return taken


def milliseconds(rounds: list[Round]) -> list[float]:
    """Give the time per photo of each round."""
    return [1000 * one.seconds / one.photos for one in rounds]


def report(taken: dict[tuple[str, str], list[Round]], sets: dict[str, Path], names: list[str]) -> None:
    """Print a table for each set: median and range per photo, what of it is not the model, and the ratios."""
    for place, folder in sets.items():
        print(f"\n{place} ({describe(folder)})")
        print(f"  {'':<18}{'ms per photo':>14}{'min-max':>16}{'model ms':>10}{'not model':>11}{'boxes':>7}")
        for name in names:
            rounds = taken[place, name]
            times = milliseconds(rounds)
            model = statistics.median(1000 * one.model_seconds / one.photos for one in rounds)
            beside = statistics.median(1 - one.model_seconds / one.seconds for one in rounds)
            span = f"{min(times):.1f}-{max(times):.1f}"
            print(
                f"  {name:<18}{statistics.median(times):>14.1f}{span:>16}{model:>10.1f}{beside:>10.0%} "
                f"{rounds[0].boxes:>7}"
            )
        for rival in names[1:]:
            pairs = zip(milliseconds(taken[place, OURS]), milliseconds(taken[place, rival]), strict=True)
            ratios = [theirs / ours for ours, theirs in pairs]
            print(
                f"  {rival} takes {statistics.median(ratios):.2f} times as long as {OURS} "
                f"(each round against its neighbour: {min(ratios):.2f}-{max(ratios):.2f})"
            )


def machine(threads: int) -> str:
    """Describe where this ran."""
    described = Path("/proc/cpuinfo")
    lines = described.read_text().splitlines() if described.exists() else []
    processor = next((line.split(": ", 1)[1] for line in lines if line.startswith("model name")), platform.machine())
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    packages = ", ".join(f"{one} {version(one)}" for one in ("onnxruntime", "ultralytics", "torch", "pillow"))
    return (
        f"{processor}, {os.cpu_count()} cores seen, {threads} threads for the model, load before the start {load}\n"
        f"Python {platform.python_version()}, {packages}"
    )


def read_arguments() -> argparse.Namespace:
    """Give the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--photos", type=Path, help="folder of scenes; the demo's by default")
    parser.add_argument("--count", type=int, default=12, help="scenes to take from it (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=7, help="counted rounds of each (default: %(default)s)")
    parser.add_argument(
        "--threads", type=int, default=len(os.sched_getaffinity(0)), help="for the model; all by default"
    )
    parser.add_argument("--model", type=Path, help="model folder; the shipped one by default")
    parser.add_argument("--pt", type=Path, help="the same weights as a .pt checkpoint: a third contestant, with torch")
    return parser.parse_args()


def main() -> None:
    """Run the benchmark."""
    chosen = read_arguments()
    folder = find_version(chosen.model or Path(os.environ.get("POINTWATCH_MODEL_DIR") or shipped("models/street")))
    card: Card = read_card(folder)
    scenes = find_scenes(chosen.photos or shipped("datasets/demo/photos"), chosen.count)
    print(machine(chosen.threads))
    print(f"Model {card.name}/{card.version} at {card.model.input_px} px, {len(scenes)} scenes, {chosen.rounds} rounds")
    with tempfile.TemporaryDirectory() as room:
        weights = with_metadata(
            folder / card.model.file,
            [one.name for one in card.classes],
            card.model.input_px,
            card.model.stride,
            Path(room) / "model.onnx",
        )
        sets = make_sets(scenes, Path(room) / "photos")
        task = Task(model=folder, weights=weights, input_px=card.model.input_px, threads=chosen.threads)
        contestants = [start(OURS, serve_pointwatch, task), start(THEIRS, serve_ultralytics, task)]
        if chosen.pt:
            with_torch = Task(model=folder, weights=chosen.pt, input_px=task.input_px, threads=task.threads)
            contestants.append(start(f"{THEIRS} torch", serve_ultralytics, with_torch))
        taken = measure(contestants, sets, chosen.rounds)
        report(taken, sets, [one.name for one in contestants])
        for one in contestants:
            one.pipe.send(None)
            one.process.join(10)


if __name__ == "__main__":
    main()
