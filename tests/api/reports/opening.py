"""LibreOffice without a window: does an office's own program open what we write, and what does it make of it?"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SOFFICE = shutil.which("soffice")

#: CI must have LibreOffice: there these tests fail rather than be skipped.
needs_office = pytest.mark.skipif(
    SOFFICE is None and os.environ.get("CI") != "true",
    reason="no LibreOffice here (Debian: libreoffice-writer and libreoffice-calc)",
)


def convert(file: Path, to: str, profile: Path) -> Path:
    """Give the file as LibreOffice writes it in another format."""
    assert SOFFICE, "LibreOffice is missing"
    done = subprocess.run(
        [
            SOFFICE,
            "--headless",
            f"-env:UserInstallation={profile.as_uri()}",
            "--convert-to",
            to,
            "--outdir",
            file.parent / "converted",
            file,
        ],
        capture_output=True,
        timeout=240,
        check=True,
    )
    made = file.parent / "converted" / f"{file.stem}.{to.split(':', maxsplit=1)[0]}"
    assert made.is_file(), done.stderr.decode()
    return made
