"""What is sent to each kind of webhook, how each proves who sends, and what each calls a success.

Sources of the robots' schemes, read in November 2026: open.work.weixin.qq.com (91770: key in the address, no signature,
Markdown up to 4096 bytes, 20 messages a minute), open.dingtalk.com (robot "sign": `timestamp\\nsecret` signed with the
secret, both in the query, milliseconds), open.feishu.cn (custom bot: nothing signed with `timestamp\\nsecret`, in the
body, seconds; 100 a minute, 5 a second). All of them answer 200 for most errors and say so in the body.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from api.notify import signing
from api.notify.schemas import Failure, Template


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a template works with."""

    delivery_id: str
    at: datetime  #: now: when it is signed
    title: str  #: one line in the webhook's language
    text: str  #: lines below it
    url: str | None  #: where people read more
    data: dict[str, Any]  #: everything, for machines
    secrets: list[str]  #: in force, the newest first


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """What goes over the wire."""

    body: bytes
    headers: dict[str, str]
    query: str = ""  #: added to the address


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer means; `failure` is None where it was taken."""

    failure: Failure | None
    wait_s: float | None = None  #: the receiver's own wish, before the next try


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How one kind of webhook is spoken to."""

    write: Callable[[Told], Parcel]
    judge: Callable[[int, bytes], Verdict]  #: of an answer that HTTP calls good
    pause_s: float  #: between two messages
    signs: bool  #: takes a secret


def _json(told: Told) -> Parcel:
    body = json.dumps(told.data, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    signed = signing.headers(told.delivery_id, int(told.at.timestamp()), body, told.secrets)
    return Parcel(body=body, headers=signed)


def _plain_judge(_status: int, _body: bytes) -> Verdict:
    return Verdict(None)


WECOM_BYTES = 4096
DINGTALK_BYTES = 18_000  # 20,000 for the whole body
FEISHU_BYTES = 18_000


def _wecom(told: Told) -> Parcel:
    text = _cut(_markdown(told), WECOM_BYTES)
    return _robot(told, {"msgtype": "markdown", "markdown": {"content": text}})


def _dingtalk(told: Told) -> Parcel:
    body = {
        "msgtype": "markdown",
        "markdown": {"title": told.title[:100], "text": _cut(_markdown(told), DINGTALK_BYTES)},
    }
    query = ""
    if told.secrets:
        stamp = str(int(told.at.timestamp() * 1000))
        secret = told.secrets[0]
        signature = hmac.digest(secret.encode(), f"{stamp}\n{secret}".encode(), hashlib.sha256)
        query = urlencode({"timestamp": stamp, "sign": base64.b64encode(signature).decode()})
    return _robot(told, body, query)


def _feishu(told: Told) -> Parcel:
    lines: list[list[dict[str, str]]] = [
        [{"tag": "text", "text": line}] for line in _cut(told.text, FEISHU_BYTES).split("\n")
    ]
    if told.url:
        lines.append([{"tag": "a", "text": told.url, "href": told.url}])
    body: dict[str, Any] = {
        "msg_type": "post",
        "content": {"post": {"zh_cn": {"title": told.title[:100], "content": lines}}},
    }
    if told.secrets:
        stamp = str(int(told.at.timestamp()))
        signature = hmac.digest(f"{stamp}\n{told.secrets[0]}".encode(), b"", hashlib.sha256)
        body |= {"timestamp": stamp, "sign": base64.b64encode(signature).decode()}
    return _robot(told, body)


def _robot(told: Told, body: Mapping[str, Any], query: str = "") -> Parcel:
    encoded = json.dumps(body, ensure_ascii=False).encode()
    return Parcel(body=encoded, headers={"webhook-id": told.delivery_id}, query=query)


def _markdown(told: Told) -> str:
    """Give title and text as the Markdown that the robots share; what people wrote cannot become a link or a mark."""
    lines = [f"**{_escaped(told.title)}**", *(f"> {_escaped(line)}" for line in told.text.split("\n") if line)]
    if told.url:
        lines.append(f"[{told.url}]({told.url})")
    return "\n\n".join(lines)


def _escaped(text: str) -> str:
    for mark in "\\`*_[]<>#|":
        text = text.replace(mark, {"<": "＜", ">": "＞"}.get(mark, f"\\{mark}"))
    return text


def _cut(text: str, most_bytes: int) -> str:
    """Cut a text to a number of bytes of UTF-8, between two letters."""
    raw = text.encode()
    return text if len(raw) <= most_bytes else raw[: most_bytes - 3].decode(errors="ignore") + "…"


def _robot_judge(member: str, busy: frozenset[int]) -> Callable[[int, bytes], Verdict]:
    def judge(_status: int, body: bytes) -> Verdict:
        try:
            answer = json.loads(body)
            code = int(answer[member])
        except (ValueError, KeyError, TypeError):
            return Verdict(Failure.robot)
        if code in busy:
            return Verdict(Failure.slow_down, 60.0)
        return Verdict(None if code == 0 else Failure.robot)

    return judge


DIALECTS = {
    Template.json: Dialect(write=_json, judge=_plain_judge, pause_s=0.0, signs=True),
    Template.wecom: Dialect(
        write=_wecom, judge=_robot_judge("errcode", frozenset((45009, 45033))), pause_s=3.0, signs=False
    ),
    Template.dingtalk: Dialect(
        write=_dingtalk, judge=_robot_judge("errcode", frozenset((130101, 130102))), pause_s=3.0, signs=True
    ),
    Template.feishu: Dialect(
        write=_feishu, judge=_robot_judge("code", frozenset((9499, 11232))), pause_s=0.6, signs=True
    ),
}
