"""The form in which an event is hashed. Pure, and fixed for ever: old rows are verified with it.

The canonical form of an event is one JSON object (RFC 8259) in UTF-8 with the members of `MEMBERS` and no others, in
alphabetical order, without blanks, letters outside ASCII written as themselves. A moment is written in UTC with six
decimals and `Z` (2026-11-23T08:30:00.000000Z), an id in lower case with hyphens, what is not there as null; the members
of `data` are in alphabetical order too. The hash is the SHA-256 of those bytes in lower-case hexadecimal. Since
`previous_hash` is a member, a row cannot be changed, taken out, put in or moved without breaking every hash behind it.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

FIRST = "0" * 64  #: what stands for the hash before the first event
MEMBERS = (
    "seq",
    "at",
    "by_user_id",
    "subject_kind",
    "subject_id",
    "action",
    "before",
    "after",
    "note",
    "capture_id",
    "data",
    "previous_hash",
)


def canonical(event: Mapping[str, Any]) -> bytes:
    """Give the bytes of an event that are hashed.

    Raises:
        KeyError: a member is missing. ValueError: a number that JSON does not have, or a time without a zone.
    """
    members = {name: _plain(event[name]) for name in MEMBERS}
    return json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def digest(event: Mapping[str, Any]) -> str:
    """Give the hash of an event: 64 hexadecimal digits."""
    return hashlib.sha256(canonical(event)).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be hashed")
        return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"
    return str(value) if isinstance(value, UUID) else value
