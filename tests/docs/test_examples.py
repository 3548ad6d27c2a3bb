"""What the README promises is run, word for word."""

import re
from pathlib import Path

import pytest

from detector import shipped

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("code", re.findall(r"```python\n(.*?)```", README, re.DOTALL))
def test_python_in_the_readme_runs(code):
    names: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), names)

    assert len(names["found"]) > 0  # type: ignore[arg-type]


@pytest.mark.parametrize("path", sorted(set(re.findall(r"datasets/demo/photos/[\w.-]+", README))))
def test_pictures_that_the_readme_sends_are_shipped(path):
    assert shipped(path).is_file()


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))])
def test_links_inside_the_project_lead_somewhere(page):
    targets = re.findall(r"\]\(([^)#\s]+)\)", page.read_text(encoding="utf-8"))
    dead = [one for one in targets if "://" not in one and not (page.parent / one).exists()]

    assert [] == dead


def test_the_readme_names_only_verbs_that_the_makefile_has():
    verbs = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))

    assert set() == set(re.findall(r"(?:^|`)make ([a-z]+)", README, re.MULTILINE)) - verbs
