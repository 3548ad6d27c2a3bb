"""A service whose webhooks may reach this machine, and a courier on demand."""

import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from api.database import now
from api.notify.courier import Courier
from api.notify.tables import Delivery, Webhook
from api.settings import Settings
from detector import Detector
from tests.api.client import Client, expect
from tests.api.notify.places import NETWORK
from tests.api.office import Office

TIMEOUT_S = 1.0


class Post:
    """The sending side of a service in this process: makes webhooks, carries, turns the clock."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.client: Client = office.client()
        self.courier = Courier(office.context, "courier-1")

    def webhook(self, url: str, **changes: Any) -> dict[str, Any]:
        wanted = {"name": "City platform", "url": url} | changes
        return expect(self.client.http.post("/api/v1/webhooks", json=wanted))

    def test(self, webhook: dict[str, Any]) -> dict[str, Any]:
        return expect(self.client.http.post(f"/api/v1/webhooks/{webhook['id']}/test"))

    def carry(self) -> int:
        return self.courier.carry_all()

    def show(self, webhook: dict[str, Any]) -> dict[str, Any]:
        return expect(self.client.http.get(f"/api/v1/webhooks/{webhook['id']}"))

    def delivery(self, webhook: dict[str, Any], delivery: dict[str, Any]) -> dict[str, Any]:
        return expect(self.client.http.get(f"/api/v1/webhooks/{webhook['id']}/deliveries/{delivery['id']}"))

    def time_passes(self, amount: timedelta) -> None:
        """Move everything that waits, and every failure, into the past."""
        with self.office.context.database.write() as session:
            for row in session.scalars(sa.select(Delivery)):
                row.not_before -= amount
                row.lease_until = row.lease_until and row.lease_until - amount
            for webhook in session.scalars(sa.select(Webhook)):
                webhook.ready_at = webhook.ready_at and webhook.ready_at - amount
                webhook.lease_until = webhook.lease_until and webhook.lease_until - amount
                webhook.failing_since = webhook.failing_since and webhook.failing_since - amount

    def waits_for(self, delivery: dict[str, Any]) -> timedelta:
        """Give how long until the next try."""
        with self.office.context.database.read() as session:
            row = session.scalars(sa.select(Delivery).where(Delivery.id == uuid.UUID(delivery["id"]))).one()
            return row.not_before - now()


@pytest.fixture(scope="module")
def make_post(
    database_url: str, tmp_path_factory: pytest.TempPathFactory, model_folder: Path, detector: Detector
) -> Iterator[Callable[..., Post]]:
    """Give a function that opens the service with its settings; on each kind of database."""
    opened: list[Office] = []

    def make(**changes: Any) -> Post:
        settings: dict[str, Any] = {
            "data_dir": tmp_path_factory.mktemp("post") / "var",
            "database_url": SecretStr(database_url),
            "model_dir": model_folder,
            "language": "en",
            "webhook_networks": NETWORK,
            "webhook_timeout_s": TIMEOUT_S,
            "public_url": "https://dianxun.example",
        }
        office = Office(Settings(**settings | changes), detector)
        opened.append(office)
        return Post(office)

    yield make
    for office in opened:
        office.__exit__(None, None, None)


@pytest.fixture(scope="module")
def post(make_post: Callable[..., Post]) -> Post:
    return make_post()
