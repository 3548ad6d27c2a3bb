"""The demo's own registers on the command line: in, explained, scored, and out again unchanged."""

from pathlib import Path

import pytest

from cli import run
from detector import shipped


@pytest.fixture
def office(model_folder: Path, monkeypatch, capfd, tmp_path: Path):
    """Give a function that runs an operator's command on data of its own, in this process."""
    monkeypatch.setenv("POINTWATCH_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("POINTWATCH_MODEL_DIR", str(model_folder.absolute()))
    monkeypatch.setenv("POINTWATCH_LANGUAGE", "en")

    def run_here(*arguments: object) -> tuple[int, str, str]:
        capfd.readouterr()
        status = run([str(one) for one in arguments])
        return status, *capfd.readouterr()

    return run_here


def test_the_demos_registers_say_who_answers_and_come_back_unchanged(office, tmp_path: Path) -> None:
    for register, name, count in (("posts", "posts", 35), ("points", "points", 43), ("routing", "rules", 7)):
        into = office(register, "import", shipped(f"datasets/demo/{name}.csv"))
        out = office(register, "export", tmp_path / f"{name}.xlsx")
        again = office(register, "import", tmp_path / f"{name}.xlsx")

        assert (0, f"{count} created, 0 changed, 0 as they were\n") == into[:2]
        assert 0 == out[0]
        assert f"0 created, 0 changed, {count} as they were\n" == again[1]
    status, said, _ = office("routing", "explain", "DH-P25", "illegal_parking")
    _, score, _ = office("patrols", "score", "--by", "community")
    _, due, _ = office("patrols", "due")

    assert 0 == status
    assert "P25-PARKING" in said
    assert "Post: HO-01 Head of hospital logistics（颜若谷）. Department: Property management." in said
    assert 6 == score.count(" 100 ")
    assert 43 == due.count("DH-P")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["routing", "explain", "NOWHERE", "rubble"], "There is no point 'NOWHERE'"),
        (["patrols", "score", "--by", "moon"], "--by is 'moon'"),
        (["standards", "import", "nowhere.yaml"], "nowhere.yaml: No such file or directory."),
        (["standards", "export", "x.pdf", "EXAMPLE-2026"], "must end in .csv or .xlsx"),
    ],
)
def test_what_cannot_be_done_is_one_plain_line(office, arguments, said) -> None:
    status, out, told = office(*arguments)

    assert (1, "") == (status, out)
    assert said in told
    assert 1 == len(told.splitlines())
