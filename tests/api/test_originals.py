"""Pictures without faces for everybody, the original for few, each look with its reason in the log."""

from importlib.metadata import files

import cv2
import numpy as np
import pytest

from api.accounts.roles import Role
from detector.privacy import Veil
from tests.api.client import Client, refusal
from tests.api.office import Office

REASON = "a complaint about this very picture"


@pytest.fixture(scope="module")
def portrait() -> bytes:
    """Give a street with a face on it, as a JPEG: Eileen Collins, photographed by NASA."""
    path = next(one for one in files("scikit-image") or () if one.name == "astronaut.png")
    face = cv2.imread(str(path.locate()))
    assert face is not None
    street = np.full((900, 1200, 3), 140, np.uint8)
    street[200:712, 300:812] = face
    return cv2.imencode(".jpg", street)[1].tobytes()


@pytest.fixture(scope="module")
def capture(office: Office, service: Client, portrait: bytes) -> str:
    service.add_point("FACE")
    (taken,) = service.take(portrait, point="FACE")
    office.work()
    return str(taken["id"])


def pixels(content: bytes) -> np.ndarray:
    found = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    assert found is not None
    return found


def test_the_picture_that_is_shown_has_no_face(service: Client, capture: str, portrait: bytes) -> None:
    shown = service.http.get(f"/api/v1/captures/{capture}/picture").content
    veil = Veil()

    assert 1 == len(veil.find_faces(pixels(portrait)))  # type: ignore[arg-type]
    assert 0 == len(veil.find_faces(pixels(shown)))  # type: ignore[arg-type]


def test_the_original_is_the_file_that_was_sent_and_the_look_is_in_the_log(
    service: Client, capture: str, portrait: bytes
) -> None:
    before = len(service.all("/api/v1/audit"))
    answer = service.http.get(f"/api/v1/captures/{capture}/original", params={"reason": REASON})
    written = service.all("/api/v1/audit")

    assert portrait == answer.content
    assert "no-store" == answer.headers["cache-control"]
    assert before + 1 == len(written)
    assert ("original_opened", REASON, capture) == tuple(written[0][name] for name in ("action", "note", "subject_id"))


@pytest.mark.parametrize("reason", ["", "   ", "why", "a\nb c d e f", "x" * 501])
def test_without_a_reason_nothing_is_opened_and_nothing_written(service: Client, capture: str, reason: str) -> None:
    before = len(service.all("/api/v1/audit"))

    refusal(service.http.get(f"/api/v1/captures/{capture}/original", params={"reason": reason}), 422)

    assert before == len(service.all("/api/v1/audit"))


@pytest.mark.parametrize("role", [Role.viewer, Role.inspector, Role.reviewer, Role.handler])
def test_most_people_may_not_open_it(office: Office, capture: str, role: Role) -> None:
    answer = office.client(role).http.get(f"/api/v1/captures/{capture}/original", params={"reason": REASON})

    refusal(answer, 403)
