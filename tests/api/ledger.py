"""Rows written through the domains' own services, for tests that begin where the model has already looked."""

import secrets
import uuid
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import numpy as np

from api.accounts import service as accounts
from api.accounts.schemas import EVERYWHERE
from api.captures import service as captures
from api.captures.tables import Capture
from api.database import now
from api.issues import service as issues
from api.issues.tables import Issue
from api.points import service as points
from api.points.schemas import PointFields
from api.points.tables import Point
from detector import Certainty, Photo, Violation
from detector.rules import Reason
from tests.api.client import point_fields
from tests.api.office import Office

_numbers = count(1)
WINDOW = timedelta(days=30)


class Ledger:
    """Keeps points, captures and issues of a service in this process."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.database = office.context.database

    def point(self, **changes: Any) -> Point:
        fields = PointFields.model_validate(point_fields(f"L{next(_numbers):06d}", **changes))
        with self.database.write() as session:
            return points.create_point(session, fields, self.office.context.taxonomy, within=EVERYWHERE, by=None)

    def capture(self, point: Point, **changes: Any) -> Capture:
        """Queue a photo that nobody can look at: its bytes are kept nowhere."""
        photo = Photo(
            **{
                "pixels": np.zeros((1, 1, 3), np.uint8),
                "width": 640,
                "height": 480,
                "scale": 1.0,
                "sha256": secrets.token_hex(32),
                "format": "JPEG",
            }
            | changes
        )
        key = f"{photo.sha256[:2]}/{photo.sha256}.jpg"
        received = captures.Received(photo=photo, media_key=key, byte_count=1, filename="photo.jpg")
        with self.database.write() as session:
            sent_by = accounts.first_admin(session).id
            return captures.receive(session, received, point=point, distance_m=None, sent_by=sent_by)

    def record(
        self, point: Point, *seen: Violation, at: datetime | None = None, capture: Capture | None = None
    ) -> list[Issue]:
        """Record what a new capture shows."""
        capture = capture or self.capture(point)
        where = issues.Seen(capture_id=capture.id, point_id=point.id, at=at or now())
        with self.database.write() as session:
            return issues.record(session, where, seen or [violation()], self.numbering())

    def after_photo(self, issue: Issue) -> Capture:
        """Send a photo that shows an issue put right, and that nobody has looked at."""
        with self.database.read() as session:
            point = points.get_point(session, str(issue.point_id), within=EVERYWHERE)
        capture = self.capture(point)
        with self.database.write() as session:
            issues.add_after_photo(session, issue.id, capture, by=None)
        return capture

    def numbering(self, window: timedelta = WINDOW) -> issues.Numbering:
        return issues.Numbering(
            prefix="DH", repeat_window=window, taxonomy=self.office.context.taxonomy, zone=self.office.settings.zone
        )


def violation(
    code: str = "exposed_garbage", confidence: float = 0.9, certainty: Certainty = Certainty.automatic
) -> Violation:
    return Violation(
        code=code,
        box=(10.0, 20.0, 110.0, 120.0),
        confidence=confidence,
        certainty=certainty,
        reason=Reason.sure if certainty is Certainty.automatic else Reason.doubtful,
        model="street/test",
    )


def doubtful(code: str = "exposed_garbage", confidence: float = 0.4) -> Violation:
    return violation(code, confidence, Certainty.review)


def nobody() -> uuid.UUID:
    """Give an id that nothing has."""
    return uuid.uuid4()
