"""What an operator does beside the running service: points, keys, sign-in, settings."""

import re
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from cli import run
from tests.api.running import free_port
from tests.api.workbooks import csv_file, row, xlsx_file


@pytest.fixture
def office(
    model_folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., tuple[int, str, str]]:
    """Give a function that runs an operator's command on data of its own, in this process."""
    monkeypatch.setenv("POINTWATCH_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("POINTWATCH_MODEL_DIR", str(model_folder.absolute()))

    def run_here(*arguments: object) -> tuple[int, str, str]:
        capfd.readouterr()
        status = run([str(one) for one in arguments])
        return status, *capfd.readouterr()

    return run_here


@pytest.mark.parametrize(("name", "make"), [("p.csv", csv_file), ("p.xlsx", xlsx_file)])
def test_points_go_in_and_come_out(office, name, make, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(make(row("A1", name="翠宁社区"), row("A2", name="+86 号")))
    into = office("points", "import", tmp_path / name)
    out = office("points", "export", tmp_path / f"out-{name}")
    again = office("points", "import", tmp_path / f"out-{name}")

    assert (0, "2 created, 0 changed, 0 as they were\n", "") == into
    assert (0, f"2 points written to {tmp_path / f'out-{name}'}\n", "") == out
    assert (0, "0 created, 0 changed, 2 as they were\n", "") == again


def test_wrong_rows_are_told_one_a_line_and_nothing_is_imported(office, tmp_path: Path) -> None:
    file = tmp_path / "p.csv"
    file.write_bytes(csv_file(row("A1"), row("A2", latitude="north"), row("A 3")))
    status, _, said = office("points", "import", file)
    _, after, _ = office("points", "export", tmp_path / "out.csv")
    lines = said.splitlines()

    assert 1 == status
    assert lines[0].startswith(f"{file}: row 3, column latitude: ")
    assert lines[1].startswith(f"{file}: row 4, column code: ")
    assert lines[2].startswith("pointwatch: Nothing was imported: 2 problem(s)")
    assert after.startswith("0 points")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["points", "import", "nowhere.csv"], "nowhere.csv: No such file or directory."),
        (["points", "import", "letter.txt"], "must be called something.csv or something.xlsx"),
        (["points", "export", "points.pdf"], "must end in .csv or .xlsx"),
        (
            ["keys", "make", "x", "--role", "king"],
            "role: Input should be 'viewer', 'inspector'",
        ),
        (["keys", "revoke", "x"], "'x' is not the id of a key"),
        (["keys", "revoke", "00000000-0000-0000-0000-000000000000"], "There is no key"),
    ],
)
def test_what_cannot_be_done_is_one_plain_line(office, arguments, said, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "letter.txt").write_text("Dear Sir")
    status, out, told = office(*arguments)

    assert (1, "") == (status, out)
    assert 1 == len(told.splitlines())
    assert told.startswith("pointwatch: ")
    assert said in told


def test_a_key_is_made_listed_without_itself_and_revoked(office) -> None:
    _, made, _ = office("keys", "make", "前台", "--role", "viewer")
    key = made.strip()
    _, listed, _ = office("keys", "list")
    line = next(one for one in listed.splitlines() if "前台" in one)
    status, said, _ = office("keys", "revoke", line.split()[0])
    _, after, _ = office("keys", "list")

    assert re.fullmatch(r"pw_[\w-]{43}", key)
    assert "in use" in line
    assert key not in listed
    assert (0, f"{line.split()[0]} is revoked\n") == (status, said)
    assert "revoked 20" in next(one for one in after.splitlines() if "前台" in one)


def test_the_last_administrator_cannot_be_revoked(office) -> None:
    _, listed, _ = office("keys", "list")
    status, _, said = office("keys", "revoke", listed.split()[0])

    assert 1 == status
    assert "last key of an administrator" in said


def test_a_sign_in_link_carries_its_code_where_no_server_sees_it(office) -> None:
    status, said, _ = office("sign-in")

    assert 0 == status
    assert re.fullmatch(r"http://127\.0\.0\.1:8000/sign-in#code=[\w-]{32}\n", said)


def test_settings_are_shown_with_secrets_hidden(office, monkeypatch) -> None:
    monkeypatch.setenv("POINTWATCH_DATABASE_URL", "postgresql+psycopg://me:hunter2@db/pointwatch")
    monkeypatch.setenv("POINTWATCH_PORT", "8123")
    status, said, _ = office("config")

    assert 0 == status
    assert "hunter2" not in said
    assert "POINTWATCH_PORT=8123\n" in said
    assert "POINTWATCH_DATABASE_URL=****" in said


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("POINTWATCH_PORT", "eighty", "POINTWATCH_PORT: "),
        ("POINTWATCH_PORT", "0", "POINTWATCH_PORT: "),
        ("POINTWATCH_TIME_ZONE", "Mars", "POINTWATCH_TIME_ZONE: "),
        ("POINTWATCH_MAX_ATTEMPTS", "0", "POINTWATCH_MAX_ATTEMPTS: "),
        ("POINTWATCH_DATABASE_URL", "mysql://me:hunter2@db/x", "POINTWATCH_DATABASE_URL must be"),
        ("POINTWATCH_DATABASE_URL", "postgresql+psycopg://me:hunter2@127.0.0.1:1/x", "database cannot be used"),
        ("POINTWATCH_DATABASE_URL", "sqlite:////proc/nowhere/x.sqlite3", "/proc/nowhere"),
        ("POINTWATCH_MEDIA_URL", "nonsense://x", "POINTWATCH_MEDIA_URL cannot be used"),
        ("POINTWATCH_TAXONOMY", "/nowhere.yaml", "/nowhere.yaml"),
    ],
)
def test_a_setting_that_cannot_be_is_named_in_one_line(office, monkeypatch, name, value, said) -> None:
    monkeypatch.setenv(name, value)
    status, _, told = office("keys", "list")

    assert 1 == status
    assert said in told
    assert "hunter2" not in told
    assert "Traceback" not in told
    assert 1 == len(told.splitlines())


def test_the_administrators_key_is_left_for_this_user_alone(office, tmp_path: Path) -> None:
    office("keys", "list")
    file = tmp_path / "var" / "secrets" / "admin.key"

    assert 0o600 == stat.S_IMODE(file.stat().st_mode)
    assert file.read_text().startswith("pw_")


@pytest.mark.parametrize("command", [["serve"], ["demo", "--once"]])
def test_a_port_that_is_taken_is_said_plainly(process, command, model_folder: Path, tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = process(
            *command,
            POINTWATCH_PORT=str(port),
            POINTWATCH_DATA_DIR=str(tmp_path / "var"),
            POINTWATCH_MODEL_DIR=str(model_folder.absolute()),
        )

    assert 1 == done.returncode
    assert b"" == done.stdout
    assert (
        f"pointwatch: 127.0.0.1:{port} is taken by another program. "
        "Stop it, or choose another port with POINTWATCH_PORT." == done.stderr.decode().strip()
    )


def test_a_model_that_is_not_there_is_said_before_anything_listens(process, tmp_path: Path) -> None:
    done = process(
        "serve",
        POINTWATCH_PORT=str(free_port()),
        POINTWATCH_DATA_DIR=str(tmp_path / "var"),
        POINTWATCH_MODEL_DIR=str(tmp_path / "nothing"),
    )

    assert 1 == done.returncode
    assert done.stderr.decode().startswith("pointwatch: No model at ")
    assert 1 == len(done.stderr.splitlines())


def test_people_are_added_with_roles_and_a_first_password(office) -> None:
    status, first, told = office("users", "add", "Wang.Fang", "王芳", "--role", "secretary", "--community", "翠宁社区")
    granted = office("users", "grant", "wang.fang", "viewer")
    _, listed, _ = office("users", "list")
    taken = office("users", "revoke", "wang.fang", "secretary", "--community", "翠宁社区")
    shut = office("users", "deactivate", "wang.fang")
    _, after, _ = office("users", "list")
    again = office("users", "password", "wang.fang")

    assert 0 == status
    assert re.fullmatch(r"[a-z2-9]{5}-[a-z2-9]{5}-[a-z2-9]{5}\n", first)
    assert "good for one sign-in" in told
    assert (0, "wang.fang is viewer now\n") == granted[:2]
    assert "active    王芳: secretary (community 翠宁社区), viewer\n" in listed
    assert (0, "wang.fang is no longer secretary (community 翠宁社区)\n") == taken[:2]
    assert (0, "wang.fang is inactive now\n") == shut[:2]
    assert "inactive  王芳: viewer\n" in after
    assert first != again[1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["users", "add", "a b", "x"], "login: "),
        (["users", "add", "x", "x", "--role", "king"], "role: Input should be"),
        (["users", "add", "admin", "x"], "There is a user admin already"),
        (["users", "grant", "nobody", "viewer"], "There is no user 'nobody'"),
        (["users", "grant", "admin", "viewer", "--community", "a", "--point", "b"], "not several"),
        (["users", "revoke", "admin", "viewer"], "admin is not viewer"),
        (["users", "revoke", "admin", "admin"], "last administrator"),
        (["users", "deactivate", "admin"], "last administrator"),
        (["keys", "make", "x", "--permission", "fly"], "permissions.0: "),
    ],
)
def test_what_cannot_be_done_to_users_is_one_plain_line(office, arguments, said) -> None:
    status, out, told = office(*arguments)

    assert (1, "") == (status, out)
    assert 1 == len(told.splitlines())
    assert said in told
