"""Links to pictures for people who are signed in to Label Studio and not here: signed, for some days."""

import uuid
from datetime import timedelta
from urllib.parse import urlsplit

from itsdangerous import BadSignature, SignatureExpired, TimestampSigner

from api.errors import Forbidden

PATH = "/review/pictures/"
LIFE = timedelta(days=14)
RENEW_AFTER = timedelta(days=7)  # a task that waits longer gets a new link


class Links:
    """Makes and reads the links."""

    def __init__(self, secret: str) -> None:
        self._signer = TimestampSigner(secret, salt="pointwatch.review.picture", sep=".")

    def make(self, our_url: str, capture_id: uuid.UUID) -> str:
        """Give the address of a capture's picture."""
        return f"{our_url.rstrip('/')}{PATH}{self._signer.sign(capture_id.hex).decode()}.jpg"

    def read(self, name: str) -> uuid.UUID:
        """Give the capture whose picture a link's last part asks for.

        Raises:
            Forbidden: it was forged, or its time is over.
        """
        try:
            signed = name.removesuffix(".jpg")
            return uuid.UUID(self._signer.unsign(signed, max_age=int(LIFE.total_seconds())).decode())
        except SignatureExpired:
            raise Forbidden("This link to a picture has run out. Open the task again; it gets a new one.") from None
        except (BadSignature, ValueError):
            raise Forbidden("This is no link to a picture of ours.") from None

    def is_of(self, address: object, capture_id: uuid.UUID) -> bool:
        """Say whether an address, its time over or not, is a link of ours to this capture's picture."""
        if not isinstance(address, str):
            return False
        try:
            path = urlsplit(address).path
            return (
                path.startswith(PATH)
                and self._signer.unsign(path.removeprefix(PATH).removesuffix(".jpg")).decode() == capture_id.hex
            )
        except (BadSignature, ValueError):
            return False
