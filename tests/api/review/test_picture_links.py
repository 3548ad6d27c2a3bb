"""Links to pictures, against the real service: whoever holds a good one sees one picture, any other sees none."""

import time
import uuid

import httpx
import pytest
from itsdangerous import TimestampSigner

from api.accounts.secret_files import link_secret
from api.links import LIFE, PATH, Links
from tests.api.client import Client, refusal
from tests.api.photographs import PhotoFactory
from tests.api.running import Running


class LongAgo(TimestampSigner):
    """Signs with the service's own key and the time at which a link that has just run out was made."""

    def get_timestamp(self) -> int:
        return int(time.time() - LIFE.total_seconds()) - 2


@pytest.fixture
def captures(over_wire: Client, photo_factory: PhotoFactory, point_code: str) -> list[uuid.UUID]:
    over_wire.add_point(point_code)
    taken = over_wire.take(photo_factory(), photo_factory(), point=point_code)
    return [uuid.UUID(one["id"]) for one in over_wire.wait(*taken)]


def signed(running: Running, capture: uuid.UUID) -> str:
    """Give the last part of a good link, without its ending."""
    made = Links(link_secret(running.data_dir)).make(running.url, capture)
    return made.removeprefix(running.url + PATH).removesuffix(".jpg")


def ask(running: Running, name: str) -> httpx.Response:
    return httpx.get(f"{running.url}{PATH}{name}.jpg", trust_env=False)


def test_a_good_link_shows_its_picture_to_somebody_without_a_key(running: Running, captures: list[uuid.UUID]) -> None:
    shown = ask(running, signed(running, captures[0]))

    assert (200, "image/jpeg") == (shown.status_code, shown.headers["content-type"])
    assert b"\xff\xd8" == shown.content[:2]


def test_a_link_past_its_time_is_refused_with_words_and_noted(running: Running, captures: list[uuid.UUID]) -> None:
    signer = LongAgo(link_secret(running.data_dir), salt="pointwatch.review.picture", sep=".")
    link = signer.sign(captures[0].hex).decode()
    young = TimestampSigner(link_secret(running.data_dir), salt="pointwatch.review.picture", sep=".")
    before = running.query("SELECT state, picture FROM review_cases ORDER BY id")

    said = refusal(ask(running, link), 403)

    assert "has run out" in said["detail"]
    assert 200 == ask(running, young.sign(captures[0].hex).decode()).status_code, "only its time was wrong"
    assert link in running.log()
    assert before == running.query("SELECT state, picture FROM review_cases ORDER BY id")


def test_a_link_that_was_not_signed_here_for_this_picture_is_refused_and_noted(
    running: Running, captures: list[uuid.UUID]
) -> None:
    good, other = (signed(running, one) for one in captures)
    capture, stamp, signature = good.split(".")
    forged = [
        f"{captures[1].hex}.{stamp}.{signature}",  # another capture under this one's signature
        f"{capture}.{stamp}.{other.split('.')[2]}",  # this capture under another's signature
        f"{capture}.{stamp[:-1]}{'B' if stamp[-1] == 'A' else 'A'}.{signature}",  # a time of one's own
        f"{capture}.{stamp}.{signature[:-4]}AAAA",
        f"{capture}.{stamp}",
        Links("somebody else's key").make("", captures[0]).removeprefix(PATH).removesuffix(".jpg"),
        capture,
        "..%2f..%2fsecrets%2fsession.key",
        "x" * 5000,
    ]

    for name in forged:
        said = refusal(ask(running, name), 403)
        assert "no link to a picture of ours" in said["detail"], name
    assert running.log().count('"event": "picture link refused"') >= len(forged)
