"""One e-mail to one person by SMTP. Nothing that people wrote can become a header or another recipient."""

import smtplib
import ssl
import time
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

from api.database import now
from api.notify.schemas import Failure
from api.notify.sending import SHOWN_LETTERS, Outcome
from api.settings import Settings


def is_mailbox(address: str) -> bool:
    """Say whether mail could go to an address at all: one plain ASCII mailbox, nothing around it."""
    try:
        parsed = Address(addr_spec=address)
    except (HeaderParseError, ValueError, IndexError):
        return False
    plain = address.isascii() and address.isprintable() and " " not in address
    return plain and bool(parsed.username and parsed.domain) and len(address) <= 254


def write(*, settings: Settings, delivery_id: str, to: str, title: str, text: str) -> EmailMessage:
    """Give the message; a repetition has the same Message-ID, by which mail programs know it."""
    message = EmailMessage()
    message["Subject"] = " ".join(title.split())[:200]
    message["From"] = Address("Pointwatch", addr_spec=settings.mail_from)
    message["To"] = Address(addr_spec=to)
    message["Date"] = format_datetime(now())
    message["Message-ID"] = f"<{delivery_id}@{settings.mail_from.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday answers, please
    message.set_content(text)
    return message


def send(message: EmailMessage, settings: Settings) -> Outcome:
    """Send, and say how it went; never raises for what the other side does."""
    begun = time.monotonic()
    status: int | None = None
    failure: Failure | None = None
    words = ""
    try:
        with _connect(settings) as server:
            server.send_message(message)
            status = 250
    except smtplib.SMTPRecipientsRefused as error:
        status, answer = next(iter(error.recipients.values()))
        failure = Failure.no_mailbox if status >= 500 else Failure.mail_refused
        words = answer.decode(errors="replace")
    except smtplib.SMTPNotSupportedError as error:  # no STARTTLS there: never in the clear instead
        failure, words = Failure.tls, str(error)
    except smtplib.SMTPResponseException as error:
        status, failure = error.smtp_code, Failure.mail_refused
        words = error.smtp_error.decode(errors="replace") if isinstance(error.smtp_error, bytes) else error.smtp_error
    except smtplib.SMTPException as error:
        silent = isinstance(error.__context__, TimeoutError)  # smtplib tells a silent server as one that hung up
        failure, words = Failure.timeout if silent else Failure.broken_off, str(error)
    except ssl.SSLError as error:
        failure, words = Failure.tls, str(error)
    except TimeoutError:
        failure = Failure.timeout
    except OSError:
        failure = Failure.no_connection
    shown = "".join(letter if letter.isprintable() else " " for letter in words)[:SHOWN_LETTERS]
    return Outcome(took_ms=round((time.monotonic() - begun) * 1000), status=status, failure=failure, answer=shown)


def _connect(settings: Settings) -> smtplib.SMTP:
    assert settings.smtp_host is not None
    tls = ssl.create_default_context()
    where = settings.smtp_host, settings.smtp_port
    if settings.smtp_security == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(*where, timeout=settings.webhook_timeout_s, context=tls)
    else:
        server = smtplib.SMTP(*where, timeout=settings.webhook_timeout_s)
    try:
        if settings.smtp_security == "starttls":
            server.starttls(context=tls)
        if settings.smtp_user and settings.smtp_password:
            server.login(settings.smtp_user, settings.smtp_password.get_secret_value())
    except (smtplib.SMTPException, OSError):
        server.close()
        raise
    return server
