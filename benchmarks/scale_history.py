"""A made-up office with years of history, row by row: the same seed always gives the same rows.

Values are as the databases take them in bulk (ids as 32 hexadecimal digits, moments as text in UTC, JSON as text), for
turning twelve million rows into objects and back would take most of the time.

Skewed like a real one: a few points and kinds of violations have most of the issues, nearly all of them are finished,
photographs pile up on the few that are hard to get rid of, and every step stands in the log, chained.
"""

import hashlib
import math
import random
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any

from api.audit.chain import FIRST, digest
from api.issues.transitions import State
from detector.taxonomy import Taxonomy

END = datetime(2026, 11, 1, tzinfo=UTC)
YEARS = 3
REJECTED = 0.12  # of the finished ones: what a person looked at and refused
MERGED = 0.03
REOPENED = 0.06
OVERDUE = 0.18  # of the unfinished ones
UNFINISHED = 0.004  # of all: an office that keeps up
SIGHTINGS = 3  # of an issue, on average
COMMUNITIES = 12
BATCH = 5_000  # issues in one transaction

Row = dict[str, Any]
#: The steps of a finished issue: action, state before, state after, share of its life at which it happens.
DONE = (
    ("opened", None, "open", 0.0),
    ("dispatch", "open", "dispatched", 0.05),
    ("accept", "dispatched", "accepted", 0.15),
    ("start", "accepted", "in_progress", 0.25),
    ("rectify", "in_progress", "rectified", 0.9),
    ("sign_off", "rectified", "closed", 1.0),
)
REFUSED = (("opened", None, "in_review", 0.0), ("reject", "in_review", "rejected", 1.0))
DOUBLED = (("opened", None, "open", 0.0), ("merge", "open", "merged", 1.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large the office is."""

    issues: int
    points: int


@dataclass(slots=True, kw_only=True)
class Batch:
    """The rows of some issues, in the order in which they may be inserted."""

    captures: list[Row] = field(default_factory=list)
    issues: list[Row] = field(default_factory=list)
    sightings: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)


def uuid7_at(moment: datetime, chance: random.Random) -> str:
    """Give a UUIDv7 as it would have been made at `moment`: ids grow with time. Source: RFC 9562, 5.7."""
    bits = chance.getrandbits(74)
    milliseconds = int(moment.timestamp() * 1000)
    return f"{milliseconds << 80 | 7 << 76 | (bits >> 62) << 64 | 2 << 62 | bits & (1 << 62) - 1:032x}"


def written(moment: datetime) -> str:
    """Give a moment as both databases read it; every moment of a history is in UTC."""
    return moment.isoformat(" ", "microseconds")[:26]


def chained(event: Row, seq: int, previous_hash: str) -> None:
    """Give an event its place in the log: what `api.audit.chain` says, without its way through JSON."""
    at = written(event["at"])
    event |= {"seq": seq, "previous_hash": previous_hash, "at": at}
    text = (
        f'{{"action":{_said(event["action"])},"after":{_said(event["after"])},"at":"{at[:10]}T{at[11:]}Z",'
        f'"before":{_said(event["before"])},"by_user_id":{_said(_hyphened(event["by_user_id"]))},'
        f'"capture_id":{_said(_hyphened(event["capture_id"]))},"data":{{}},"note":"","previous_hash":"{previous_hash}",'
        f'"seq":{seq},"subject_id":{_said(_hyphened(event["subject_id"]))},"subject_kind":"issue"}}'
    )
    event["hash"] = hashlib.sha256(text.encode()).hexdigest()


def _check(unchained: Row, event: Row) -> None:
    """Make sure that the short way gives the hash that the log itself would give."""
    ids = {name: unchained[name] and uuid.UUID(unchained[name]) for name in ("by_user_id", "subject_id", "capture_id")}
    place = {"seq": event["seq"], "previous_hash": event["previous_hash"], "data": {}}
    assert event["hash"] == digest({**unchained, **ids, **place})


def _said(text: str | None) -> str:
    return "null" if text is None else f'"{text}"'


def _hyphened(digits: str | None) -> str | None:
    if digits is None:
        return None
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def skewed(count: int) -> list[float]:
    """Give cumulative weights of which the first entries have most (Zipf with exponent 0.8)."""
    return list(accumulate(1 / (rank + 1) ** 0.8 for rank in range(count)))


class History:
    """Makes the rows of an office of some size."""

    def __init__(self, size: Size, taxonomy: Taxonomy, user_id: uuid.UUID, seed: int = 1) -> None:
        """Prepare the history.

        Args:
            user_id: whoever did it all.
        """
        self.size = size
        self._taxonomy = taxonomy
        self._codes = list(taxonomy.classes)
        self._user = user_id.hex
        self._seed = seed
        self.points = self._make_points()
        self._point_weights, self._code_weights = skewed(size.points), skewed(len(self._codes))
        pairs = [(point["id"], code) for point in self.points for code in self._codes]
        random.Random(seed).shuffle(pairs)  # one of a kind may be open at a point: none is drawn twice
        self._open = pairs[: min(max(1, round(size.issues * UNFINISHED)), len(pairs) // 3)]
        self._departments = {code: entry.departments[0] for code, entry in taxonomy.classes.items()}

    def _make_points(self) -> list[Row]:
        chance = random.Random(self._seed)
        categories = list(self._taxonomy.categories)
        began = END - timedelta(days=365 * YEARS + 30)
        return [
            {
                "id": uuid7_at(began + timedelta(seconds=at), chance),
                "code": f"SC-P{at + 1:04d}",
                "name": f"规模点位{at + 1:04d}",
                "category": categories[at % len(categories)],
                "community": f"规模社区{at % COMMUNITIES + 1:02d}",
                "longitude": 114.10 + 0.06 * chance.random(),
                "latitude": 22.54 + 0.05 * chance.random(),
                "created_at": written(began),
                "updated_at": written(began),
            }
            for at in range(self.size.points)
        ]

    def batches(self, done: int, seq: int, last_hash: str = FIRST) -> Iterator[Batch]:
        """Give the rows from issue number `done` on, chained to the row `seq` of the log."""
        for start in range(done, self.size.issues, BATCH):
            chance = random.Random(f"{self._seed}:{start}")
            batch = Batch()
            for number in range(start, min(start + BATCH, self.size.issues)):
                self._add(batch, number, chance)
            batch.events.sort(key=lambda one: one["at"])
            first = dict(batch.events[0])
            for event in batch.events:
                seq += 1
                chained(event, seq, last_hash)
                last_hash = event["hash"]
            _check(first, batch.events[0])
            yield batch

    def _add(self, batch: Batch, number: int, chance: random.Random) -> None:
        """Add one issue with all that belongs to it."""
        left = self.size.issues - number
        opened = END - timedelta(days=365 * YEARS) * ((left - chance.random()) / self.size.issues)
        if left <= len(self._open):
            point_id, code = self._open[left - 1]
            steps: Sequence[tuple[str, str | None, str, float]] = DONE[: chance.randint(1, len(DONE) - 1)]
            ended = None
        else:
            point_id = chance.choices(self.points, cum_weights=self._point_weights)[0]["id"]
            code = chance.choices(self._codes, cum_weights=self._code_weights)[0]
            drawn = chance.random()
            steps = REFUSED if drawn < REJECTED else DOUBLED if drawn < REJECTED + MERGED else DONE
            ended = min(opened + timedelta(hours=chance.lognormvariate(2.5, 1.2)), END - timedelta(minutes=1))
        until = ended or END
        issue_id = uuid7_at(opened, chance)
        moments = [opened + (until - opened) * share for *_, share in steps]
        sightings = self._sightings(batch, issue_id, point_id, code, opened, until, chance)
        batch.issues.append(
            self._issue(number, issue_id, point_id, code, steps[-1][2], moments, ended, sightings, chance)
        )
        batch.events += [
            {
                "at": moment,
                "by_user_id": self._user if action != "opened" else None,
                "subject_kind": "issue",
                "subject_id": issue_id,
                "action": action,
                "before": before,
                "after": after,
                "note": "",
                "capture_id": sightings[0]["capture_id"] if action == "opened" else None,
                "data": "{}",
            }
            for (action, before, after, _), moment in zip(steps, moments, strict=True)
        ]

    def _issue(
        self,
        number: int,
        issue_id: str,
        point_id: str,
        code: str,
        state: str,
        moments: list[datetime],
        ended: datetime | None,
        sightings: list[Row],
        chance: random.Random,
    ) -> Row:
        opened = moments[0]
        dispatched = len(moments) > 1 and State(state) not in (State.rejected, State.merged)
        due = (
            opened + timedelta(hours=4 + 68 * chance.random())
            if ended
            else END + timedelta(days=3650) * (-0.002 if chance.random() < OVERDUE else 1) * (0.1 + chance.random())
        )
        surest = max(sightings, key=lambda one: one["confidence"])
        return {
            "id": issue_id,
            "number": f"SC-{opened.year}-{number + 1:07d}",
            "point_id": point_id,
            "class_code": code,
            "state": state,
            "state_since": written(moments[-1]),
            "source": "photo",
            "opened_at": written(opened),
            "clock_started_at": None if state in ("in_review", "rejected") else written(opened),
            "closed_at": written(ended) if ended else None,
            "department": self._departments[code] if dispatched else None,
            "due_at": written(due),
            "step_due_at": written(due),
            "pauses": "[]",
            "supervised": chance.random() < 0.01,
            "first_seen_at": sightings[0]["seen_at"],
            "last_seen_at": sightings[-1]["seen_at"],
            "sighting_count": len(sightings),
            "confidence": surest["confidence"],
            "cover_capture_id": surest["capture_id"],
            "reopened_count": int(ended is not None and chance.random() < REOPENED),
            "revision": len(moments) + len(sightings),
        }

    def _sightings(
        self,
        batch: Batch,
        issue_id: str,
        point_id: str,
        code: str,
        opened: datetime,
        until: datetime,
        chance: random.Random,
    ) -> list[Row]:
        count = 1 + math.floor(chance.expovariate(1) * (SIGHTINGS - 0.5))  # 3 on average: the floor takes half of one
        shares = sorted(chance.random() ** 2 for _ in range(count - 1))
        made = []
        for share in (0.0, *shares):
            at = opened + (until - opened) * share
            capture_id = uuid7_at(at, chance)
            batch.captures.append(self._capture(capture_id, point_id, at))
            confidence = round(0.25 + 0.7 * chance.random(), 4)
            made.append(
                {
                    "id": uuid7_at(at, chance),
                    "issue_id": issue_id,
                    "capture_id": capture_id,
                    "class_code": code,
                    "source": "photo",
                    "seen_at": written(at),
                    "note": "",
                    "confidence": confidence,
                    "certainty": "automatic" if confidence > 0.5 else "review",
                    "reason": "sure" if confidence > 0.5 else "doubtful",
                    "boxes": f'[{{"box": [120.5, 88.0, 400.0, 310.5], "confidence": {confidence}}}]',
                    "model": "street/scale",
                }
            )
        batch.sightings += made
        return made

    def _capture(self, capture_id: str, point_id: str, at: datetime) -> Row:
        sha256, when = capture_id[::-1] * 2, written(at)
        key = f"{sha256[:2]}/{sha256}.jpg"
        return {
            "id": capture_id,
            "point_id": point_id,
            "sha256": sha256,
            "media_key": key,
            "filename": "IMG.jpg",
            "byte_count": 2_500_000,
            "format": "JPEG",
            "width": 4032,
            "height": 3024,
            "received_at": when,
            "taken_at": when,
            "sent_by": self._user,
            "status": "done",
            "not_before": when,
            "processed_at": when,
            "model": "street/scale",
            "view_key": key,
            "evidence_key": key,
            "detections": "[]",
            "violations": "[]",
        }
