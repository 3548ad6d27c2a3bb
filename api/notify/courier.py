"""Carries messages out: a thread of the worker with a small loop of its own. One try each, then the outbox decides.

Killed at any moment it loses nothing: what it had claimed comes back when the lease runs out.
"""

import asyncio
import threading
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
import structlog

from api.accounts import service as accounts
from api.context import Service
from api.database import now
from api.errors import StreetError
from api.notify import mail, outbox, service, telling, words
from api.notify.addresses import Lookup, look_up, take_apart
from api.notify.schemas import Failure, Notice, Template
from api.notify.sending import Outcome, Sender
from api.notify.tables import Delivery, Webhook
from api.notify.templates import DIALECTS, Told
from api.sealing import SealBroken

log = structlog.get_logger()

AT_ONCE = 8
IDLE_S = 0.5
TROUBLED_S = 5.0  # after the database did not answer
LEASE_MARGIN_S = 20.0  # beyond the longest try, for a slow disk


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One message that was claimed."""

    delivery: Delivery
    webhook: Webhook | None  #: None: an e-mail


class Courier:
    """Sends whatever is due, several at once, one at a time to each place."""

    def __init__(self, context: Service, name: str, *, lookup: Lookup = look_up, idle_s: float = IDLE_S) -> None:
        settings = context.settings
        self._context, self._name, self._idle_s = context, name, idle_s
        self._stopping = threading.Event()
        self._sender = Sender(timeout_s=settings.webhook_timeout_s, networks=settings.networks, lookup=lookup)
        self.patience = outbox.Patience(
            first_wait=timedelta(seconds=settings.webhook_first_wait_s),
            most_attempts=settings.webhook_attempts,
            give_up_after=timedelta(hours=settings.webhook_give_up_h),
            lease=timedelta(seconds=settings.webhook_timeout_s + LEASE_MARGIN_S),
        )

    def stop(self) -> None:
        """Let what is on its way arrive, then leave."""
        self._stopping.set()

    def run(self) -> None:
        """Carry until told to stop."""
        asyncio.run(self._carry())

    async def _carry(self) -> None:
        running: set[asyncio.Task[None]] = set()
        while not self._stopping.is_set():
            job = None
            try:
                if len(running) < AT_ONCE:
                    job = await asyncio.to_thread(self._claim)
            except sa.exc.SQLAlchemyError as error:
                log.warning("courier waits for the database", reason=type(error).__name__)
                await asyncio.sleep(TROUBLED_S)
            if job is None:
                await asyncio.sleep(self._idle_s)
            else:
                task = asyncio.create_task(self._deliver(job))
                running.add(task)
                task.add_done_callback(running.discard)
        await asyncio.gather(*running)

    def carry_all(self) -> int:
        """Send whatever is due now, one after another, and give how many that were."""
        sent = 0
        while (job := self._claim()) is not None:
            asyncio.run(self._deliver(job))
            sent += 1
        return sent

    def _claim(self) -> Job | None:
        database, lease = self._context.database, self.patience.lease
        with database.read() as session:
            if not outbox.something_is_due(session):
                return None
        with database.write() as session:
            found = outbox.claim(session, by=self._name, lease=lease)
            if found is not None:
                return Job(delivery=found[0], webhook=found[1])
            delivery = outbox.claim_mail(session, by=self._name, lease=lease)
            return Job(delivery=delivery, webhook=None) if delivery is not None else None

    async def _deliver(self, job: Job) -> None:
        try:
            if job.webhook is not None:
                outcome = await self._post(job.delivery, job.webhook)
            else:
                outcome = await asyncio.to_thread(self._mail, job.delivery)
        except Exception as error:  # the job loop: one message must never stop the others
            log.exception("delivery failed", delivery=str(job.delivery.id))
            outcome = Outcome(took_ms=0, failure=Failure.fault, answer=type(error).__name__)
        await asyncio.to_thread(self._finish, job, outcome)

    async def _post(self, delivery: Delivery, webhook: Webhook) -> Outcome:
        sealer, notice = self._context.sealer, Notice.model_validate(delivery.payload)
        try:
            url, secrets = service.url_of(webhook, sealer), service.secrets_of(webhook, sealer)
        except SealBroken:
            return Outcome(took_ms=0, failure=Failure.sealed)
        try:
            target = take_apart(url, self._context.settings.networks)  # the settings may have changed since
        except StreetError:
            return Outcome(took_ms=0, failure=Failure.refused_address)
        dialect = DIALECTS[Template(webhook.template)]
        writer = words.Writer(self._context, webhook.language)
        told = writer.write(notice)
        link = writer.link(told)
        parcel = dialect.write(
            Told(
                delivery_id=str(delivery.id),
                at=now(),
                title=told.title,
                text=told.text,
                url=link,
                data=words.machine_form(notice, str(delivery.id), told, link),
                secrets=secrets,
            )
        )
        return await self._sender.send(target, parcel, dialect)

    def _mail(self, delivery: Delivery) -> Outcome:
        settings = self._context.settings
        with self._context.database.read() as session:
            assert delivery.user_id is not None  # an e-mail is somebody's
            user = accounts.get_user(session, delivery.user_id)
        if settings.smtp_host is None or not user.active or not user.email or not mail.is_mailbox(user.email):
            return Outcome(took_ms=0, failure=Failure.no_mailbox)
        writer = words.Writer(self._context, user.language or settings.language)
        told = writer.write(Notice.model_validate(delivery.payload))
        link = writer.link(told)
        text = "\n".join([told.title, "", told.text, "", *([link] if link else [])]).strip() + "\n"
        message = mail.write(
            settings=settings, delivery_id=str(delivery.id), to=user.email, title=told.title, text=text
        )
        return mail.send(message, settings)

    def _finish(self, job: Job, outcome: Outcome) -> None:
        pause_s = DIALECTS[Template(job.webhook.template)].pause_s if job.webhook else 0.0
        with self._context.database.write() as session:
            disabled = outbox.finish(session, job.delivery.id, self._name, outcome, self.patience, pause_s=pause_s)
            if disabled is not None:
                log.warning("webhook switched off", webhook=str(disabled.id), name=disabled.name)
                facts = {"webhook": disabled.name, "address": disabled.address}
                key = f"webhook:{disabled.id}:{disabled.revision}"
                telling.tell_admins(session, Notice(key=key, kind="webhook.disabled", at=now(), facts=facts))
        _log(job, outcome)


def _log(job: Job, outcome: Outcome) -> None:
    facts: dict[str, Any] = {
        "delivery": str(job.delivery.id),
        "channel": job.delivery.channel,
        "kind": job.delivery.kind,
        "took_ms": outcome.took_ms,
        "status": outcome.status,
    }
    if outcome.good:
        log.info("delivered", **facts)
    else:
        log.warning("delivery failed", failure=outcome.failure, attempt=job.delivery.attempts, **facts)
