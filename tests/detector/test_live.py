"""A model replaced while it is in use."""

from pathlib import Path

import pytest

from detector.card import CURRENT_FILE
from detector.errors import ModelRefused
from detector.live import LiveModel


def versions(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).mkdir()
        (folder / name / "card.yaml").write_text("name: test", encoding="utf-8")
    point(folder, names[0])
    return folder


def point(folder: Path, version: str) -> None:
    (folder / CURRENT_FILE).write_text(version + "\n", encoding="utf-8")


def load(folder: Path) -> str:
    if folder.name.startswith("bad"):
        raise ModelRefused(f"{folder.name} is damaged")
    return folder.name


def test_what_the_pointer_names_is_used_from_the_next_look_on(tmp_path):
    live = LiveModel(versions(tmp_path, "1", "2"), load, look_every_s=0)
    point(tmp_path, "2")

    assert "2" == live.current()


def test_a_look_is_taken_only_so_often(tmp_path):
    live = LiveModel(versions(tmp_path, "1", "2"), load, look_every_s=60)
    point(tmp_path, "2")

    assert "1" == live.current()


def test_a_refused_version_leaves_the_old_one_in_use_and_says_why(tmp_path):
    live = LiveModel(versions(tmp_path, "1", "bad"), load, look_every_s=0)
    point(tmp_path, "bad")

    assert "1" == live.current()
    assert "bad is damaged" == str(live.refusal)


def test_going_back_to_the_version_in_use_clears_the_refusal(tmp_path):
    live = LiveModel(versions(tmp_path, "1", "bad"), load, look_every_s=0)
    point(tmp_path, "bad")
    live.current()
    point(tmp_path, "1")

    assert "1" == live.current()
    assert live.refusal is None


def test_a_pointer_that_leads_nowhere_leaves_the_old_one_in_use(tmp_path):
    live = LiveModel(versions(tmp_path, "1"), load, look_every_s=0)
    point(tmp_path, "7")

    assert "1" == live.current()
    assert live.refusal is not None


def test_the_refused_version_is_named(tmp_path):
    live = LiveModel(versions(tmp_path, "1", "bad"), load, look_every_s=0)
    point(tmp_path, "bad")
    live.current()

    assert ("bad", tmp_path / "1") == (live.refused, live.folder)


def test_a_pointer_that_makes_no_sense_is_told_once_and_changes_nothing(tmp_path):
    live = LiveModel(versions(tmp_path, "1"), load, look_every_s=0)
    point(tmp_path, "../elsewhere")
    live.current()
    told = live.refusal
    live.current()

    assert told is live.refusal
    assert ("1", None) == (live.current(), live.refused)


def test_a_folder_that_cannot_be_looked_at_leaves_the_version_in_use(tmp_path, monkeypatch):
    live = LiveModel(versions(tmp_path, "1"), load, look_every_s=0)

    def unplugged(_folder):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("detector.live.find_version", unplugged)

    assert "1" == live.current()
    assert "cannot be looked at" in str(live.refusal)


def test_a_start_with_a_refused_version_goes_on_with_an_earlier_one_and_says_so(tmp_path):
    versions(tmp_path, "bad", "1", "bad-too")
    live = LiveModel(tmp_path, load, else_try=[tmp_path / "bad-too", tmp_path / "1"], look_every_s=0)

    assert "1" == live.current()
    assert ("bad", "bad is damaged") == (live.refused, str(live.refusal))


def test_a_start_without_any_usable_version_tells_what_is_wrong_with_the_current_one(tmp_path):
    versions(tmp_path, "bad", "bad-too")

    with pytest.raises(ModelRefused, match="bad is damaged"):
        LiveModel(tmp_path, load, else_try=[tmp_path / "bad-too"])


def test_a_version_mended_after_the_start_is_taken_up_when_it_is_pointed_at_anew(tmp_path):
    versions(tmp_path, "bad", "1", "2")
    live = LiveModel(tmp_path, load, else_try=[tmp_path / "1"], look_every_s=0)
    point(tmp_path, "2")

    assert ("2", None) == (live.current(), live.refusal)
