"""Tables of the points domain."""

from datetime import datetime
from typing import Any

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
    no_parking: Mapped[bool] = mapped_column(default=False)
    first_post: Mapped[str | None] = mapped_column(sa.String(32), sa.ForeignKey("posts.code"))
    specific_post: Mapped[str | None] = mapped_column(sa.String(32), sa.ForeignKey("posts.code"))
    # Code of a kind: of a department. Never null in effect; SQLite cannot add a column that says so.
    departments: Mapped[dict[str, Any]] = mapped_column(sa.JSON, default=dict, nullable=True)
    assess_every_days: Mapped[int | None]  # days between patrols; null: it is not patrolled
    zone_key: Mapped[str | None] = mapped_column(sa.String(80))  # picture that shows what belongs to the point
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    revision: Mapped[int] = mapped_column(default=1)  # grows with every change; the ETag

    @property
    def has_zone_picture(self) -> bool:
        """Say whether somebody has sent a picture of the zone."""
        return self.zone_key is not None
