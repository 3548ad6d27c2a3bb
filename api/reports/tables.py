"""Tables of the reports domain. `report_cases` is a view of the audit log that can be thrown away and read anew."""

import uuid
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from api.database import Identified, Table

Number = sa.BigInteger().with_variant(sa.Integer, "sqlite")


class Case(Identified, Table):
    """One run of an issue, from being found (or found again) to being closed, rejected or merged."""

    __tablename__ = "report_cases"

    issue_id: Mapped[uuid.UUID]
    ordinal: Mapped[int]  # 1 the first time, 2 when it came back once, and so on
    number: Mapped[str] = mapped_column(sa.String(24))  # of the issue
    point_id: Mapped[uuid.UUID]
    class_code: Mapped[str] = mapped_column(sa.String(48))
    community: Mapped[str] = mapped_column(sa.String(80))  # of the point, when the case began
    category: Mapped[str] = mapped_column(sa.String(48))  # likewise
    department: Mapped[str] = mapped_column(sa.String(48))  # who puts it right: the last one that it was given to
    post_id: Mapped[uuid.UUID | None]
    notified_by: Mapped[str | None] = mapped_column(sa.String(12))  # province, city or district

    started_at: Mapped[datetime]  # found, or found again
    opened_at: Mapped[datetime | None]  # opened for good; null while it is only suspected
    due_at: Mapped[datetime | None]  # as it stood when the case ended; of one that runs the issue knows it
    done_at: Mapped[datetime | None]  # reported as put right, and not sent back
    ended_at: Mapped[datetime | None]
    ending: Mapped[str | None] = mapped_column(sa.String(12))  # closed, rejected or merged
    paused_at: Mapped[datetime | None]  # suspended since then
    paused_s: Mapped[int] = mapped_column(default=0)  # working time it was suspended before
    worked_s: Mapped[int | None]  # working time from opening to being put right, without pauses; of a closed case
    after_capture_id: Mapped[uuid.UUID | None]  # the photo that shows it put right

    __table_args__ = (
        sa.UniqueConstraint("issue_id", "ordinal"),
        sa.Index("ix_report_cases_ended_at", "ended_at", "started_at"),
        sa.Index("ix_report_cases_place", "point_id", "class_code", "opened_at"),
        sa.Index("ix_report_cases_opened_at", "opened_at"),
    )


class Progress(Table):
    """How far the log has been read into `report_cases`: one row, held by whoever reads on."""

    __tablename__ = "report_progress"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(Number)


class PublishedBulletin(Identified, Table):
    """A bulletin that was published: its figures are frozen."""

    __tablename__ = "bulletins"

    year: Mapped[int]
    serial: Mapped[int]  # 期号, from 1 in each year
    span: Mapped[str] = mapped_column(sa.String(8))
    first_day: Mapped[date]
    last_day: Mapped[date]
    community: Mapped[str] = mapped_column(sa.String(80), default="")
    department: Mapped[str] = mapped_column(sa.String(48), default="")
    published_at: Mapped[datetime]
    published_by: Mapped[uuid.UUID | None]  # a user; null: the command line on the server
    publisher: Mapped[str] = mapped_column(sa.String(80))  # their name then
    content: Mapped[dict[str, Any]]  # a `Bulletin`
    sha256: Mapped[str] = mapped_column(sa.String(64))  # of the content; it stands in the audit log too

    __table_args__ = (
        sa.UniqueConstraint("year", "serial"),
        sa.UniqueConstraint("span", "first_day", "last_day", "community", "department", name="one_bulletin_per_period"),
    )


class Talk(Identified, Table):
    """A talk (约谈) that was held, with the reasons that stood on the list then."""

    __tablename__ = "talks"

    subject: Mapped[str] = mapped_column(sa.String(12))  # post, community or department
    code: Mapped[str] = mapped_column(sa.String(80))
    name_zh: Mapped[str] = mapped_column(sa.String(120))
    name_en: Mapped[str] = mapped_column(sa.String(120))
    person: Mapped[str] = mapped_column(sa.String(80))  # who was called in
    held_at: Mapped[datetime]
    held_by: Mapped[str] = mapped_column(sa.String(120))  # who held it
    note: Mapped[str] = mapped_column(sa.String(2000), default="")
    until_day: Mapped[date]  # the list was that of this day
    reasons: Mapped[list[Any]]  # each a `Reason`
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[uuid.UUID | None]
