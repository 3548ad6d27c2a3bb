"""`pointwatch train`: from labelled pictures to a version of the model that has been judged. Needs torch.

Nothing heavy is imported up here, so that `pointwatch --help` answers at once.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from cli.models import open_registry, steps

NEEDED = ("torch", "ultralytics", "onnxslim")


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
) -> int:
    """Train a version, measure it, compare it with the one in force; the exit status is 1 if it was rejected.

    The same command goes on where an interrupted one stopped. With --from and --add, new pictures are learned together
    with old ones, so that nothing is forgotten.
    """
    _need_training()
    if bool(start) != bool(add):
        raise typer.BadParameter(
            "--from and --add belong together: a version to go on from, and pictures it has not seen."
        )
    from cli.model_tables import verdict_page
    from detector.verdict import Decision
    from training.job import Added, Learning, learn_all, learn_on, only_one
    from training.places import TrainingError
    from training.recipe import CONFIG as STREET
    from training.recipe import read_recipe
    from training.update import CONFIG as UPDATE
    from training.update import read_update

    registry, taxonomy = open_registry()
    with only_one(), steps(lines=True) as tell:
        if start:
            version = registry.current() if start == "CURRENT" else start
            if version is None:
                raise TrainingError(f"{registry.folder}: no version is in force; name one with --from.")
            wanted = {key: value for key, value in (("replay", replay_share), ("epochs", epochs)) if value is not None}
            asked = Learning(
                start=version,
                added=[
                    Added(folder=one, licence=licence, attribution=attribution, classes=classes) for one in add or []
                ],
                update=read_update(recipe or UPDATE).model_copy(update=wanted),
                hours=hours,
                threads=threads,
                replay=replay or [],
            )
            outcome = learn_on(asked, registry, taxonomy, tell)
        else:
            outcome = learn_all(read_recipe(recipe or STREET), threads, registry, taxonomy, tell)
    print(f"{outcome.version} is in the registry: {outcome.folder}")
    if outcome.verdict is None:
        print("No other version is in force to compare it with; `pointwatch models promote` puts it in force.")
        return 0
    verdict_page(outcome.version, outcome.verdict)
    if outcome.verdict.decision is Decision.rejected:
        return 1
    if promote and registry.promote(outcome.version, taxonomy, why="pointwatch train") is not None:
        print(f"{outcome.version} is in force; a running service follows within seconds.")
    return 0


def _need_training() -> None:
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise typer.BadParameter(
            f"Training needs {', '.join(missing)}, which serving does without. Install it beside Pointwatch: "
            "`make .venv-train/made`, then .venv-train/bin/pointwatch train; or pip install 'pointwatch[train]'."
        )
