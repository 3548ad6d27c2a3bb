"""The installation's model in a registry of one's own, at the first start, after upgrades, with two starts at once."""

import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from detector.card import CURRENT_FILE
from detector.errors import ModelRefused
from detector.registry import Registry
from detector.seeding import Outcome, seed
from tests.detector.models import write_model
from tests.detector.test_registry import TAXONOMY


@pytest.fixture
def installation(tmp_path):
    """Give a function that makes an installation that ships one version."""

    def ship(version, **card):
        folder = tmp_path / f"installation-{version}"
        write_model(folder / version, **({"version": version, "model": {"input_px": 64}} | card))
        (folder / CURRENT_FILE).write_text(version + "\n")
        return folder

    return ship


@pytest.fixture
def start(tmp_path):
    def start(installation):
        return seed(tmp_path / "own", installation, TAXONOMY)

    return start


@pytest.fixture
def own(tmp_path):
    return Registry(tmp_path / "own")


def test_the_first_start_copies_the_installations_model(start, installation, own):
    done = start(installation("1"))

    assert (Outcome.seeded, "1") == (done.outcome, done.current)
    assert own.entry("1").refusal is None
    assert ["seed"] == [one.action for one in own.steps()]


def test_a_second_start_changes_nothing(start, installation, own):
    shipped = installation("1")
    start(shipped)

    assert Outcome.known is start(shipped).outcome
    assert 1 == len(own.steps())


def test_an_upgrade_takes_the_place_of_a_shipped_version(start, installation, own):
    start(installation("1"))

    assert Outcome.adopted is start(installation("2")).outcome
    assert "2" == own.current()
    assert "1" == own.roll_back(TAXONOMY).to


def test_a_version_promoted_here_is_never_pushed_aside_by_an_upgrade(start, installation, own, tmp_path):
    start(installation("1"))
    own.add(write_model(tmp_path / "ours", version="ours", model={"input_px": 64}), TAXONOMY)
    own.promote("ours", TAXONOMY)
    done = start(installation("2"))

    assert (Outcome.laid_beside, "ours") == (done.outcome, done.current)
    assert "ours was promoted here" in done.reason
    assert "2" == own.promote("2", TAXONOMY).to


def test_an_older_installation_brings_nothing_into_force(start, installation, own):
    start(installation("2", made_on="2026-11-23"))

    assert Outcome.laid_beside is start(installation("1", made_on="2026-10-01")).outcome
    assert "2" == own.current()


def test_who_went_back_from_an_upgrade_is_left_alone_at_the_next_start(start, installation, own):
    start(installation("1"))
    upgrade = installation("2")
    start(upgrade)
    own.roll_back(TAXONOMY)

    assert Outcome.known is start(upgrade).outcome
    assert "1" == own.current()


def test_an_upgrade_that_does_not_fit_the_catalogue_waits(start, installation, own):
    start(installation("1"))
    done = start(installation("2", classes=("cat", "dog")))

    assert Outcome.laid_beside is done.outcome
    assert "exposed_garbage" in done.reason
    assert "1" == own.current()


def test_a_crash_before_the_note_is_made_up_for_at_the_next_start(start, installation, own):
    start(installation("1"))
    upgrade = installation("2")
    shutil.copytree(upgrade / "2", own.folder / "2")  # copied, but the pointer not moved

    assert Outcome.adopted is start(upgrade).outcome
    assert "2" == own.current()


def test_a_damaged_installation_is_refused_and_leaves_nothing(start, installation, own):
    with pytest.raises(ModelRefused, match="damaged or replaced"):
        start(installation("1", model={"sha256": "0" * 64}))
    assert [] == own.entries()


def test_a_version_of_the_same_name_but_another_content_is_told(start, installation, own):
    write_model(own.folder / "1", version="1", content=b"something else")

    with pytest.raises(ModelRefused, match="is not the 1 that came with this installation"):
        start(installation("1"))


def test_many_starts_at_once_seed_once(start, installation, own):
    shipped = installation("1")
    with ThreadPoolExecutor(8) as pool:
        outcomes = [one.outcome for one in pool.map(start, [shipped] * 8)]

    assert 1 == outcomes.count(Outcome.seeded)
    assert 7 == outcomes.count(Outcome.known)
    assert 1 == len(own.steps())


def test_a_shipped_version_made_anew_under_its_old_name_is_told_of(start, installation, own, tmp_path):
    start(installation("1"))
    shutil.rmtree(tmp_path / "installation-1")
    done = start(installation("1", made_on="2026-12-24"))

    assert (Outcome.laid_beside, "1") == (done.outcome, done.current)
    assert "made anew under its old name" in done.reason
