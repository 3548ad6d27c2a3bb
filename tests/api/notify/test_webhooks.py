"""Webhooks as their receivers and their keepers meet them, on both databases."""

import base64
import hashlib
import hmac
import json
import re
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa

from api.accounts.roles import Role
from api.notify.tables import Webhook
from tests.api.client import expect, refusal
from tests.api.notify.places import Manner, Place

ROOT = Path(__file__).resolve().parents[3]
PATH = "/api/v1/webhooks"


def test_a_message_arrives_signed_and_is_written_down(post):
    with Place() as place:
        webhook = post.webhook(place.url)
        delivery = post.test(webhook)
        post.carry()

    (call,) = place.calls
    assert delivery["id"] == call.headers["webhook-id"] == call.json["id"]
    assert "webhook.test" == call.json["type"]
    assert "City platform" in call.json["title"]
    assert genuine(call.headers, call.body, webhook["secret"])
    found = post.delivery(webhook, delivery)
    assert ("delivered", 1, None) == (found["state"], found["attempts"], found["error"])
    assert [(200, "ok")] == [(one["status"], one["answer"]) for one in found["tries"]]


def genuine(headers: dict[str, str], body: bytes, secret: str) -> bool:
    """Check a signature as Standard Webhooks describes it, written from its text and not from our code."""
    signed = headers["webhook-id"].encode() + b"." + headers["webhook-timestamp"].encode() + b"." + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return expected in headers["webhook-signature"].split(" ")


def test_the_example_for_receivers_tells_ours_from_others(post):
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/webhooks.md").read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, object] = {}
    exec(compile(code, "docs/webhooks.md", "exec"), names)
    verify = names["verify"]
    with Place() as place:
        webhook = post.webhook(place.url)
        post.test(webhook)
        post.carry()
    (call,) = place.calls

    assert verify(call.headers, call.body, webhook["secret"])
    assert not verify(call.headers, call.body + b" ", webhook["secret"])
    assert not verify(call.headers | {"webhook-timestamp": "1700000000"}, call.body, webhook["secret"])
    assert not verify(call.headers, call.body, "whsec_" + base64.b64encode(b"x" * 32).decode())


def test_for_a_day_the_old_secret_signs_beside_the_new_one(post):
    with Place() as place:
        webhook = post.webhook(place.url)
        renewed = expect(post.client.http.post(f"{PATH}/{webhook['id']}/secret"))
        post.test(webhook)
        post.carry()
        with post.office.context.database.write() as session:
            session.execute(sa.update(Webhook).values(old_secret_until=Webhook.created_at))
        post.test(webhook)
        post.carry()

    assert webhook["secret"] != renewed["secret"]
    changing, changed = place.calls
    assert genuine(changing.headers, changing.body, webhook["secret"])
    assert genuine(changing.headers, changing.body, renewed["secret"])
    assert not genuine(changed.headers, changed.body, webhook["secret"])
    assert genuine(changed.headers, changed.body, renewed["secret"])


@pytest.mark.parametrize(
    ("manner", "error", "status"),
    [
        (Manner(status=503), "status", 503),
        (Manner(status=404), "status", 404),
        (Manner(status=429, headers={"retry-after": "600"}), "slow_down", 429),
        (Manner(status=302, headers={"location": "http://127.0.0.1:1/"}), "redirected", 302),
        (Manner(hang_s=30), "timeout", None),
        (Manner(drip_s=0.2), "timeout", None),
        (Manner(reset=True), "broken_off", None),
    ],
    ids=lambda one: one.__dict__ and str(one.__dict__) if isinstance(one, Manner) else None,
)
def test_what_goes_wrong_is_tried_again_under_the_same_id(post, manner, error, status):
    with Place(manner, Manner()) as place:
        webhook = post.webhook(place.url)
        delivery = post.test(webhook)
        post.carry()
        failed = post.delivery(webhook, delivery)
        assert ("waiting", error) == (failed["state"], failed["error"])
        assert [status] == [one["status"] for one in failed["tries"]]
        assert failed["tries"][0]["took_ms"] < 2500
        if error == "slow_down":
            assert timedelta(minutes=9) < post.waits_for(delivery)
        post.time_passes(timedelta(hours=1))
        post.carry()

    assert "delivered" == post.delivery(webhook, delivery)["state"]
    assert 1 == len({one.headers["webhook-id"] for one in place.calls})


def test_an_answer_without_an_end_is_not_read_to_its_end(post):
    with Place(Manner(endless=True)) as place:
        webhook = post.webhook(place.url)
        delivery = post.test(webhook)
        post.carry()

    (tried,) = post.delivery(webhook, delivery)["tries"]
    assert 200 == tried["status"]
    assert 500 == len(tried["answer"])


def test_the_waits_grow_over_hours_and_then_the_message_is_dead_until_it_is_sent_again(post):
    with Place(*[Manner(status=500)] * 10, Manner()) as place:
        webhook = post.webhook(place.url)
        delivery = post.test(webhook)
        waits = []
        for _ in range(10):
            post.carry()
            waits.append(post.waits_for(delivery).total_seconds())
            post.time_passes(timedelta(seconds=max(waits[-1], 0) + 60))
        dead = post.delivery(webhook, delivery)
        assert ("dead", 10) == (dead["state"], len(dead["tries"]))
        assert waits[:8] == sorted(waits[:8])
        assert 8 * 3600 < sum(waits[:9]) < 16 * 3600

        again = expect(post.client.http.post(f"{PATH}/{webhook['id']}/deliveries/{delivery['id']}/again"))
        assert "waiting" == again["state"]
        post.carry()

    assert "delivered" == post.delivery(webhook, delivery)["state"]
    assert {delivery["id"]} == {one.headers["webhook-id"] for one in place.calls}
    refusal(post.client.http.post(f"{PATH}/{webhook['id']}/deliveries/{delivery['id']}/again"), 409)


def test_what_failed_for_a_day_is_switched_off_and_comes_back_on_with_all_that_it_missed(post):
    with Place(Manner(status=500), Manner(status=500), Manner()) as place:
        webhook = post.webhook(place.url)
        first, second = post.test(webhook), post.test(webhook)
        post.carry()
        post.time_passes(timedelta(hours=25))
        post.carry()
        off = post.show(webhook)
        assert not off["active"]
        assert off["disabled_at"]
        assert {"dead"} == {post.delivery(webhook, one)["state"] for one in (first, second)}
        refusal(post.client.http.post(f"{PATH}/{webhook['id']}/test"), 409)
        refusal(post.client.http.post(f"{PATH}/{webhook['id']}/deliveries/again"), 409)

        on = expect(post.client.http.put(f"{PATH}/{webhook['id']}", json={"name": "City platform"}))
        assert (True, None, None) == (on["active"], on["disabled_at"], on["failing_since"])
        assert {"count": 2} == expect(post.client.http.post(f"{PATH}/{webhook['id']}/deliveries/again"))
        post.carry()

    assert {"delivered"} == {post.delivery(webhook, one)["state"] for one in (first, second)}


def test_who_is_gone_for_good_is_not_asked_again(post):
    with Place(Manner(status=410)) as place:
        webhook = post.webhook(place.url)
        delivery = post.test(webhook)
        post.carry()

    assert ("dead", "gone") == tuple(post.delivery(webhook, delivery)[one] for one in ("state", "error"))
    assert not post.show(webhook)["active"]


def test_a_place_that_is_down_gets_one_knock_not_one_for_each_message(post):
    with Place(Manner(status=500)) as place:
        webhook = post.webhook(place.url)
        for _ in range(5):
            post.test(webhook)
        post.carry()

    assert 1 == len(place.calls)


def test_what_was_claimed_by_a_process_that_died_is_sent_by_another(post):
    with Place() as place:
        webhook = post.webhook(place.url)
        delivery = post.test(webhook)
        assert post.courier._claim() is not None  # and then the power fails
        assert 0 == post.carry()
        post.time_passes(timedelta(minutes=1))
        post.carry()

    assert 1 == len(place.calls)
    assert "delivered" == post.delivery(webhook, delivery)["state"]


# Robots, whose answers are 200 whatever they think.
ROBOTS = {
    "wecom": (b'{"errcode":0,"errmsg":"ok"}', b'{"errcode":93000,"errmsg":"invalid webhook url"}'),
    "dingtalk": (b'{"errcode":0,"errmsg":"ok"}', b'{"errcode":310000,"errmsg":"sign not match"}'),
    "feishu": (b'{"code":0,"msg":"success"}', b'{"code":19021,"msg":"sign match fail"}'),
}


@pytest.mark.parametrize("template", ROBOTS)
def test_a_robot_that_says_no_with_a_200_is_asked_again(post, template):
    good, bad = ROBOTS[template]
    with Place(Manner(body=bad), Manner(body=b"<html>"), Manner(body=good)) as place:
        webhook = post.webhook(place.url, template=template, language="zh")
        delivery = post.test(webhook)
        for _ in range(3):
            post.carry()
            post.time_passes(timedelta(hours=1))

    found = post.delivery(webhook, delivery)
    assert ["robot", "robot", None] == [one["error"] for one in found["tries"]]
    assert "点巡测试消息" in place.calls[0].body.decode()


def test_dingtalk_is_signed_in_the_query(post):
    with Place(Manner(body=ROBOTS["dingtalk"][0])) as place:
        post.test(post.webhook(f"{place.url}?access_token=abc", template="dingtalk", secret="SECret"))
        post.carry()

    (call,) = place.calls
    query = parse_qs(urlsplit(call.path).query)
    signed = hmac.new(b"SECret", f"{query['timestamp'][0]}\nSECret".encode(), hashlib.sha256).digest()
    assert ["abc"] == query["access_token"]
    assert 13 == len(query["timestamp"][0])
    assert [base64.b64encode(signed).decode()] == query["sign"]
    assert "markdown" == call.json["msgtype"]


def test_feishu_is_signed_in_the_body(post):
    with Place(Manner(body=ROBOTS["feishu"][0])) as place:
        post.test(post.webhook(place.url, template="feishu", secret="hush"))
        post.carry()

    (call,) = place.calls
    signed = hmac.new(f"{call.json['timestamp']}\nhush".encode(), b"", hashlib.sha256).digest()
    assert base64.b64encode(signed).decode() == call.json["sign"]
    assert 10 == len(call.json["timestamp"])
    assert "post" == call.json["msg_type"]


def test_a_robot_is_not_sent_more_than_it_takes(post):
    with Place(Manner(body=ROBOTS["wecom"][0])) as place:
        webhook = post.webhook(place.url, template="wecom")
        for _ in range(3):
            post.test(webhook)
        post.carry()
        assert 1 == len(place.calls)
        post.time_passes(timedelta(seconds=3))
        post.carry()

    assert 2 == len(place.calls)


# Keeping webhooks.


def test_neither_secret_nor_key_is_ever_shown_or_stored_in_the_clear(post):
    with Place() as place:
        url = f"{place.url}?access_token=TOKEN-IN-THE-ADDRESS"
        webhook = post.webhook(url, template="dingtalk", secret="SEC-OF-THE-ROBOT")
    shown = json.dumps([post.show(webhook), expect(post.client.http.get(PATH))])
    with post.office.context.database.read() as session:
        stored = str([tuple(row) for row in session.execute(sa.select(*Webhook.__table__.columns))])

    for text in (shown, stored):
        assert "TOKEN-IN-THE-ADDRESS" not in text
        assert "SEC-OF-THE-ROBOT" not in text
    assert f"http://127.0.0.1:{place.port}/…" == webhook["address"]


def test_a_sealed_secret_fits_into_no_other_row(post):
    with Place() as place:
        one, other = post.webhook(place.url), post.webhook(place.url)
        with post.office.context.database.write() as session:
            rows = {str(row.id): row for row in session.scalars(sa.select(Webhook))}
            rows[one["id"]].sealed_secret = rows[other["id"]].sealed_secret
        delivery = post.test(one)
        post.carry()

    assert [] == place.calls
    assert ("dead", "sealed") == tuple(post.delivery(one, delivery)[name] for name in ("state", "error"))


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/x",
        "example.org",
        "https://",
        "https://user:pass@example.org/",
        "https://example.org/#x",
        "https://exa mple.org/",
        "https://example.org:99999/",
        "https://[::1/",
        "http://10.0.0.1/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::a00:1]/",
        "https://0.0.0.0/",
        "https://100.64.0.1/",
        "https://224.0.0.1/",
        "http://93.184.216.34/",
        "https://example.org/" + "x" * 1000,
    ],
)
def test_addresses_that_lead_inside_or_nowhere_are_refused(post, url):
    refusal(post.client.http.post(PATH, json={"name": "x", "url": url}), 422)


@pytest.mark.parametrize(
    "changed",
    [
        {"name": ""},
        {"name": "two\nlines"},
        {"template": "slack"},
        {"kinds": ["everything"]},
        {"secret": "short"},
        {"template": "wecom", "secret": "x"},
        {"url": None},
        {"unknown": 1},
    ],
)
def test_webhooks_that_cannot_be_are_refused(post, changed):
    refusal(post.client.http.post(PATH, json={"name": "x", "url": "https://example.org/"} | changed), 422)


def test_a_change_needs_the_newest_revision_and_can_be_repeated_by_nobody_else(post):
    webhook = post.webhook("https://example.org/hook")
    where = f"{PATH}/{webhook['id']}"
    changed = post.client.http.put(where, json={"name": "Other"}, headers={"If-Match": '"1"'})

    assert ("Other", 2) == (expect(changed)["name"], expect(changed)["revision"])
    assert '"2"' == changed.headers["etag"]
    refusal(post.client.http.put(where, json={"name": "Third"}, headers={"If-Match": '"1"'}), 412)
    refusal(post.client.http.put(where, json={"name": "Third", "template": "feishu"}), 422)


def test_a_webhook_that_was_removed_is_gone_and_nothing_waits_for_it(post):
    webhook = post.webhook("https://example.org/hook")
    post.test(webhook)

    assert 204 == post.client.http.delete(f"{PATH}/{webhook['id']}").status_code
    refusal(post.client.http.get(f"{PATH}/{webhook['id']}"), 404)
    refusal(post.client.http.get(f"{PATH}/{webhook['id']}/deliveries"), 404)
    assert webhook["id"] not in [one["id"] for one in post.client.all(PATH)]
    assert 0 == post.carry()


def test_the_log_has_a_cursor_and_can_be_narrowed(post):
    with Place() as place:
        webhook = post.webhook(place.url)
        made = [post.test(webhook)["id"] for _ in range(5)]
        post.carry()
        waiting = post.test(webhook)["id"]
        where = f"{PATH}/{webhook['id']}/deliveries"

        assert [waiting, *reversed(made)] == [one["id"] for one in post.client.all(where, limit=2)]
        assert [waiting] == [one["id"] for one in post.client.all(where, state="waiting")]
        post.carry()


@pytest.mark.parametrize("role", [Role.viewer, Role.inspector, Role.reviewer])
def test_only_administrators_keep_webhooks(post, role):
    webhook = post.webhook("https://example.org/hook")
    stranger = post.office.client(role).http

    refusal(stranger.get(PATH), 403)
    refusal(stranger.post(PATH, json={"name": "x", "url": "https://example.org/"}), 403)
    refusal(stranger.post(f"{PATH}/{webhook['id']}/test"), 403)
