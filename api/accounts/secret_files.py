"""Secrets that the first start leaves on disk, readable by the service's own user alone."""

import os
import secrets
import stat
import uuid
from pathlib import Path

from api.errors import Misconfigured


def admin_key_file(data_dir: Path) -> Path:
    """Give the file in which the first administrator's key is left."""
    return data_dir / "secrets" / "admin.key"


def link_secret(data_dir: Path) -> str:
    """Give the secret that signs addresses of pictures for other programs, made on first use."""
    path = data_dir / "secrets" / "session.key"  # its old name: links that were given out go on working
    write_secret(path, secrets.token_urlsafe(48), replace=False)
    return path.read_text(encoding="ascii").strip()


def close_to_others(data_dir: Path) -> None:
    """Make sure that nobody else on this machine can read the secrets, whatever a backup or a copy has left.

    Raises:
        Misconfigured: they can, and that cannot be changed.
    """
    folder = data_dir / "secrets"
    if not folder.is_dir():
        return
    for path, wanted in ((folder, 0o700), *((one, 0o600) for one in sorted(folder.iterdir()) if one.is_file())):
        if stat.S_IMODE(path.lstat().st_mode) & 0o077:
            try:
                path.chmod(wanted)
            except OSError as error:
                raise Misconfigured(
                    f"Others can read {path}: give it to this service's user, mode {wanted:o}."
                ) from error


def write_secret(path: Path, text: str, *, replace: bool) -> None:
    """Write a secret into a 0600 file, whole or not at all; an existing one stays unless `replace`."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = path.parent / f".{uuid.uuid4().hex}.part"
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        if replace:
            beside.replace(path)
        else:
            try:
                os.link(beside, path)  # fails where another process was first: its secret is the one
            except FileExistsError:
                return
    finally:
        beside.unlink(missing_ok=True)
