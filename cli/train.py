"""`pointwatch train`: from labelled pictures to a version of the model that has been judged. Needs torch.

Nothing heavy is imported up here, so that `pointwatch --help` answers at once.
"""

import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.models import open_registry, steps

if TYPE_CHECKING:
    from training.candidate import Outcome
    from training.reviewed import Counted, Terms

Tell = Callable[[str, int, int], None]

REPORT_EVERY_S = 1.0  # so that a report never costs what it reports
NEEDED = ("torch", "ultralytics", "onnxslim")
OWN = ("api", "cli", "detector", "training")


def command(
    start: Annotated[
        str | None,
        typer.Option("--from", metavar="VERSION", help="Go on from this version (CURRENT: the one in force)."),
    ] = None,
    add: Annotated[
        list[Path] | None,
        typer.Option(
            help="New labelled pictures (YOLO, COCO, VOC, Label Studio, or what `data import` made); with --from."
        ),
    ] = None,
    reviewed_since: Annotated[
        str | None,
        typer.Option(
            metavar="DATE|last",
            help="Learn what reviewers decided since a day, a moment, or the last training that was accepted.",
        ),
    ] = None,
    classes: Annotated[
        Path | None,
        typer.Option(help="YAML: which of the added classes is which of ours, if they are named otherwise."),
    ] = None,
    replay: Annotated[
        list[Path] | None,
        typer.Option(help="Sets that earlier trainings added: old pictures that are learned again too."),
    ] = None,
    licence: Annotated[str, typer.Option(help="On which terms the added pictures may be used.")] = "own photographs",
    attribution: Annotated[str, typer.Option(help="Whose pictures and labels they are.")] = "this installation",
    recipe: Annotated[
        Path | None, typer.Option(help="The recipe; training/street.yaml by default, with --from training/update.yaml.")
    ] = None,
    replay_share: Annotated[
        float | None, typer.Option(min=0, help="Old pictures for each new one; with --from.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, max=1000, help="Rounds over the pictures; with --from.")] = None,
    hours: Annotated[float | None, typer.Option(min=0.01, help="End the learning in time; with --from.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, max=256, help="Processor threads; measured by default.")] = None,
    promote: Annotated[bool, typer.Option(help="Put the new version in force if it proves itself better.")] = True,
    report: Annotated[
        Path | None, typer.Option(help="Keep progress and outcome in this file, as JSON, for who started it.")
    ] = None,
) -> int:
    """Train a version, measure it, compare it with the one in force; the exit status is 1 if it was rejected.

    The same command goes on where an interrupted one stopped. With --from and --add, new pictures are learned together
    with old ones, so that nothing is forgotten. With --reviewed-since the new pictures are those that reviewers judged.
    """
    _need_training()
    if bool(start) != bool(add) and not reviewed_since:
        raise typer.BadParameter(
            "--from and --add belong together: a version to go on from, and pictures it has not seen."
        )
    with _missing_named():
        from cli.model_tables import verdict_page
        from detector.verdict import Decision
        from training.ground_up import learn_all
        from training.job import Added, Learning, learn_on, only_one
        from training.places import TrainingError
        from training.recipe import CONFIG as STREET
        from training.recipe import read_recipe
        from training.reviewed import Terms, learned_sets, note_outcome
        from training.update import CONFIG as UPDATE
        from training.update import read_update

    registry, taxonomy = open_registry()
    with _missing_named(), only_one(), steps(lines=True) as shown, _reporting(report, shown) as (tell, note):
        if start or reviewed_since:
            version = registry.current() if start in (None, "CURRENT") else start
            if version is None:
                raise TrainingError(f"{registry.folder}: no version is in force; name one with --from.")
            reviewed = None
            if reviewed_since:
                reviewed = _reviewed_set(reviewed_since, Terms(licence=licence, attribution=attribution), tell)
                if reviewed is None and not add:
                    note(nothing_new=True)
                    return 0
            folders = [*([reviewed] if reviewed else []), *(add or [])]
            wanted = {key: value for key, value in (("replay", replay_share), ("epochs", epochs)) if value is not None}
            asked = Learning(
                start=version,
                added=[Added(folder=one, licence=licence, attribution=attribution, classes=classes) for one in folders],
                update=read_update(recipe or UPDATE).model_copy(update=wanted),
                hours=hours,
                threads=threads,
                replay=[*(replay or []), *((one.folder for one in learned_sets()) if reviewed else ())],
            )
            outcome = learn_on(asked, registry, taxonomy, tell)
            if reviewed and outcome.verdict:
                note_outcome(reviewed, outcome.version, outcome.verdict.decision)
        else:
            outcome = learn_all(read_recipe(recipe or STREET), threads, registry, taxonomy, tell)
        print(f"{outcome.version} is in the registry: {outcome.folder}")
        note(**_told(outcome))
        if outcome.verdict is None:
            print("No other version is in force to compare it with; `pointwatch models promote` puts it in force.")
            return 0
        verdict_page(outcome.version, outcome.verdict)
        if outcome.verdict.decision is Decision.rejected:
            return 1
        if promote and registry.promote(outcome.version, taxonomy, why="pointwatch train") is not None:
            print(f"{outcome.version} is in force; a running service follows within seconds.")
            note(in_force=True)
    return 0


def _reviewed_set(since: str, terms: "Terms", tell: Tell) -> Path | None:
    """Give the next data set version out of the service's verdicts; None where there is nothing new, which is said."""
    from api.review.exporting import export_decided
    from cli.office import open_office
    from training.places import work_dir
    from training.reviewed import learned_until, next_set

    if since == "last":
        until = learned_until()
        since = until.isoformat() if until else ""
    export = work_dir() / "reviewed-export"  # the lock of the work folder makes it ours
    shutil.rmtree(export, ignore_errors=True)
    context = open_office()
    try:
        written = export_decided(context, export, since)
    finally:
        context.database.close()
    made, counted = next_set(export, terms, tell)
    shutil.rmtree(export)
    if made is None:
        print(
            f"Nothing new to learn: {written.pictures} reviewed pictures, {counted.unchanged} of them learned already."
        )
        return None
    print(f"{made.name}: {_counts(counted)}. {made.folder}")
    return made.folder


def _counts(counted: "Counted") -> str:
    parts = ", ".join(f"{counted.pictures[part]} {part}" for part in ("train", "dev", "val"))
    told = [f"{counted.pictures.total()} reviewed pictures ({parts})", f"{counted.removed} removed boxes to unlearn"]
    if counted.unchanged:
        told.append(f"{counted.unchanged} learned before left out")
    if counted.unknown:
        told.append(
            "boxes that the model has no class for: "
            + ", ".join(f"{count} {name}" for name, count in sorted(counted.unknown.items()))
        )
    return "; ".join(told)


def _told(outcome: "Outcome") -> dict[str, object]:
    verdict = outcome.verdict
    return {
        "version": outcome.version,
        "verdict": verdict.model_dump(mode="json") if verdict else None,
        "in_force": False,
    }


@contextmanager
def _reporting(file: Path | None, shown: Tell) -> Iterator[tuple[Tell, Callable[..., None]]]:
    """Give a function that hears of steps and one that notes an outcome; both leave it in `file`, whole at any time.

    At the end of a training, whatever came of it, the file says `ended`: one that was killed or failed does not.
    """
    from detector.durable import write_whole

    said: dict[str, object] = {}
    last = 0.0

    def write() -> None:
        if file is not None:
            write_whole(file, json.dumps(said, ensure_ascii=False))

    def tell(step: str, done: int, total: int) -> None:
        nonlocal last
        shown(step, done, total)
        new = said.get("step") != step
        said.update(step=step, done=done, of=total)
        if new or time.monotonic() - last >= REPORT_EVERY_S:
            last = time.monotonic()
            write()

    def note(**facts: object) -> None:
        said.update(facts)
        write()

    yield tell, note
    note(ended=True)


@contextmanager
def _missing_named() -> Iterator[None]:
    """Say how to mend an environment that was made for an older Pointwatch and lacks a package.

    Raises:
        typer.BadParameter: a package that is not our own cannot be imported.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in OWN:
            raise
        raise typer.BadParameter(
            f"The environment at {sys.prefix} lacks {error.name}: it was made for an older Pointwatch. "
            "Bring it up to date: `make .venv-train/made`, or pip install --upgrade 'pointwatch[train]'."
        ) from error


def _need_training() -> None:
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise typer.BadParameter(
            f"Training needs {', '.join(missing)}, which serving does without. Install it beside Pointwatch: "
            "`make .venv-train/made`, then .venv-train/bin/pointwatch train; or pip install 'pointwatch[train]'."
        )
