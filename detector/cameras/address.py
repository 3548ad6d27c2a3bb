"""A camera's address: which ones are taken, and how they are shown without their password. Pure."""

import re
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit

from detector.errors import SourceRefused

SCHEMES = ("rtsp", "rtsps", "http", "https")
MAX_LENGTH = 2048
HIDDEN = "***"

_START = re.compile(rf"({'|'.join(SCHEMES)})://", re.IGNORECASE)
_CREDENTIALS = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^/?#\s'\"@]*(?:@[^/?#\s'\"@]*)*@")
_SAFE = re.compile(r"[\x21-\x7e]+")  # a URL is printable ASCII; anything else must be percent-encoded
_SECRET_WORDS = re.compile(r"(?i)([?&](?:[a-z_]*(?:pass|pwd|token|secret|key|auth|sign)[a-z_]*)=)[^&#\s'\"]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a camera is to be reached."""

    url: str = field(repr=False)  #: as FFmpeg and HTTP clients take it, credentials included; never shown
    shown: str  #: for people, logs and errors

    def __str__(self) -> str:
        return self.shown

    @property
    def scheme(self) -> str:
        """Give the protocol, one of `SCHEMES`."""
        return self.url.partition("://")[0]

    @property
    def host(self) -> str:
        """Give the host's name or number, lower-case."""
        return urlsplit(self.url).hostname or ""

    @property
    def credentials(self) -> tuple[str, str] | None:
        """Give user name and password as they are, not percent-encoded; None where the address has none."""
        parts = urlsplit(self.url)
        return (unquote(parts.username), unquote(parts.password or "")) if parts.username is not None else None

    @property
    def bare_url(self) -> str:
        """Give the URL without its credentials, its query untouched."""
        return _CREDENTIALS.sub(r"\1", self.url)

    def redact(self, text: str) -> str:
        """Give `text` with whatever could let somebody into this camera hidden, in each way it may be written."""
        text = text.replace(self.url, self.shown)
        known = self.credentials
        if known and known[1]:
            for secret in sorted({known[1], quote(known[1], safe=""), quote(known[1])}, key=len, reverse=True):
                text = text.replace(secret, HIDDEN)
        return redact(text)


def redact(text: str) -> str:
    """Give `text` without the credentials of any URL in it."""
    return _SECRET_WORDS.sub(rf"\1{HIDDEN}", _CREDENTIALS.sub(rf"\1{HIDDEN}@", text))


def parse_address(text: str, *, user: str | None = None, password: str | None = None) -> Address:
    """Read a camera's address.

    Args:
        text: such as `rtsp://192.0.2.7/stream1`; credentials in it are taken too.
        user, password: as the camera knows them; they need no percent-encoding.

    Raises:
        SourceRefused: another protocol, an option of FFmpeg's in disguise, no host, a port that cannot be.
    """
    shown = redact(text[:200])
    if len(text) > MAX_LENGTH:
        raise SourceRefused(f"The address is {len(text)} characters long; {MAX_LENGTH} are the most.")
    start = _START.match(text)
    if start is None:
        raise SourceRefused(f"{shown!r} is no camera's address: it must begin with {', '.join(SCHEMES)} and ://.")
    if not _SAFE.fullmatch(text):
        raise SourceRefused(f"{shown!r} has blanks or characters that an address cannot have; percent-encode them.")
    if user is not None and _CREDENTIALS.match(text):
        raise SourceRefused(f"{shown} has a user name in it and another one beside it; give it once.")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise SourceRefused(f"{shown} has a port or a host that cannot be.") from None
    if not parts.hostname or port == 0 or parts.fragment:
        raise SourceRefused(f"{shown} names no host, port 0, or has a # in it.")
    url = start[1].lower() + text[len(start[1]) :]
    if user is not None:
        url = url.replace("://", f"://{quote(user, safe='')}:{quote(password or '', safe='')}@", 1)
    return Address(url=url, shown=redact(url))
