"""The catalogue of texts against the code: nothing is missing, nothing is left over, both languages say the same."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

from api.accounts.roles import Role
from api.clocks.standing import Pace
from api.errors import StreetError
from api.issues.transitions import Action, State
from detector.card import Standing
from detector.rules import Certainty, Reason
from detector.texts import LANGUAGES, catalogue

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("api", "cli", "detector")
FAMILIES = {"role": Role, "state": State, "action": Action, "certainty": Certainty, "reason": Reason}


def strings() -> Iterator[str]:
    """Give every string of the code, and every f-string as a pattern."""
    for file in sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield re.escape(node.value)
            elif isinstance(node, ast.JoinedStr):
                yield "".join(re.escape(part.value) if isinstance(part, ast.Constant) else ".+" for part in node.values)


def spoken() -> Iterator[tuple[str, str]]:
    """Give place and key of each call of `say` with a plain key."""
    for file in sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                if name in ("say", "_text"):
                    yield f"{file.relative_to(ROOT)}:{node.lineno}", str(node.args[0].value)


def descendants(kind: type[StreetError]) -> Iterator[type[StreetError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from descendants(below)


def test_the_code_says_nothing_that_the_catalogue_lacks() -> None:
    assert [] == [f"{place}: {key}" for place, key in spoken() if key not in catalogue()]


def test_no_text_is_left_over() -> None:
    dotted = [re.compile(one) for one in set(strings()) if "\\." in one and not one.startswith(".+")]

    assert [] == [key for key in catalogue() if not any(one.fullmatch(key) for one in dotted)]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_value_of_a_family_has_a_text(family: str) -> None:
    assert {f"{family}.{value}" for value in FAMILIES[family]} <= set(catalogue())


def test_every_refusal_has_a_title_and_says_what_to_do() -> None:
    codes = {kind.code for kind in descendants(StreetError)}

    assert {f"problem.{code}" for code in codes} | {f"console.problem.{code}" for code in codes} <= set(catalogue())


def test_what_warns_has_a_word() -> None:
    warnings = {f"pace.{one}" for one in Pace if one is not Pace.running}
    doubts = {f"standing.{one}" for one in Standing if one is not Standing.verified}

    assert warnings | doubts <= set(catalogue())


@pytest.mark.parametrize("key", catalogue())
def test_both_languages_say_the_same(key: str) -> None:
    texts = catalogue()[key]
    facts = {name: sorted(fact for _, fact, _, _ in Formatter().parse(texts[name]) if fact) for name in texts}

    assert set(LANGUAGES) == set(texts)
    assert all(text.strip() == text != "" for text in texts.values())
    assert facts["zh"] == facts["en"]
