"""ETags: the revision of a thing, sent with it and asked back by `If-Match`."""

from typing import Annotated, Protocol, TypeVar

from fastapi import Header, Response

from api.errors import Unfit

IfMatch = Annotated[
    str | None, Header(description="ETag of the state that is to be changed; without it, whatever it is by now")
]


class Revised(Protocol):
    """Something that counts its changes."""

    revision: int


View = TypeVar("View", bound=Revised)


def revision_of(if_match: str | None) -> int | None:
    """Give the revision that an `If-Match` header names; None for any.

    Raises:
        Unfit: it is not an ETag of ours.
    """
    if if_match is None or if_match.strip() == "*":
        return None
    tag = if_match.strip().removeprefix("W/").strip('"')
    if not (tag.isascii() and tag.isdigit() and len(tag) <= 18):  # no revision has more digits
        raise Unfit('If-Match must be the ETag that was answered with the thing, e.g. "3".')
    return int(tag)


def tagged(view: View, response: Response) -> View:
    """Give the view on, its ETag on the response."""
    response.headers["ETag"] = f'"{view.revision}"'
    return view
