"""Offices that answer Open311, on each kind of database."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from api.settings import Settings
from detector import Detector
from tests.api.office import Office
from tests.api.open311.city import City, make_offer


@pytest.fixture(scope="module")
def make_city(
    database_url: str, tmp_path_factory: pytest.TempPathFactory, model_folder: Path, detector: Detector
) -> Iterator[Callable[..., City]]:
    """Give a function that opens an office with an offer of its own, on the module's database."""
    opened: list[Office] = []

    def make(**changes: Any) -> City:
        folder = tmp_path_factory.mktemp("city")
        settings = Settings(
            data_dir=folder / "var",
            database_url=SecretStr(database_url),
            model_dir=model_folder,
            language="en",
            poll_s=0.01,
            open311=make_offer(folder, **changes),
        )
        opened.append(Office(settings, detector))
        return City(opened[-1])

    yield make
    for one in opened:
        one.__exit__(None, None, None)


@pytest.fixture(scope="module")
def city(make_city: Callable[..., City]) -> City:
    """Give the city with the shipped offer."""
    return make_city()
