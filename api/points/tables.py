"""Tables of the points domain."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from api.database import Identified, Table


class Point(Identified, Table):
    """A sample point (样本框点位): a place that is watched, and the post that answers for it."""

    __tablename__ = "points"

    code: Mapped[str] = mapped_column(sa.String(32), unique=True)
    name: Mapped[str] = mapped_column(sa.String(120))
    category: Mapped[str] = mapped_column(sa.String(48), index=True)
    community: Mapped[str] = mapped_column(sa.String(80), index=True)
    address: Mapped[str] = mapped_column(sa.String(200), default="")
    longitude: Mapped[float]  # degrees, WGS-84
    latitude: Mapped[float]  # degrees, WGS-84
    responsible_post: Mapped[str] = mapped_column(sa.String(80))
    responsible_person: Mapped[str] = mapped_column(sa.String(80), default="")
    no_parking: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    revision: Mapped[int] = mapped_column(default=1)  # grows with every change; the ETag
