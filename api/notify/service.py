"""Webhooks: what may happen to them. Takes a session, never commits."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.audit.changes import NOTHING, Picture, note_change, picture
from api.database import new_id, now
from api.errors import Conflict, NotFound, Stale, Unfit
from api.notify import outbox, signing
from api.notify.addresses import Network, take_apart
from api.notify.schemas import DeliveryState, Filters, Notice, Template, WebhookFields
from api.notify.tables import Attempt, Delivery, Webhook
from api.notify.templates import DIALECTS
from api.paging import Window, cut
from api.sealing import SealBroken, Sealer

MOST_WEBHOOKS = 100
SUBJECT = "webhook"  # of the audit log
_SECRET = ("sealed_url", "sealed_secret", "sealed_old_secret")  # sealed as they are, they are nobody's business
#: What changes by itself, or with what is told anyhow:
_NOT_TOLD = ("made_by", "failing_since", "ready_at", "disabled_at", "lease_until", "removed_at", "old_secret_until")
OLD_SECRET_LIFE = timedelta(hours=24)  # both secrets sign for so long, so that a receiver can change over
TEST_KIND = "webhook.test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What it takes to keep webhooks."""

    sealer: Sealer
    networks: Sequence[Network]  #: of the office's own, which webhooks may reach


def list_webhooks(session: Session, window: Window) -> tuple[list[Webhook], str | None]:
    """Give one page of the webhooks, newest first."""
    return cut(session, sa.select(Webhook).where(Webhook.removed_at.is_(None)), Webhook, window)


def get_webhook(session: Session, webhook_id: uuid.UUID, *, lock: bool = False) -> Webhook:
    """Give a webhook.

    Raises:
        NotFound: there is none, or it was removed.
    """
    row = session.get(Webhook, webhook_id, with_for_update=lock, populate_existing=lock)
    if row is None or row.removed_at is not None:
        raise NotFound(f"There is no webhook {webhook_id}.")
    return row


def make_webhook(
    session: Session, wanted: WebhookFields, means: Means, *, by: uuid.UUID | None
) -> tuple[Webhook, str | None]:
    """Make a webhook; the second value is the secret it signs with, which is shown once.

    Raises:
        Unfit: its address or secret cannot be. Conflict: there are too many.
    """
    if not wanted.url:
        raise Unfit("url: say where the webhook leads.")
    in_use = session.scalar(sa.select(sa.func.count()).select_from(Webhook).where(Webhook.removed_at.is_(None))) or 0
    if in_use >= MOST_WEBHOOKS:
        raise Conflict(f"There are {MOST_WEBHOOKS} webhooks already. Remove one first.")
    at = now()
    row = Webhook(id=new_id(), made_by=by, created_at=at, updated_at=at)
    secret = wanted.secret
    if secret is None and wanted.template is Template.json:
        secret = signing.new_secret()
    _fill(row, wanted, means)
    _set_secret(row, secret, wanted.template, means)
    session.add(row)
    session.flush()
    _note(session, row, NOTHING, by)
    return row, secret


def change_webhook(
    session: Session,
    webhook_id: uuid.UUID,
    wanted: WebhookFields,
    means: Means,
    *,
    revision: int | None,
    by: uuid.UUID | None,
) -> Webhook:
    """Change a webhook; what is left out of address and secret stays. Switching it on again forgets its failures.

    Raises:
        NotFound, Stale, Unfit.
    """
    row = get_webhook(session, webhook_id, lock=True)
    _require_revision(row, revision)
    before = _told(row)
    if wanted.template != row.template and (wanted.url is None or wanted.secret is None):
        signs = DIALECTS[wanted.template].signs
        if wanted.url is None or (signs and row.sealed_secret is not None):
            raise Unfit("template: another kind of webhook has another address and secret; give both.")
    _fill(row, wanted, means)
    if wanted.secret is not None or not DIALECTS[wanted.template].signs:
        _set_secret(row, wanted.secret, wanted.template, means)
    if row.active:
        row.disabled_at = row.failing_since = row.ready_at = None
    else:
        outbox.let_die(session, row.id)
    row.updated_at, row.revision = now(), row.revision + 1
    _note(session, row, before, by)
    session.flush()
    return row


def replace_secret(
    session: Session, webhook_id: uuid.UUID, means: Means, *, revision: int | None, by: uuid.UUID | None
) -> tuple[Webhook, str]:
    """Give a webhook a new secret, which is shown once; for a day the old one signs as well.

    Raises:
        NotFound, Stale; Unfit: a robot's secret is made by the robot.
    """
    row = get_webhook(session, webhook_id, lock=True)
    _require_revision(row, revision)
    if row.template != Template.json:
        raise Unfit("A robot's secret is made where the robot was made: put the new one into `secret`.")
    secret, before = signing.new_secret(), _told(row)
    row.sealed_old_secret = _resealed(row, means)
    row.old_secret_until = now() + OLD_SECRET_LIFE
    row.sealed_secret = means.sealer.seal(secret, purpose(row.id, "secret"))
    row.updated_at, row.revision = now(), row.revision + 1
    _note(session, row, before, by)
    session.flush()
    return row, secret


def remove_webhook(
    session: Session, webhook_id: uuid.UUID, *, revision: int | None = None, by: uuid.UUID | None
) -> None:
    """Take a webhook away, if it is still at `revision`; what waited for it is given up, its log stays.

    Raises:
        NotFound, Stale.
    """
    row = get_webhook(session, webhook_id, lock=True)
    _require_revision(row, revision)
    before = _told(row)
    row.removed_at, row.active = now(), False
    row.sealed_url, row.sealed_secret, row.sealed_old_secret = "", None, None
    outbox.let_die(session, row.id)
    note_change(
        session, kind=SUBJECT, subject_id=row.id, name=row.name, before=before, after=NOTHING, by=by, hidden=_SECRET
    )
    session.flush()


def _told(row: Webhook) -> dict[str, Any]:
    """Give a webhook as the log tells it: of its address and secret only that they changed."""
    return picture(row, without=_NOT_TOLD)


def _note(session: Session, row: Webhook, before: Picture, by: uuid.UUID | None) -> None:
    note_change(
        session,
        kind=SUBJECT,
        subject_id=row.id,
        name=row.name,
        before=before,
        after=_told(row),
        by=by,
        hidden=_SECRET,
    )


def send_test(session: Session, webhook_id: uuid.UUID) -> Delivery:
    """Put a test message on its way.

    Raises:
        NotFound; Conflict: it is switched off.
    """
    row = get_webhook(session, webhook_id)
    if not row.active:
        raise Conflict(f"The webhook {row.name!r} is switched off. Switch it on, then test it.")
    notice = Notice(key=f"test:{uuid.uuid4()}", kind=TEST_KIND, at=now(), facts={"webhook": row.name})
    return outbox.enqueue(session, notice, [row])[0]


def list_deliveries(
    session: Session, webhook_id: uuid.UUID, window: Window, state: DeliveryState | None = None
) -> tuple[list[Delivery], str | None]:
    """Give one page of a webhook's log, newest first."""
    query = sa.select(Delivery).where(Delivery.webhook_id == get_webhook(session, webhook_id).id)
    if state is not None:
        query = query.where(Delivery.state == state)
    return cut(session, query, Delivery, window)


def get_delivery(session: Session, webhook_id: uuid.UUID, delivery_id: uuid.UUID) -> tuple[Delivery, list[Attempt]]:
    """Give a delivery with every try, oldest first.

    Raises:
        NotFound: this webhook has no such delivery.
    """
    row = session.get(Delivery, delivery_id)
    if row is None or row.webhook_id != get_webhook(session, webhook_id).id:
        raise NotFound(f"This webhook has no delivery {delivery_id}.")
    tries = sa.select(Attempt).where(Attempt.delivery_id == row.id).order_by(Attempt.id)
    return row, list(session.scalars(tries))


def send_again(session: Session, webhook_id: uuid.UUID, delivery_id: uuid.UUID | None = None) -> int:
    """Send one dead delivery again, or all of them; give how many.

    Raises:
        NotFound; Conflict: the webhook is switched off, or the delivery is not dead.
    """
    row = get_webhook(session, webhook_id, lock=True)
    if not row.active:
        raise Conflict(f"The webhook {row.name!r} is switched off. Switch it on, then send again.")
    conditions = [Delivery.webhook_id == row.id]
    if delivery_id is not None:
        delivery, _ = get_delivery(session, webhook_id, delivery_id)
        if delivery.state != DeliveryState.dead:
            raise Conflict(f"The delivery {delivery_id} is {delivery.state}; only a dead one is sent again.")
        conditions.append(Delivery.id == delivery_id)
    row.ready_at = None
    return outbox.send_again(session, *conditions)


def secrets_of(row: Webhook, sealer: Sealer) -> list[str]:
    """Give the secrets that sign for a webhook now, the newest first.

    Raises:
        SealBroken: they were sealed with another key.
    """
    found = [sealer.open(row.sealed_secret, purpose(row.id, "secret"))] if row.sealed_secret else []
    if row.sealed_old_secret and row.old_secret_until and row.old_secret_until > now():
        found.append(sealer.open(row.sealed_old_secret, purpose(row.id, "old secret")))
    return found


def url_of(row: Webhook, sealer: Sealer) -> str:
    """Give where a webhook leads.

    Raises:
        SealBroken: it was sealed with another key.
    """
    return sealer.open(row.sealed_url, purpose(row.id, "url"))


def filters_of(row: Webhook) -> Filters:
    """Give what a webhook is narrowed to."""
    return Filters.model_validate(row.filters)


def purpose(webhook_id: uuid.UUID, what: str) -> str:
    """Give what a sealed text is for, so that it fits into no other row or column."""
    return f"webhook.{what}:{webhook_id}"


def _fill(row: Webhook, wanted: WebhookFields, means: Means) -> None:
    if wanted.url is not None:
        target = take_apart(wanted.url.strip(), means.networks)
        row.sealed_url = means.sealer.seal(wanted.url.strip(), purpose(row.id, "url"))
        row.address = target.shown()
    row.name, row.template, row.language = wanted.name, wanted.template, wanted.language
    row.kinds, row.filters, row.active = list(wanted.kinds), wanted.filters.model_dump(), wanted.active


def _set_secret(row: Webhook, secret: str | None, template: Template, means: Means) -> None:
    if secret and template is Template.json and not signing.is_secret(secret):
        raise Unfit("secret: write whsec_ and 24 to 64 random bytes in base64, or leave it out and one is made.")
    if secret and not DIALECTS[template].signs:
        raise Unfit(f"secret: a {template} robot has none; its address is its key.")
    row.sealed_secret = means.sealer.seal(secret, purpose(row.id, "secret")) if secret else None
    row.sealed_old_secret = row.old_secret_until = None


def _resealed(row: Webhook, means: Means) -> str | None:
    """Give the secret in force sealed as the old one; None where there is none that can still be opened."""
    if not row.sealed_secret:
        return None
    try:
        secret = means.sealer.open(row.sealed_secret, purpose(row.id, "secret"))
    except SealBroken:
        return None
    return means.sealer.seal(secret, purpose(row.id, "old secret"))


def _require_revision(row: Webhook, revision: int | None) -> None:
    if revision is not None and row.revision != revision:
        raise Stale(f"The webhook {row.name!r} is at revision {row.revision} now. Read it again, then change it.")
