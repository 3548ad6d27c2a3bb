"""Passwords: how they are kept, which are refused, and the ones that somebody else chooses for a first sign-in.

Pure but for the random numbers: no database, no request.
"""

import secrets
from functools import cache

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from api.errors import Unfit

SHORTEST, LONGEST = 10, 200  # characters
MEMORY_KIB, PASSES, LANES = 19 * 1024, 2, 1  # OWASP Password Storage Cheat Sheet, Argon2id, its second choice
_LEAST_KINDS = 5  # different characters
_EASY_TO_READ = "abcdefghjkmnpqrstuvwxyz23456789"  # without what looks alike on paper


@cache
def _hasher() -> PasswordHash:
    return PasswordHash((Argon2Hasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES),))


@cache
def _nobodys() -> str:
    """Give a hash that no password fits, for names that nobody has: their refusal takes as long as any other."""
    return _hasher().hash(secrets.token_urlsafe(32))


def keep(password: str) -> str:
    """Give what is kept of a password."""
    return _hasher().hash(password)


def fits(password: str, kept: str | None) -> bool:
    """Say whether a password is the one that was kept; where nothing was, look for as long and say no."""
    found, _ = _hasher().verify_and_update(password[:LONGEST], kept or _nobodys())
    return found and kept is not None


def check(password: str, *, login: str, name: str) -> None:
    """Make sure that a password is worth keeping.

    Raises:
        Unfit: too short, too long, of too few different characters, or made of the login name or the name.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise Unfit(f"A password has {SHORTEST} to {LONGEST} characters; this one has {len(password)}.")
    if len(set(password)) < _LEAST_KINDS:
        raise Unfit(f"A password has at least {_LEAST_KINDS} different characters.")
    folded = password.casefold()
    if any(len(part) >= 3 and part.casefold() in folded for part in (login, name)):
        raise Unfit("A password does not contain the login name or the name.")


def first() -> str:
    """Give a password for a first sign-in, easy to read out: 15 letters and digits, 74 random bits."""
    groups = ("".join(secrets.choice(_EASY_TO_READ) for _ in range(5)) for _ in range(3))
    return "-".join(groups)
