"""Tables of the patrols domain."""

import uuid
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from api.database import Identified, Table


class Round(Identified, Table):
    """A patrol round: which points, in which order, between which days, by whom."""

    __tablename__ = "patrol_rounds"

    code: Mapped[str] = mapped_column(sa.String(32), unique=True)
    title: Mapped[str] = mapped_column(sa.String(120))
    secrecy: Mapped[str] = mapped_column(sa.String(8))  # a `Secrecy`
    manner: Mapped[str] = mapped_column(sa.String(8))  # a `Manner`
    starts_on: Mapped[date] = mapped_column(index=True)
    ends_on: Mapped[date]
    note: Mapped[str] = mapped_column(sa.String(500), default="")
    published_at: Mapped[datetime | None]  # from then on those inspected see a secret round
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    revision: Mapped[int] = mapped_column(default=1)  # grows with every change; the ETag


class Stop(Table):
    """A point of a round."""

    __tablename__ = "patrol_stops"

    round_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("patrol_rounds.id"), primary_key=True)
    point_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("points.id"), primary_key=True)
    position: Mapped[int]  # in the order of the route, from 0


class Walker(Table):
    """Somebody who goes on a round."""

    __tablename__ = "patrol_walkers"

    round_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("patrol_rounds.id"), primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"), primary_key=True, index=True)


class PatrolVisit(Identified, Table):
    """Somebody was at a point; also where nothing was found."""

    __tablename__ = "patrol_visits"

    round_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("patrol_rounds.id"), index=True)
    point_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("points.id"), index=True)
    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"))
    standard: Mapped[str | None] = mapped_column(sa.String(32))  # code of the version in force that day
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    note: Mapped[str] = mapped_column(sa.String(500), default="")


class Check(Table):
    """An item that the inspector looked at during a visit."""

    __tablename__ = "patrol_checks"

    visit_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("patrol_visits.id"), primary_key=True)
    item: Mapped[str] = mapped_column(sa.String(32), primary_key=True)  # code in the visit's standard
    passed: Mapped[bool]
    note: Mapped[str] = mapped_column(sa.String(500), default="")
    issue_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("issues.id"))  # the issue that the failure opened


class VisitCapture(Table):
    """A photo that was taken during a visit; it belongs to one visit at most."""

    __tablename__ = "patrol_captures"

    capture_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("captures.id"), primary_key=True)
    visit_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("patrol_visits.id"), index=True)
