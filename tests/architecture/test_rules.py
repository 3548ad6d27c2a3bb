"""Rules of the house, each of them a test."""

import ast
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from api.errors import StreetError
from detector import Taxonomy
from tests.architecture.source import ROOT, functions, modules, name_of

MOST_LINES = 420
TRAINING_ONLY = {"torch", "torchvision", "ultralytics", "bpy", "label-studio-sdk"}
CATCH_ALL = {  # the job loop, and the process edge
    ("api/worker.py", "work_once"),
    ("api/recorder.py", "record_next"),
    ("api/watcher.py", "_persist"),
    ("api/notify/courier.py", "_deliver"),
    ("api/notify/clerk.py", "_persist"),
    ("api/review/syncing.py", "run_once"),
    ("detector/cameras/fleet.py", "_look"),
    ("detector/cameras/reading.py", "_run"),
    ("detector/cameras/telling.py", "_tell"),
    ("api/learning/trainer.py", "run"),
    ("cli/__init__.py", "run"),
}


def test_the_rooms_import_each_other_only_as_agreed() -> None:
    command = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)

    assert 0 == done.returncode, done.stdout
    assert "0 broken" in done.stdout


def test_only_the_job_loop_and_the_process_edge_catch_everything() -> None:
    found = {
        (path, function.name)
        for path, tree in modules("api", "cli", "detector").items()
        for function in functions(tree)
        for handler in ast.walk(function)
        if isinstance(handler, ast.ExceptHandler) and _catches_all(handler) and not _passes_on(handler)
    }

    assert CATCH_ALL == found


def _catches_all(handler: ast.ExceptHandler) -> bool:
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(one is None or name_of(one) in ("Exception", "BaseException") for one in caught)


def _passes_on(handler: ast.ExceptHandler) -> bool:
    """Say whether a handler only tidies up and lets the error go on."""
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def _kinds(kind: type[StreetError]) -> list[type[StreetError]]:
    return [one for child in kind.__subclasses__() for one in (child, *_kinds(child))]


@pytest.mark.parametrize("kind", _kinds(StreetError), ids=lambda kind: kind.__name__)
def test_every_error_is_raised_somewhere_and_met_by_a_test(kind: type[StreetError]) -> None:
    raised = {
        name_of(node.exc)
        for tree in modules("api", "cli").values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Raise)
    }
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))

    assert kind.__name__ in raised
    assert re.search(rf"\b{kind.__name__}\b|refusal\([^\n]*\b{kind.status}\)", tests)


@pytest.mark.parametrize("kind", _kinds(StreetError), ids=lambda kind: kind.__name__)
def test_every_error_has_words_of_its_own(kind: type[StreetError]) -> None:
    assert kind.__doc__
    assert str(kind())
    assert 1 == [one.code for one in _kinds(StreetError)].count(kind.code)


def test_services_and_tables_know_nothing_of_http_and_never_commit() -> None:
    for path, tree in modules("api").items():
        if not path.endswith(("service.py", "tables.py")):
            continue
        imported = {
            (node.module or "") if isinstance(node, ast.ImportFrom) else node.names[0].name
            for node in ast.walk(tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
        }
        called = {name_of(node) for node in ast.walk(tree) if isinstance(node, ast.Call)}

        assert [] == [one for one in imported if one.split(".")[0] in ("fastapi", "starlette", "nicegui")], path
        assert not called & {"commit", "rollback"}, path


def test_nothing_is_made_at_import() -> None:
    """No module-level engine, app or settings: importing costs nothing and decides nothing."""
    for path, tree in modules("api", "detector").items():
        made = {name_of(node.value) for node in tree.body if isinstance(node, ast.Assign | ast.AnnAssign)}

        assert not made & {"create_engine", "FastAPI", "Settings", "Database", "Media", "build_app"}, path


def test_no_file_tells_two_stories() -> None:
    lengths = {
        path: (ROOT / path).read_text(encoding="utf-8").count("\n") for path in modules("api", "cli", "detector")
    }

    assert {} == {path: lines for path, lines in lengths.items() if lines > MOST_LINES}


def test_every_public_function_of_the_services_says_what_one_gets() -> None:
    silent = [
        f"{path}:{function.name}"
        for path, tree in modules("api").items()
        if path.endswith("service.py")
        for function in functions(tree)
        if not function.name.startswith("_") and not ast.get_docstring(function)
    ]

    assert [] == silent


def test_every_function_is_typed() -> None:
    untyped = [
        f"{path}:{function.name}"
        for path, tree in modules("api", "cli", "detector").items()
        for function in functions(tree)
        if function.returns is None
    ]

    assert [] == untyped


def test_the_service_does_not_depend_on_torch() -> None:
    needed, waiting = set(), ["pointwatch"]
    while waiting:
        name = waiting.pop()
        if name in needed:
            continue
        needed.add(name)
        try:
            stated = [Requirement(one) for one in requires(name) or []]
        except PackageNotFoundError:  # for another system, or another Python
            continue
        waiting += [one.name.lower() for one in stated if one.marker is None or one.marker.evaluate({"extra": ""})]

    assert "fastapi" in needed
    assert not needed & TRAINING_ONLY


def test_the_lock_of_the_service_holds_no_torch() -> None:
    locked = re.findall(r"^([A-Za-z0-9._-]+)==", (ROOT / "requirements.lock").read_text(encoding="utf-8"), re.MULTILINE)

    assert "fastapi" in locked
    assert not {name.lower() for name in locked} & TRAINING_ONLY


def test_serving_loads_no_torch() -> None:
    code = "import sys, api.app, api.worker, cli.serve, nicegui; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True
    )

    assert "False" == done.stdout.strip()


def test_every_class_is_named_in_both_languages(taxonomy: Taxonomy) -> None:
    named = [
        *taxonomy.kinds,
        *taxonomy.classes.values(),
        *taxonomy.departments,
        *taxonomy.place_categories,
        *taxonomy.objects,
    ]

    assert 7 == len(taxonomy.kinds)
    assert 16 == len(taxonomy.place_categories)
    for one in named:
        assert re.search(r"[\u4e00-\u9fff]", one.zh), one.code
        assert re.search(r"[A-Za-z]", one.en), one.code
        assert not re.search(r"[\u4e00-\u9fff]", one.en), one.code
