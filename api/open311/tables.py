"""Tables of the Open311 domain. Who filed a request lies apart from what was filed, so that it can be deleted."""

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from api.database import Identified, Table


class ServiceRequest(Identified, Table):
    """Something filed from outside. Several may speak of one issue; each keeps an id of its own."""

    __tablename__ = "service_requests"

    reference: Mapped[str] = mapped_column(sa.String(16), unique=True)  # the standard's service_request_id
    token: Mapped[str] = mapped_column(sa.String(32), unique=True)
    jurisdiction: Mapped[str] = mapped_column(sa.String(64))
    service_code: Mapped[str] = mapped_column(sa.String(48))
    issue_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("issues.id"), index=True)
    point_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("points.id"))
    requested_at: Mapped[datetime] = mapped_column(index=True)
    description: Mapped[str] = mapped_column(sa.String(4000), default="")
    address: Mapped[str] = mapped_column(sa.String(500), default="")  # as the requester said it
    longitude: Mapped[float | None]  # degrees, WGS-84, as the requester said it
    latitude: Mapped[float | None]
    distance_m: Mapped[float | None]  # between that and the point
    media_url: Mapped[str] = mapped_column(sa.String(2000), default="")  # as the requester said it; never fetched
    capture_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("captures.id"))  # of the picture sent along
    attributes: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict)  # code: value, or list of values


class Requester(Identified, Table):
    """The person who filed a request, as far as they said; deleted without a trace of them in the request."""

    __tablename__ = "service_requesters"

    request_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("service_requests.id"), unique=True)
    first_name: Mapped[str] = mapped_column(sa.String(80), default="")
    last_name: Mapped[str] = mapped_column(sa.String(80), default="")
    email: Mapped[str] = mapped_column(sa.String(254), default="")
    phone: Mapped[str] = mapped_column(sa.String(40), default="")
    device_id: Mapped[str] = mapped_column(sa.String(128), default="")
    account_id: Mapped[str] = mapped_column(sa.String(128), default="")
