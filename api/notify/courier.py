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

from api.context import Service
from api.database import now
from api.errors import StreetError
from api.notify import outbox, service, words
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
    webhook: Webhook


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
            return None

    async def _deliver(self, job: Job) -> None:
        try:
            outcome = await self._post(job.delivery, job.webhook)
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

    def _finish(self, job: Job, outcome: Outcome) -> None:
        pause_s = DIALECTS[Template(job.webhook.template)].pause_s
        with self._context.database.write() as session:
            disabled = outbox.finish(session, job.delivery.id, self._name, outcome, self.patience, pause_s=pause_s)
            if disabled is not None:
                log.warning("webhook switched off", webhook=str(disabled.id), name=disabled.name)
        _log(job, outcome)


def _log(job: Job, outcome: Outcome) -> None:
    facts: dict[str, Any] = {
        "delivery": str(job.delivery.id),
        "kind": job.delivery.kind,
        "took_ms": outcome.took_ms,
        "status": outcome.status,
    }
    if outcome.good:
        log.info("delivered", **facts)
    else:
        log.warning("delivery failed", failure=outcome.failure, attempt=job.delivery.attempts, **facts)
