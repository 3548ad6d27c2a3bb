"""What fields of several domains are made of: codes, zones of time, lines of text without control characters."""

from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, StringConstraints

PLAIN = r"^[^\x00-\x1f\x7f\ufffe\uffff]*$"  # no control characters, and nothing that XML (a workbook) cannot hold

#: A short code that people write on a plan, such as DH-P01.
OfficeCode = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$")]
#: A code of the catalogue, such as wet_market.
CatalogueCode = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[a-z][a-z0-9_]{0,47}$")]


def line(most: int, least: int = 0) -> object:
    """Give the constraints of a single line of text."""
    return StringConstraints(strip_whitespace=True, min_length=least, max_length=most, pattern=PLAIN)


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"{name!r} is not a time zone, e.g. Asia/Shanghai") from error
    return name


#: The name of a time zone in the IANA database.
ZoneName = Annotated[str, AfterValidator(_known_zone)]
