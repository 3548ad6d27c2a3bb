"""The front door: quick help, one plain line for whatever goes wrong, exit statuses that scripts can trust."""

import os
import subprocess
import sys

import pytest

import cli
from cli import run
from detector.errors import DetectorError

HEAVY = ("numpy", "cv2", "PIL", "onnxruntime", "supervision", "fastapi", "sqlalchemy", "nicegui", "pydantic", "yaml")


def test_help_imports_nothing_heavy():
    script = (
        "import sys, cli\n"
        "status = cli.run(['--help'])\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], status, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)

    assert "[] 0\n" == done.stderr
    assert "detect" in done.stdout


def test_help_answers_in_under_half_a_second(process):
    process("--help")  # the first run may have to compile
    took = []
    for _ in range(5):
        before = os.times()
        process("--help")
        after = os.times()  # processor time of the child, which a busy machine does not stretch much
        took.append(after.children_user + after.children_system - before.children_user - before.children_system)

    assert 0 < min(took) < 0.5


@pytest.mark.parametrize("arguments", [[], ["--help"], ["detect", "--help"]])
def test_help_goes_to_standard_output(process, arguments):
    done = process(*arguments)

    assert (0, b"") == (done.returncode, done.stderr)
    assert b"Usage: pointwatch" in done.stdout


def test_the_version_is_told(process):
    done = process("--version")

    assert 0 == done.returncode
    assert done.stdout.startswith(b"pointwatch ")


@pytest.mark.parametrize(
    "arguments",
    [
        ["fly"],
        ["detect"],
        ["detect", "--colour", "red", "x.jpg"],
        ["detect", "--format", "xml", "x.jpg"],
        ["detect", "--min-confidence", "1.5", "x.jpg"],
        ["detect", "--min-confidence", "nan", "x.jpg"],
        ["detect", "--min-confidence", "much", "x.jpg"],
        ["detect", "--threads", "0", "x.jpg"],
        ["detect", "--language", "fr", "x.jpg"],
        ["detect", "--save-dir", __file__, "x.jpg"],
    ],
    ids=" ".join,
)
def test_misuse_is_one_line_and_status_2(process, arguments):
    done = process(*arguments)

    assert (2, b"") == (done.returncode, done.stdout)
    assert 1 == done.stderr.count(b"\n")
    assert done.stderr.startswith(b"pointwatch: ")
    assert b"--help" in done.stderr


@pytest.fixture
def failing(monkeypatch):
    """Give a function that makes `pointwatch --version` raise."""

    def make(error):
        def fail():
            raise error

        monkeypatch.setattr(cli, "_version", fail)

    return make


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (DetectorError("The lens is dirty. Wipe it."), "pointwatch: The lens is dirty. Wipe it.\n"),
        (PermissionError(13, "Permission denied", "/srv/out"), "pointwatch: /srv/out: Permission denied.\n"),
        (FileNotFoundError("no such thing"), "pointwatch: no such thing\n"),
    ],
)
def test_a_failure_is_one_line_and_status_1(failing, capsys, error, told):
    failing(error)

    assert 1 == run(["--version"])
    assert told == capsys.readouterr().err


def test_the_services_own_errors_speak_for_themselves(failing, capsys):
    from api.errors import StreetError

    failing(StreetError("There is no point P99. Add it first."))

    assert 1 == run(["--version"])
    assert "pointwatch: There is no point P99. Add it first.\n" == capsys.readouterr().err


def test_a_fault_of_our_own_is_called_one_without_a_traceback(failing, capsys):
    failing(ZeroDivisionError("division by zero"))

    assert 1 == run(["--version"])
    message = capsys.readouterr().err
    assert 1 == message.count("\n")
    assert "a fault in Pointwatch itself (ZeroDivisionError: division by zero)" in message


def test_the_traceback_is_there_for_who_asks(failing, monkeypatch):
    failing(ZeroDivisionError("division by zero"))
    monkeypatch.setenv("POINTWATCH_DEBUG", "1")

    with pytest.raises(ZeroDivisionError):
        run(["--version"])


def test_interrupting_is_quiet(failing, capsys):
    failing(KeyboardInterrupt())

    assert 130 == run(["--version"])
    assert "" == capsys.readouterr().err
