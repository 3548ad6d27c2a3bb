"""E-mail to a real SMTP server of this machine: who asked for it gets it, and nothing in it becomes a header."""

import uuid
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from aiosmtpd.controller import Controller

from api.accounts import service as accounts
from api.accounts.schemas import UserKind
from api.database import now
from api.notify import inbox, mail
from api.notify.schemas import Failure, Notice, Preferences
from api.settings import Settings
from tests.api.notify.places import Place
from tests.api.running import free_port


class Box:
    """Takes every message, or answers each recipient with `refusal`."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.refusal: str | None = None

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802 - aiosmtpd's name
        if self.refusal:
            return self.refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802
        self.messages.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"


@pytest.fixture
def box():
    handler = Box()
    handler.port = free_port()
    controller = Controller(handler, hostname="127.0.0.1", port=handler.port)
    controller.start()
    yield handler
    controller.stop()


def settings(port: int, **changes) -> Settings:
    given = {"smtp_host": "127.0.0.1", "smtp_port": port, "smtp_security": "none", "webhook_timeout_s": 1.0}
    return Settings(**given | changes)


def written(of: Settings, title: str = "Overdue", to: str = "li@example.org") -> EmailMessage:
    return mail.write(settings=of, delivery_id="0190-id", to=to, title=title, text="第一行\nBcc: all@example.org\n")


def test_a_message_arrives_whole_in_chinese(box):
    given = settings(box.port)

    outcome = mail.send(written(given, "超时：暴露垃圾"), given)
    assert (None, 250) == (outcome.failure, outcome.status)
    (message,) = box.messages
    assert "超时：暴露垃圾" == message["subject"]
    assert "<0190-id@localhost>" == message["message-id"]
    assert "auto-generated" == message["auto-submitted"]
    assert message.get_content().startswith("第一行")


def test_nothing_that_people_wrote_becomes_a_header(box):
    given = settings(box.port)
    mail.send(written(given, "Overdue\r\nBcc: all@example.org\r\n\r\nBody"), given)

    (message,) = box.messages
    assert message["bcc"] is None
    assert ["li@example.org"] == [one.addr_spec for one in message["to"].addresses]


@pytest.mark.parametrize(
    "address", ["", "x", "a@b\nBcc: c@d", "a@b, c@d", "李@例子.cn", "a b@c", "@c", "x@" + "y" * 300]
)
def test_what_is_no_mailbox_gets_no_mail(address):
    assert not mail.is_mailbox(address)


@pytest.mark.parametrize(
    ("refusal", "failure"), [("550 no such user", Failure.no_mailbox), ("451 later", Failure.mail_refused)]
)
def test_a_refused_recipient_is_told_from_a_busy_server(box, refusal, failure):
    box.refusal = refusal
    given = settings(box.port)

    assert failure == mail.send(written(given), given).failure


def test_without_starttls_nothing_is_sent_in_the_clear(box):
    given = settings(box.port, smtp_security="starttls")

    assert Failure.tls == mail.send(written(given), given).failure
    assert [] == box.messages


def test_a_server_that_is_silent_or_away_is_a_failure_not_a_fault():
    with Place() as place:  # waits for our first word, and we for its
        silent = settings(place.port)
        assert Failure.timeout == mail.send(written(silent), silent).failure
    away = settings(place.port)
    assert Failure.no_connection == mail.send(written(away), away).failure


def test_who_asked_for_it_gets_it_by_mail_as_well_and_once(make_post, box):
    post = make_post(smtp_host="127.0.0.1", smtp_port=box.port, smtp_security="none")
    login = f"li-{uuid.uuid4().hex[:8]}"
    notice = Notice(key=f"key-{login}", kind="webhook.disabled", at=now(), facts={"webhook": "City", "address": "x"})
    with post.office.context.database.write() as session:
        user = accounts.add_user(session, login=login, name=login, kind=UserKind.person, grants=[])
        user.email, user.language = "li@example.org", "zh"
        inbox.set_preferences(session, user.id, Preferences(mail=["webhook.*"]))
        inbox.put(session, user.id, notice)
        inbox.put(session, user.id, notice)
    post.carry()

    (message,) = box.messages
    assert "已自动停用" in message["subject"]
    assert "https://dianxun.example/webhooks" in message.get_content()
