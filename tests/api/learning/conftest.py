"""Captures that a model has looked at and people have judged, written through the domains' own services."""

from datetime import timedelta
from typing import Any

import pytest

from api.accounts.schemas import EVERYWHERE
from api.captures import service as captures
from api.captures.tables import Capture
from api.database import now
from api.points.tables import Point
from api.review import service as review
from api.review.geometry import Drawn
from api.review.schemas import Why
from api.review.tables import ReviewCase
from tests.api.ledger import Ledger

BOX = (10.0, 20.0, 110.0, 120.0)


class Judging:
    """Lets the model in force see things on captures, and people say what is there."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.context = ledger.office.context
        self.model = f"{self.context.card.name}/{self.context.card.version}"

    def seen(self, point: Point, *found: tuple[str, float], at_model: str | None = None) -> Capture:
        """Have the model find these classes with these confidences on a new capture, nothing asked about it yet."""
        capture = self.ledger.capture(point)
        with self.ledger.database.write() as session:
            captures.claim(session, worker="test", lease=timedelta(seconds=60), max_attempts=3)
            outcome = captures.Outcome(
                model=at_model or self.model,
                view_key="no/picture.jpg",
                evidence_key=None,
                detections=[{"model_class": one, "confidence": sure, "box": list(BOX)} for one, sure in found],
                violations=[],
            )
            assert captures.finish(session, capture.id, "test", outcome)
        with self.ledger.database.read() as session:
            return captures.get_capture(session, capture.id, within=EVERYWHERE)

    def judged(
        self,
        point: Point,
        *found: tuple[str, float],
        say: tuple[str, ...] = (),
        why: Why = Why.doubtful,
        days_ago: float = 0.0,
        **more: Any,
    ) -> ReviewCase:
        """Put such a capture before people, who say that these classes are there, at the model's place."""
        capture = self.seen(point, *found, at_model=more.get("at_model"))
        with self.ledger.database.write() as session:
            case = review.ask(session, capture, why, share=more.get("share"))
            said = review.Said(
                reviewer=more.get("reviewer", "one"),
                name="one",
                at=now(),
                boxes=[Drawn(code=one, box=BOX) for one in say],
            )
            review.hear(session, case, said, self.context.taxonomy, self.ledger.numbering())
            case.decided_at = now() - timedelta(days=days_ago)
            case.created_at = now() - timedelta(days=days_ago)
            session.flush()
            return case


@pytest.fixture(scope="module")
def judging(ledger: Ledger) -> Judging:
    return Judging(ledger)
