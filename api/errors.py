"""What the service may refuse and what HTTP says of it (RFC 9457 problem details).

StreetError 500
├── Unfit 422           what was sent makes no sense
├── Unreadable 400      the request itself is malformed
├── TooLarge 413
├── FormatRefused 415
├── NotSignedIn 401
├── Forbidden 403
├── MustChangePassword 403
├── NotFound 404
├── Conflict 409
├── Stale 412           somebody changed it meanwhile
├── TooMany 429         too often in too short a time
├── Unavailable 503     not ready, try later
└── Misconfigured       start-up only
"""

import inspect
from typing import ClassVar

from detector.errors import (
    DetectorError,
    PhotoError,
    PhotoFormatRefused,
    PhotoTooLarge,
    SourceRefused,
    ZonesRefused,
)


class StreetError(Exception):
    """The service could not do what was asked."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"  # key of the title in the catalogue: problem.CODE

    def __init__(self, message: str = "", *, errors: list[dict[str, object]] | None = None, **facts: object) -> None:
        super().__init__(message or inspect.cleandoc(type(self).__doc__ or ""))
        self.errors = errors or []  # one entry for each row or field that is wrong; reaches the reply
        self.facts = facts  # for the log line; does not reach the reply


class Unfit(StreetError):
    """What was sent cannot be taken as it is."""

    status = 422
    code = "unfit"


class Unreadable(StreetError):
    """The request could not be read."""

    status = 400
    code = "unreadable"


class TooLarge(StreetError):
    """What was sent is larger than the limit."""

    status = 413
    code = "too_large"


class FormatRefused(StreetError):
    """What was sent is not in a format that is accepted."""

    status = 415
    code = "format_refused"


class NotSignedIn(StreetError):
    """Send an API key as `Authorization: Bearer KEY`, or sign in with the browser."""

    status = 401
    code = "not_signed_in"


class Forbidden(StreetError):
    """Your role may not do this. Ask an administrator for a key with another role."""

    status = 403
    code = "forbidden"


class MustChangePassword(StreetError):
    """Your password was chosen by somebody else. Choose your own at /account first."""

    status = 403
    code = "must_change_password"


class NotFound(StreetError):
    """There is no such thing here."""

    status = 404
    code = "not_found"


class Conflict(StreetError):
    """This contradicts what is already there."""

    status = 409
    code = "conflict"


class Stale(StreetError):
    """It was changed by somebody else meanwhile. Read it again, then repeat your change."""

    status = 412
    code = "stale"


class TooMany(StreetError):
    """This was tried too often. Wait a moment."""

    status = 429
    code = "too_many"

    def __init__(
        self,
        message: str = "",
        *,
        errors: list[dict[str, object]] | None = None,
        retry_after_s: int = 60,
        **facts: object,
    ) -> None:
        super().__init__(message, errors=errors, **facts)
        self.retry_after_s = retry_after_s


class Unavailable(StreetError):
    """The service is not ready. Try again in a moment."""

    status = 503
    code = "unavailable"


class Misconfigured(StreetError):
    """The settings contradict each other or name what does not exist."""

    code = "misconfigured"


def from_detector(error: DetectorError) -> StreetError:
    """Translate the detector's errors, the only door between the two trees."""
    kind: type[StreetError] = StreetError
    if isinstance(error, PhotoTooLarge):
        kind = TooLarge
    elif isinstance(error, PhotoFormatRefused):
        kind = FormatRefused
    elif isinstance(error, PhotoError | SourceRefused | ZonesRefused):
        kind = Unfit
    return kind(str(error), errors=None, **error.facts)
