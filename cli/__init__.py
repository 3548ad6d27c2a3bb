"""The command `pointwatch`: a thin front door over the rooms. Heavy modules are imported by the commands that run.

`main` is the process edge: whatever goes wrong below ends here as one plain line on stderr and an exit status,
1 for a failure and 2 for misuse. `POINTWATCH_DEBUG=1` shows the traceback instead.
"""

import os
import sys
import warnings
from collections.abc import Sequence
from typing import Annotated

import typer

from cli import (
    audit,
    cameras,
    data,
    demo,
    detect,
    labels,
    messages,
    models,
    office,
    patrols,
    replay,
    reports,
    routing,
    serve,
    standards,
    train,
    users,
)

FAILURE = 1
INTERRUPTED = 130  # 128 + SIGINT, as shells count


def build_app() -> typer.Typer:
    """Give the command with all its subcommands."""
    app = typer.Typer(name="pointwatch", add_completion=False, rich_markup_mode=None)
    app.callback(invoke_without_command=True)(_pointwatch)
    app.command("demo")(demo.command)
    app.command("detect")(detect.command)
    app.command("replay")(replay.command)
    app.command("serve")(serve.command)
    app.command("web")(serve.web)
    app.command("worker")(serve.worker)
    app.command("sign-in")(office.sign_in)
    app.command("config")(office.config)
    app.command("register")(reports.register)
    app.add_typer(reports.bulletin, name="bulletin")
    app.add_typer(reports.talks, name="talks")
    app.add_typer(office.points, name="points")
    app.add_typer(office.posts, name="posts")
    app.add_typer(routing.app, name="routing")
    app.add_typer(patrols.app, name="patrols")
    app.add_typer(standards.app, name="standards")
    app.add_typer(users.users, name="users")
    app.add_typer(users.keys, name="keys")
    app.add_typer(cameras.app, name="cameras")
    app.add_typer(audit.app, name="audit")
    app.add_typer(messages.webhooks, name="webhooks")
    app.add_typer(messages.clocks, name="clocks")
    app.command("train")(train.command)
    app.add_typer(models.app, name="models")
    app.add_typer(data.app, name="data")
    app.add_typer(labels.app, name="labels")
    return app


def _pointwatch(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False,
) -> None:
    """Watch a city's points: photos go in, one open issue per point and kind of violation comes out."""
    if version:
        print(f"pointwatch {_version()}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("pointwatch")
    except PackageNotFoundError:  # run from a checkout that nobody installed
        return "(not installed)"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and leave the process with its exit status."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line `arguments` (those of the process by default) and give the exit status."""
    # Pillow warns of odd EXIF and of large pictures; what matters of it comes back as an error of our own.
    warnings.filterwarnings("ignore", module=r"PIL\b")
    command = typer.main.get_command(build_app())
    try:
        status = command.main(arguments, prog_name="pointwatch", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else the interpreter's own flush complains
        return FAILURE
    except KeyboardInterrupt:
        return INTERRUPTED
    except typer.TyperException as error:  # an unknown option, a value out of range: Typer's own words
        _tell(f"{error.format_message()} See pointwatch --help.")
        return error.exit_code
    except Exception as error:
        if os.environ.get("POINTWATCH_DEBUG") == "1":
            raise
        _tell(_in_words(error))
        return FAILURE
    return status if isinstance(status, int) else 0


def _tell(message: str) -> None:
    print(f"pointwatch: {message}", file=sys.stderr)


def _in_words(error: Exception) -> str:
    """Say what went wrong: our own errors speak for themselves, the others need a word around them."""
    from detector.errors import DetectorError

    ours: list[type[Exception]] = [DetectorError]
    if service := sys.modules.get("api.errors"):  # loaded only if the command came that far
        ours.append(service.StreetError)
    if training := sys.modules.get("training.places"):
        ours.append(training.TrainingError)
    if isinstance(error, tuple(ours)):
        return str(error)
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}." if error.filename and error.strerror else str(error)
    what = f"{type(error).__name__}: {error}"
    return f"a fault in Pointwatch itself ({what}). Please report it; POINTWATCH_DEBUG=1 shows where it happened."
