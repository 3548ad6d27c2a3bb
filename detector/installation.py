"""Where the things lie that ship with Pointwatch: models, the taxonomy, texts, the demo's pictures."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
#: A checkout has `models/` and `datasets/` beside this package; a wheel carries them inside it.
_ROOTS = (_PACKAGE.parent, _PACKAGE / "shipped_files")


def shipped(path: str) -> Path:
    """Give the place of a shipped file or folder, e.g. `shipped("models/street")`.

    Raises:
        FileNotFoundError: this installation carries no such thing.
    """
    for root in _ROOTS:
        if (root / "datasets" / "taxonomy.yaml").is_file() and (root / path).exists():
            return root / path
    raise FileNotFoundError(f"{path} is not part of this installation of Pointwatch (looked in {_ROOTS[0]}).")
