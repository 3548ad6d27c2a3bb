"""Tables of the routing domain."""

import uuid
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from api.database import Identified, Table


class Rule(Identified, Table):
    """Who answers for a problem at a place. What is null does not narrow."""

    __tablename__ = "routing_rules"

    code: Mapped[str] = mapped_column(sa.String(32), unique=True)
    point_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("points.id"), index=True)  # at most one place
    community: Mapped[str | None] = mapped_column(sa.String(80))
    category: Mapped[str | None] = mapped_column(sa.String(48))
    class_code: Mapped[str | None] = mapped_column(sa.String(48))  # at most one of class and kind
    kind: Mapped[str | None] = mapped_column(sa.String(48))
    post: Mapped[str | None] = mapped_column(sa.String(32), sa.ForeignKey("posts.code"))  # at least one answer
    department: Mapped[str | None] = mapped_column(sa.String(48))
    since: Mapped[date | None]  # first day on which it holds; null: always
    until: Mapped[date | None]  # last day
    note: Mapped[str] = mapped_column(sa.String(200), default="")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    revision: Mapped[int] = mapped_column(default=1)  # grows with every change; the ETag
