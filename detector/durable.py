"""Files and folders that are there whole or not at all, also after a power failure. POSIX only."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, flock
from pathlib import Path

UNFINISHED = ".unfinished-"  # such names are nobody's yet; readers pass over whatever begins with a dot


def write_whole(path: Path, text: str) -> None:
    """Put `text` at `path` in one step: a reader sees the old content or the new one, never a part or nothing."""
    number, unfinished = tempfile.mkstemp(prefix=UNFINISHED, dir=path.parent)
    try:
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fchmod(file.fileno(), 0o644)  # `mkstemp` makes it readable to its owner alone
            os.fsync(file.fileno())
        Path(unfinished).replace(path)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def append_line(path: Path, line: str) -> None:
    """Add a line at the end of a file, on the disk when this returns; a line cut off by a crash is ended first."""
    with path.open("a+b") as file:
        torn = file.tell() > 0 and os.pread(file.fileno(), 1, file.tell() - 1) != b"\n"
        file.write(b"\n" * torn + line.encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    sync_folder(path.parent)


@contextmanager
def copied_whole(source: Path, to: Path) -> Iterator[Path]:
    """Copy a folder to a hidden place beside `to`, give that place to be checked, then move it to `to` in one step.

    Raises:
        FileExistsError: `to` is there already. Whatever is raised inside leaves nothing behind.
    """
    unfinished = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=to.parent))
    try:
        shutil.copytree(source, unfinished, dirs_exist_ok=True, copy_function=shutil.copyfile)
        unfinished.chmod(0o755)  # `mkdtemp` opens it to its owner alone, a read-only source to nobody
        for path in sorted(unfinished.rglob("*"), reverse=True):
            _sync(path)
        yield unfinished
        if to.exists():
            raise FileExistsError(f"{to} is there already")
        sync_folder(unfinished)
        unfinished.rename(to)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    sync_folder(to.parent)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Wait until no other process or thread changes `folder` under this lock, and keep it; a crash lets go of it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a") as file:
        flock(file, LOCK_EX)
        yield


def sync_folder(folder: Path) -> None:
    """Make the names in a folder outlast a power failure."""
    _sync(folder)


def _sync(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
