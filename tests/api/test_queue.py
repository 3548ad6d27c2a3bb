"""The durable queue: a capture is one worker's at a time, and comes back when that one falls silent."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from api.accounts.roles import Role
from api.accounts.schemas import EVERYWHERE
from api.captures import service as captures
from api.captures.schemas import Status
from api.captures.tables import Capture
from api.database import now
from api.issues.tables import Sighting
from tests.api.client import expect, refusal
from tests.api.ledger import Ledger
from tests.api.office import Office
from tests.api.photographs import PhotoFactory

LEASE = timedelta(seconds=30)
MOST = 3


@pytest.fixture
def queue(ledger: Ledger) -> Ledger:
    """Give a ledger in which nothing waits."""
    with ledger.database.write() as session:
        session.execute(sa.update(Capture).values(status=Status.done, leased_by=None, lease_until=None))
    return ledger


def claim(queue: Ledger, worker: str = "one", lease: timedelta = LEASE) -> uuid.UUID | None:
    with queue.database.write() as session:
        claimed = captures.claim(session, worker=worker, lease=lease, max_attempts=MOST)
        return claimed.id if claimed else None


def finish(queue: Ledger, capture_id: uuid.UUID, worker: str = "one") -> bool:
    outcome = captures.Outcome(model="street/test", view_key="v", evidence_key=None, detections=[], violations=[])
    with queue.database.write() as session:
        return captures.finish(session, capture_id, worker, outcome)


def give_up(queue: Ledger, capture_id: uuid.UUID, *, worker: str = "one", for_good: bool = False) -> None:
    with queue.database.write() as session:
        captures.give_up(session, capture_id, worker, "it would not", for_good=for_good, max_attempts=MOST)


def change(queue: Ledger, capture_id: uuid.UUID, **columns: object) -> None:
    with queue.database.write() as session:
        session.execute(sa.update(Capture).where(Capture.id == capture_id).values(**columns))


def standing(queue: Ledger, capture_id: uuid.UUID) -> tuple[str, int, str | None]:
    with queue.database.read() as session:
        row = captures.get_capture(session, capture_id, within=EVERYWHERE)
        return row.status, row.attempts, row.error


def test_the_oldest_capture_is_taken_first(queue: Ledger) -> None:
    point = queue.point()
    first, second = queue.capture(point), queue.capture(point)

    assert [first.id, second.id, None] == [claim(queue), claim(queue), claim(queue)]


def test_workers_never_take_the_same_capture(queue: Ledger) -> None:
    point = queue.point()
    waiting = {queue.capture(point).id for _ in range(24)}

    def work(name: str) -> list[uuid.UUID]:
        taken = []
        while len(taken) < len(waiting) and (one := claim(queue, name)):
            taken.append(one)
        return taken

    with ThreadPoolExecutor(4) as pool:
        taken = [one for share in pool.map(work, ["a", "b", "c", "d"]) for one in share]

    assert sorted(waiting) == sorted(taken)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True, scope="module")
def test_a_worker_passes_over_what_another_is_just_taking(queue: Ledger) -> None:
    point = queue.point()
    first, second = queue.capture(point), queue.capture(point)
    with queue.database.write() as session:
        taken = captures.claim(session, worker="one", lease=LEASE, max_attempts=MOST)

        assert taken is not None
        assert first.id == taken.id
        assert second.id == claim(queue, "two"), "it did not wait"


def test_a_lease_that_runs_out_gives_the_capture_to_another(queue: Ledger) -> None:
    capture = queue.capture(queue.point())
    claim(queue, "one")
    early = claim(queue, "two")
    change(queue, capture.id, lease_until=now() - timedelta(seconds=1))

    assert early is None
    assert capture.id == claim(queue, "two")
    assert ("processing", 2, None) == standing(queue, capture.id)


def test_who_has_lost_the_lease_records_nothing(queue: Ledger) -> None:
    capture = queue.capture(queue.point())
    claim(queue, "one", lease=timedelta(seconds=-1))
    claim(queue, "two")
    give_up(queue, capture.id, worker="one")

    assert not finish(queue, capture.id, "one")
    assert "processing" == standing(queue, capture.id)[0]
    assert finish(queue, capture.id, "two")
    assert not finish(queue, capture.id, "two"), "done is done"


def test_a_failed_attempt_is_tried_again_later(queue: Ledger) -> None:
    capture = queue.capture(queue.point())
    claim(queue)
    give_up(queue, capture.id)
    too_early = claim(queue)
    change(queue, capture.id, not_before=now())

    assert too_early is None
    assert capture.id == claim(queue)
    assert ("processing", 2, "it would not") == standing(queue, capture.id)


def test_a_capture_that_fails_too_often_is_parked_with_its_error(queue: Ledger) -> None:
    capture = queue.capture(queue.point())
    for _ in range(MOST):
        change(queue, capture.id, not_before=now())
        claim(queue)
        give_up(queue, capture.id)

    assert ("failed", MOST, "it would not") == standing(queue, capture.id)
    assert claim(queue) is None


def test_a_capture_that_kills_its_workers_is_parked(queue: Ledger) -> None:
    """A worker that dies says nothing: only the leases that ran out tell."""
    capture = queue.capture(queue.point())
    for _ in range(MOST):
        claim(queue, lease=timedelta(seconds=-1))
    last = claim(queue)
    status, _, error = standing(queue, capture.id)

    assert last is None
    assert "failed" == status
    assert "fell silent 3 times" in str(error)


def test_a_parked_capture_does_not_hold_up_the_others(queue: Ledger) -> None:
    point = queue.point()
    queue.capture(point)
    for _ in range(MOST):
        claim(queue, lease=timedelta(seconds=-1))
    behind = queue.capture(point)

    assert behind.id in (claim(queue), claim(queue))


def test_an_attempt_that_cannot_help_is_not_repeated(queue: Ledger) -> None:
    capture = queue.capture(queue.point())
    claim(queue)
    give_up(queue, capture.id, for_good=True)

    assert ("failed", 1, "it would not") == standing(queue, capture.id)


def test_a_long_error_is_cut(queue: Ledger) -> None:
    capture = queue.capture(queue.point())
    claim(queue)
    with queue.database.write() as session:
        captures.give_up(session, capture.id, "one", "x" * 9000, for_good=True, max_attempts=MOST)

    assert 500 == len(str(standing(queue, capture.id)[2]))


def test_the_same_photo_again_leaves_a_capture_where_it_stands(queue: Ledger) -> None:
    point = queue.point()
    capture = queue.capture(point, sha256="5" * 64)
    claim(queue)
    finish(queue, capture.id)
    again = queue.capture(point, sha256="5" * 64)

    assert capture.id == again.id
    assert "done" == again.status


# The worker itself, on real photos.


def _take(office: Office, queue: Ledger, photo: bytes) -> dict[str, object]:
    (taken,) = office.client(Role.inspector).take(photo, point=queue.point().code)
    return taken


def _file(office: Office, capture: dict[str, object]) -> Path:
    digest = str(capture["sha256"])
    return office.settings.data_dir / "media" / digest[:2] / f"{digest}.jpg"


def test_a_capture_whose_picture_was_damaged_is_parked_and_can_be_tried_again(
    office: Office, queue: Ledger, photo_factory: PhotoFactory
) -> None:
    capture = _take(office, queue, photo_factory())
    file = _file(office, capture)
    whole = file.read_bytes()
    file.write_bytes(whole[:50])
    office.work()
    client = office.client(Role.inspector)
    parked = client.capture(str(capture["id"]))
    file.write_bytes(whole)
    again = client.http.post(f"/api/v1/captures/{capture['id']}/retry")
    office.work()

    assert ("failed", 1) == (parked["status"], parked["attempts"])
    assert "photo-1.jpg" in parked["error"]
    assert 202 == again.status_code
    assert ("queued", 0, None) == (again.json()["status"], again.json()["attempts"], again.json()["error"])
    assert ("done", None) == (client.capture(str(capture["id"]))["status"], client.capture(str(capture["id"]))["error"])


def test_only_a_failed_capture_can_be_tried_again(office: Office, queue: Ledger) -> None:
    capture = queue.capture(queue.point())
    http = office.client(Role.inspector).http

    refusal(http.post(f"/api/v1/captures/{capture.id}/retry"), 409)
    refusal(http.post(f"/api/v1/captures/{uuid.uuid4()}/retry"), 404)


def test_a_capture_whose_picture_is_gone_is_tried_again_before_it_is_parked(
    office: Office, queue: Ledger, photo_factory: PhotoFactory
) -> None:
    capture = _take(office, queue, photo_factory())
    _file(office, capture).unlink()
    for _ in range(office.settings.max_attempts):
        change(queue, uuid.UUID(str(capture["id"])), not_before=now())
        office.worker.work_once()
    status, attempts, error = standing(queue, uuid.UUID(str(capture["id"])))

    assert ("failed", office.settings.max_attempts) == (status, attempts)
    assert "No picture is kept" in str(error)


def test_a_worker_whose_lease_was_lost_while_it_looked_records_nothing(
    office: Office, queue: Ledger, photo_factory: PhotoFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    capture = _take(office, queue, photo_factory(of="exposed_garbage"))
    capture_id = uuid.UUID(str(capture["id"]))
    write_down: Callable[..., None] = office.worker._write_down

    def too_late(*found: object) -> None:
        change(queue, capture_id, leased_by="another")
        write_down(*found)

    monkeypatch.setattr(office.worker, "_write_down", too_late)
    office.worker.work_once()

    with queue.database.read() as session:
        assert [] == list(session.scalars(sa.select(Sighting).where(Sighting.capture_id == capture_id)))
    assert "processing" == standing(queue, capture_id)[0]


def test_a_capture_that_was_processed_shows_no_picture_before(office: Office, queue: Ledger) -> None:
    capture = queue.capture(queue.point())

    refusal(office.client(Role.viewer).http.get(f"/api/v1/captures/{capture.id}/picture"), 404)


def test_a_small_picture_is_small(office: Office, queue: Ledger, photo_factory: PhotoFactory) -> None:
    capture = _take(office, queue, photo_factory(width=1200, height=900))
    office.work()
    http = office.client(Role.viewer).http
    large = http.get(f"/api/v1/captures/{capture['id']}/picture").content
    small = http.get(f"/api/v1/captures/{capture['id']}/picture?small=true").content

    assert len(small) < len(large)


def test_captures_can_be_listed_by_where_they_stand(office: Office, queue: Ledger) -> None:
    point = queue.point()
    waiting, failed = queue.capture(point), queue.capture(point)
    change(queue, failed.id, status=Status.failed, error="x")
    http = office.client(Role.viewer).http

    def listed(status: str) -> list[str]:
        found = expect(http.get("/api/v1/captures", params={"point": point.code, "status": status}))
        return [one["id"] for one in found["items"]]

    assert ([str(waiting.id)], [str(failed.id)], []) == (listed("queued"), listed("failed"), listed("done"))
    refusal(http.get("/api/v1/captures", params={"status": "lost"}), 422)
