"""Messages on their way out: kept until they are delivered or given up. Takes a session, never commits.

A message is claimed under a lease before it is sent and its end is written down after: a process that dies in between
sends it again when the lease has run out. At least once, therefore, and always under the same id.
"""

import random
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.database import now
from api.notify.schemas import Channel, DeliveryState, Failure, Notice
from api.notify.sending import Outcome
from api.notify.tables import Attempt, Delivery, Webhook

GROWTH = 3  # each wait is so many times the one before
LONGEST_WAIT = timedelta(hours=4)
JITTER = 0.2  # of a wait, either way, so that what failed together does not come back together
SPARED = timedelta(minutes=1)  # a place that failed is left alone for so long, whatever else waits for it


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often and how long a delivery is tried."""

    first_wait: timedelta
    most_attempts: int
    give_up_after: timedelta  #: a webhook that has failed for so long is switched off
    lease: timedelta


def enqueue(session: Session, notice: Notice, webhooks: Iterable[Webhook]) -> list[Delivery]:
    """Put a notice on its way to webhooks; who was told of it before is not told again."""
    wanted = {webhook.id for webhook in webhooks}
    told = sa.select(Delivery.webhook_id).where(Delivery.notice == notice.key, Delivery.webhook_id.in_(wanted))
    missing = wanted - set(session.scalars(told))
    made = [_delivery(notice, Channel.webhook, webhook_id=one) for one in sorted(missing)]
    session.add_all(made)
    session.flush()
    return made


def enqueue_mail(session: Session, notice: Notice, user_id: uuid.UUID) -> None:
    """Put a notice on its way to somebody's mailbox."""
    session.add(_delivery(notice, Channel.mail, user_id=user_id))
    session.flush()


def _delivery(
    notice: Notice, channel: Channel, *, webhook_id: uuid.UUID | None = None, user_id: uuid.UUID | None = None
) -> Delivery:
    at = now()
    return Delivery(
        channel=channel,
        webhook_id=webhook_id,
        user_id=user_id,
        notice=notice.key,
        kind=notice.kind,
        payload=notice.model_dump(mode="json"),
        state=DeliveryState.waiting,
        created_at=at,
        not_before=at,
    )


def _due(channel: Channel, at: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    free = sa.or_(Delivery.lease_until.is_(None), Delivery.lease_until < at)
    return Delivery.channel == channel, Delivery.state == DeliveryState.waiting, Delivery.not_before <= at, free


def _ready(at: datetime) -> sa.Select[Webhook]:
    """Give the webhooks that may be sent to and for which something is due."""
    waiting = sa.exists().where(Delivery.webhook_id == Webhook.id, *_due(Channel.webhook, at))
    return sa.select(Webhook).where(
        Webhook.active,
        Webhook.removed_at.is_(None),
        sa.or_(Webhook.ready_at.is_(None), Webhook.ready_at <= at),
        sa.or_(Webhook.lease_until.is_(None), Webhook.lease_until < at),
        waiting,
    )


def something_is_due(session: Session) -> bool:
    """Say whether anything could be claimed: a look that locks nothing."""
    at = now()
    mail = sa.select(Delivery.id).where(*_due(Channel.mail, at)).limit(1)
    return any(session.execute(query.limit(1)).first() is not None for query in (_ready(at), mail))


def claim(session: Session, *, by: str, lease: timedelta) -> tuple[Delivery, Webhook] | None:
    """Take the next message to a webhook; None where nothing is due. One at a time to each webhook."""
    at = now()
    webhook = session.scalars(_ready(at).order_by(Webhook.ready_at).limit(1).with_for_update(skip_locked=True)).first()
    if webhook is None:
        return None
    mine = sa.select(Delivery).where(Delivery.webhook_id == webhook.id, *_due(Channel.webhook, at))
    delivery = session.scalars(mine.order_by(Delivery.not_before, Delivery.id).limit(1).with_for_update()).first()
    if delivery is None:  # somebody was faster
        return None
    webhook.lease_until = at + lease
    _lease(delivery, at, by, lease)
    session.flush()
    return delivery, webhook


def claim_mail(session: Session, *, by: str, lease: timedelta) -> Delivery | None:
    """Take the next message to a mailbox; None where none is due."""
    at = now()
    query = sa.select(Delivery).where(*_due(Channel.mail, at)).order_by(Delivery.not_before, Delivery.id).limit(1)
    delivery = session.scalars(query.with_for_update(skip_locked=True)).first()
    if delivery is not None:
        _lease(delivery, at, by, lease)
        session.flush()
    return delivery


def _lease(delivery: Delivery, at: datetime, by: str, lease: timedelta) -> None:
    delivery.lease_until, delivery.leased_by = at + lease, by
    delivery.attempts += 1


def finish(
    session: Session, delivery_id: uuid.UUID, by: str, outcome: Outcome, patience: Patience, *, pause_s: float = 0.0
) -> Webhook | None:
    """Write down how a try went; give the webhook if this failure made us switch it off.

    What somebody else has claimed meanwhile, after our lease ran out, is left to them.
    """
    delivery = session.get(Delivery, delivery_id, with_for_update=True, populate_existing=True)
    if delivery is None or delivery.leased_by != by:
        return None
    at = now()
    session.add(
        Attempt(
            delivery_id=delivery.id,
            at=at,
            took_ms=outcome.took_ms,
            status=outcome.status,
            error=outcome.failure,
            answer=outcome.answer,
        )
    )
    delivery.lease_until = delivery.leased_by = None
    delivery.error = outcome.failure
    if outcome.good:
        delivery.state, delivery.ended_at = DeliveryState.delivered, at
    elif delivery.attempts >= patience.most_attempts or outcome.failure in _HOPELESS:
        delivery.state, delivery.ended_at = DeliveryState.dead, at
    else:
        delivery.not_before = at + wait_before(delivery.attempts, patience, outcome.wait_s)
    webhook = _free_webhook(session, delivery, outcome, patience, pause_s) if delivery.webhook_id else None
    session.flush()
    return webhook


_HOPELESS = frozenset((Failure.gone, Failure.sealed, Failure.no_mailbox))


def wait_before(attempts: int, patience: Patience, wished_s: float | None) -> timedelta:
    """Give how long to wait after so many failed attempts: growing, with jitter, no less than the receiver asks for."""
    wait: timedelta = min(patience.first_wait * GROWTH ** min(attempts - 1, 20), LONGEST_WAIT)
    wait *= 1 + random.uniform(-JITTER, JITTER)  # noqa: S311 - not a secret
    wished = timedelta(seconds=wished_s or 0.0)
    return max(wait, wished)


def _free_webhook(
    session: Session, delivery: Delivery, outcome: Outcome, patience: Patience, pause_s: float
) -> Webhook | None:
    webhook = session.get(Webhook, delivery.webhook_id, with_for_update=True, populate_existing=True)
    assert webhook is not None
    at = now()
    webhook.lease_until = None
    if outcome.good:
        webhook.failing_since, webhook.ready_at = None, at + timedelta(seconds=pause_s)
        return None
    webhook.failing_since = webhook.failing_since or at
    spared = min(SPARED, patience.first_wait)
    webhook.ready_at = at + max(spared, timedelta(seconds=outcome.wait_s or pause_s))
    too_long = at - webhook.failing_since >= patience.give_up_after
    if webhook.active and (too_long or outcome.failure in (Failure.gone, Failure.sealed)):
        webhook.active, webhook.disabled_at = False, at
        let_die(session, webhook.id)
        return webhook
    return None


def let_die(session: Session, webhook_id: uuid.UUID) -> None:
    """Give up whatever waits for a webhook that is switched off; it can be sent again later."""
    waiting = (Delivery.webhook_id == webhook_id, Delivery.state == DeliveryState.waiting)
    session.execute(
        sa.update(Delivery)
        .where(*waiting)
        .values(
            state=DeliveryState.dead,
            ended_at=now(),
            error=Failure.switched_off,
            lease_until=None,
            leased_by=None,
        )
    )


def send_again(session: Session, *conditions: sa.ColumnElement[bool]) -> int:
    """Put dead deliveries on their way once more, under the ids they had; give how many."""
    again = (
        sa.update(Delivery)
        .where(Delivery.state == DeliveryState.dead, *conditions)
        .values(state=DeliveryState.waiting, attempts=0, not_before=now(), ended_at=None, error=None)
        .returning(Delivery.id)
    )
    return len(session.scalars(again).all())


def forget_old(session: Session, before: datetime) -> int:
    """Delete deliveries that ended before a moment, with their attempts; give how many."""
    old = list(session.scalars(sa.select(Delivery.id).where(Delivery.ended_at < before).limit(500)))
    session.execute(sa.delete(Attempt).where(Attempt.delivery_id.in_(old)))
    session.execute(sa.delete(Delivery).where(Delivery.id.in_(old)))
    return len(old)
