"""The campaign of `benchmarks/campaign.py`, small: a day with every role, and its bulletin counted a second time."""

from collections import Counter
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.campaign import differences, play
from benchmarks.service import running


@pytest.mark.slow
def test_a_day_of_a_campaign_and_its_bulletin_says_what_the_log_says(tmp_path: Path, model_folder: Path) -> None:
    console = Console(record=True, quiet=True)
    with running("serve", tmp_path / "var", model_dir=str(model_folder.absolute()), model_threads="1") as client:
        played = play(client, console, captures=100, days=1, seed=1)

    assert [] == played.differences
    assert {"photos", "reports by hand", "rejected", "returned", "whistles", "signed off"} <= played.done.keys()
    assert played.counted["total"]["all"]["found"] > 50
    assert all(played.documents.values())


def test_a_bulletin_that_says_something_else_is_noticed() -> None:
    log = {"total": {"all": Counter(found=3)}, "class": {"graffiti": Counter(found=3)}}
    bulletin = {"total": {"all": Counter(found=3)}, "class": {"graffiti": Counter(found=2), "rubble": Counter(found=1)}}

    assert 2 == len(differences(log, bulletin))
