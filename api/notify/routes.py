"""Webhooks over HTTP."""

import uuid
from typing import Annotated

from fastapi import Depends, Query, Response

from api.accounts.door import Router, allow
from api.accounts.roles import Permission
from api.accounts.schemas import Caller
from api.context import Context, Service
from api.etags import IfMatch, revision_of
from api.notify import service
from api.notify.schemas import (
    AttemptView,
    DeliveryDetails,
    DeliveryState,
    DeliveryView,
    MadeWebhook,
    Resent,
    WebhookFields,
    WebhookView,
)
from api.notify.tables import Webhook
from api.paging import Paged, PageOf

router = Router(prefix="/webhooks", tags=["webhooks"])

Keeper = Annotated[Caller, Depends(allow(Permission.manage_webhooks))]


@router.get("", summary="List webhooks, newest first")
def list_webhooks(context: Context, _: Keeper, window: Paged) -> PageOf[WebhookView]:
    with context.database.read() as session:
        rows, following = service.list_webhooks(session, window)
        return PageOf(items=[WebhookView.model_validate(row) for row in rows], next=following)


@router.post("", status_code=201, summary="Make a webhook; its secret is shown this once")
def make_webhook(context: Context, caller: Keeper, wanted: WebhookFields, response: Response) -> MadeWebhook:
    with context.database.write() as session:
        row, secret = service.make_webhook(session, wanted, means(context), by=caller.user_id)
        return _made(row, secret, response)


@router.get("/{webhook_id}", summary="Show a webhook")
def get_webhook(context: Context, _: Keeper, webhook_id: uuid.UUID, response: Response) -> WebhookView:
    with context.database.read() as session:
        return _tagged(service.get_webhook(session, webhook_id), response)


@router.put("/{webhook_id}", summary="Change a webhook, or switch it off and on")
def change_webhook(
    context: Context,
    caller: Keeper,
    webhook_id: uuid.UUID,
    wanted: WebhookFields,
    response: Response,
    if_match: IfMatch = None,
) -> WebhookView:
    with context.database.write() as session:
        row = service.change_webhook(
            session, webhook_id, wanted, means(context), revision=revision_of(if_match), by=caller.user_id
        )
        return _tagged(row, response)


@router.delete("/{webhook_id}", status_code=204, summary="Take a webhook away")
def remove_webhook(context: Context, caller: Keeper, webhook_id: uuid.UUID, if_match: IfMatch = None) -> None:
    with context.database.write() as session:
        service.remove_webhook(session, webhook_id, revision=revision_of(if_match), by=caller.user_id)


@router.post("/{webhook_id}/secret", summary="Give it a new secret, shown this once; the old one signs for a day more")
def replace_secret(
    context: Context, caller: Keeper, webhook_id: uuid.UUID, response: Response, if_match: IfMatch = None
) -> MadeWebhook:
    with context.database.write() as session:
        row, secret = service.replace_secret(
            session, webhook_id, means(context), revision=revision_of(if_match), by=caller.user_id
        )
        return _made(row, secret, response)


@router.post("/{webhook_id}/test", status_code=202, summary="Send a test message")
def send_test(context: Context, _: Keeper, webhook_id: uuid.UUID) -> DeliveryView:
    with context.database.write() as session:
        return DeliveryView.model_validate(service.send_test(session, webhook_id))


@router.get("/{webhook_id}/deliveries", summary="The log of a webhook, newest first")
def list_deliveries(
    context: Context,
    _: Keeper,
    webhook_id: uuid.UUID,
    window: Paged,
    state: Annotated[DeliveryState | None, Query()] = None,
) -> PageOf[DeliveryView]:
    with context.database.read() as session:
        rows, following = service.list_deliveries(session, webhook_id, window, state)
        return PageOf(items=[DeliveryView.model_validate(row) for row in rows], next=following)


@router.get("/{webhook_id}/deliveries/{delivery_id}", summary="What was sent, and every try")
def get_delivery(context: Context, _: Keeper, webhook_id: uuid.UUID, delivery_id: uuid.UUID) -> DeliveryDetails:
    with context.database.read() as session:
        row, tries = service.get_delivery(session, webhook_id, delivery_id)
        return DeliveryDetails(
            payload=row.payload,
            tries=[AttemptView.model_validate(one) for one in tries],
            **DeliveryView.model_validate(row).model_dump(),
        )


@router.post("/{webhook_id}/deliveries/{delivery_id}/again", summary="Send a dead delivery again, under its id")
def send_again(context: Context, _: Keeper, webhook_id: uuid.UUID, delivery_id: uuid.UUID) -> DeliveryView:
    with context.database.write() as session:
        service.send_again(session, webhook_id, delivery_id)
        session.expire_all()
        return DeliveryView.model_validate(service.get_delivery(session, webhook_id, delivery_id)[0])


@router.post("/{webhook_id}/deliveries/again", summary="Send all dead deliveries again")
def send_all_again(context: Context, _: Keeper, webhook_id: uuid.UUID) -> Resent:
    with context.database.write() as session:
        return Resent(count=service.send_again(session, webhook_id))


def means(context: Service) -> service.Means:
    """Give what it takes to keep webhooks."""
    return service.Means(sealer=context.sealer, networks=context.settings.networks)


def _tagged(row: Webhook, response: Response) -> WebhookView:
    response.headers["ETag"] = f'"{row.revision}"'
    return WebhookView.model_validate(row)


def _made(row: Webhook, secret: str | None, response: Response) -> MadeWebhook:
    return MadeWebhook(secret=secret, **_tagged(row, response).model_dump())
