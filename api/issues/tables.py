"""Tables of the issues domain."""

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from api.database import Identified, Table, now

_UNFINISHED: dict[str, Any] = {
    "sqlite_where": sa.text("closed_at IS NULL"),
    "postgresql_where": sa.text("closed_at IS NULL"),
}
_TOLD: dict[str, Any] = {"sqlite_where": sa.text("note <> ''"), "postgresql_where": sa.text("note <> ''")}

_ENDED: dict[str, Any] = {
    "sqlite_where": sa.text("closed_at IS NOT NULL"),
    "postgresql_where": sa.text("closed_at IS NOT NULL"),
}


class Issue(Identified, Table):
    """A problem at a point. That only one of a class is open at a point is kept by an index, not by a look."""

    __tablename__ = "issues"

    number: Mapped[str] = mapped_column(sa.String(24), unique=True)
    point_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("points.id"))
    class_code: Mapped[str] = mapped_column(sa.String(48))
    state: Mapped[str] = mapped_column(sa.String(16))
    state_since: Mapped[datetime]  # when it came into this state
    source: Mapped[str] = mapped_column(sa.String(12))  # who told first: a `Source`
    opened_at: Mapped[datetime]  # when it was recorded first
    clock_started_at: Mapped[datetime | None]  # when it was last opened for good; null while it is only suspected
    closed_at: Mapped[datetime | None]  # closed, rejected or merged
    merged_into: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("issues.id"))

    department: Mapped[str | None] = mapped_column(sa.String(48))  # code of the one that acts
    post_id: Mapped[uuid.UUID | None] = mapped_column(index=True)  # the post that answers, as routing named it
    due_at: Mapped[datetime | None]  # when it must be put right; computed by the clocks and kept here to filter by
    step_due_at: Mapped[datetime | None]  # when the next step is due; likewise
    extension: Mapped[str | None] = mapped_column(sa.String(12))  # an `Extension`
    extended_to: Mapped[datetime | None]  # the moment asked for, then the one granted
    pauses: Mapped[list[Any]] = mapped_column(default=list)  # [[from, to], …] ISO 8601; to is null while suspended

    after_verdict: Mapped[str | None] = mapped_column(sa.String(12))  # a `Verdict` on the newest after-photos

    supervised: Mapped[bool] = mapped_column(default=False)  # 督办
    notified_by: Mapped[str | None] = mapped_column(sa.String(12))  # 上级通报: a `Level`

    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    sighting_count: Mapped[int] = mapped_column(default=0)
    confidence: Mapped[float | None]  # of the surest sighting, 0..1; null where no model has seen it
    cover_capture_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("captures.id"))  # the picture to show
    reopened_count: Mapped[int] = mapped_column(default=0)
    revision: Mapped[int] = mapped_column(default=1)  # grows with every change; the ETag

    __table_args__ = (
        sa.Index("one_open_issue_per_point_and_class", "point_id", "class_code", unique=True, **_UNFINISHED),
        # Lists, newest first: each ends with the id, so that a page is read in order and nothing is sorted.
        sa.Index("ix_issues_by_state", "state", "id"),
        # Ends with what it is narrowed by, in whole communities: those of a class are many.
        sa.Index("ix_issues_by_class", "class_code", "id", "state", "point_id"),
        sa.Index("ix_issues_by_point", "point_id", "id"),
        sa.Index("ix_issues_by_department", "department", "id"),
        sa.Index("ix_issues_by_seen", "last_seen_at", "id"),
        sa.Index("ix_issues_by_end", "closed_at", **_ENDED),
        sa.Index("ix_issues_by_point_class_state", "point_id", "class_code", "state", "id"),
        # The unfinished are few among many; these hold them alone.
        sa.Index("ix_issues_unfinished", "id", **_UNFINISHED),
        sa.Index("ix_issues_unfinished_by_class", "class_code", "id", **_UNFINISHED),
        sa.Index("ix_issues_unfinished_by_due", "due_at", "id", **_UNFINISHED),
        sa.Index("ix_issues_unfinished_by_seen", "last_seen_at", "id", **_UNFINISHED),
        # Ends with what it is narrowed by: else SQLite looks every row up to count them.
        sa.Index("ix_issues_unfinished_by_point", "point_id", "state", "class_code", "closed_at", **_UNFINISHED),
    )


class EndedTally(Table):
    """How many issues have ended at a point, of a department, in a state; kept by `tally.py` as they end."""

    __tablename__ = "ended_tally"

    point_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("points.id"), primary_key=True)
    department: Mapped[str] = mapped_column(sa.String(48), primary_key=True)  # empty where none was named
    state: Mapped[str] = mapped_column(sa.String(16), primary_key=True)
    count: Mapped[int]


class Sighting(Identified, Table):
    """One capture that shows the issue, with every box of its class, or one person who told of it.

    A second run over a capture adds nothing.
    """

    __tablename__ = "sightings"
    __table_args__ = (
        sa.UniqueConstraint("capture_id", "class_code"),
        # What people told is searched for words; it is little beside what the model saw.
        sa.Index("ix_sightings_told", "issue_id", **_TOLD),
    )

    issue_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("issues.id"), index=True)
    capture_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("captures.id"))  # null: told without a photo
    class_code: Mapped[str] = mapped_column(sa.String(48))  # as it was seen or told, whatever the issue became
    source: Mapped[str] = mapped_column(sa.String(12))  # a `Source`
    seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime | None]  # of a camera, which goes on looking: when it was still there
    ended_at: Mapped[datetime | None]  # of a camera: when it was gone; null while it lasts
    note: Mapped[str] = mapped_column(sa.String(2000), default="")  # what the person said
    by_user_id: Mapped[uuid.UUID | None]  # who told; null where the model saw it
    verdict: Mapped[str | None] = mapped_column(sa.String(12))  # of reviewers: confirmed or refuted
    # What the model saw; null where it did not look or cannot see this class:
    confidence: Mapped[float | None]  # of the surest box, 0..1
    certainty: Mapped[str | None] = mapped_column(sa.String(12))
    reason: Mapped[str | None] = mapped_column(sa.String(40))
    boxes: Mapped[list[Any]] = mapped_column(default=list)  # [{"box": [x1, y1, x2, y2], "confidence": 0..1}, …]
    model: Mapped[str | None] = mapped_column(sa.String(140))


class AfterPhoto(Identified, Table):
    """A photo that is meant to show the issue put right. The model looks at it; only a person signs off."""

    __tablename__ = "after_photos"

    issue_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("issues.id"), index=True)
    capture_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("captures.id"), unique=True)
    sent_at: Mapped[datetime]
    by_user_id: Mapped[uuid.UUID | None]
    verdict: Mapped[str] = mapped_column(sa.String(12))  # a `Verdict`
    confidence: Mapped[float | None]  # of the surest box of the issue's class still seen, 0..1
    spent: Mapped[bool] = mapped_column(default=False)  # it was refused, or the issue came back: it proves nothing now


class Whistle(Identified, Table):
    """A community's call (社区吹哨): departments shall come to an issue. One at a time is open on an issue."""

    __tablename__ = "whistles"
    __table_args__ = (
        sa.Index(
            "one_open_whistle_per_issue",
            "issue_id",
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        ),
    )

    issue_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("issues.id"), index=True)
    note: Mapped[str] = mapped_column(sa.String(2000))  # what is to be done
    called_at: Mapped[datetime]
    by_user_id: Mapped[uuid.UUID | None]
    ended_at: Mapped[datetime | None]


class WhistleCall(Identified, Table):
    """One department that was called (部门报到): when it came, what it did, how the community rates that."""

    __tablename__ = "whistle_calls"
    __table_args__ = (
        sa.UniqueConstraint("whistle_id", "department"),
        sa.CheckConstraint("rating BETWEEN 1 AND 5", name="one_to_five"),
        sa.Index("ix_whistle_calls_department", "department", "issue_id"),
    )

    whistle_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("whistles.id"))
    issue_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("issues.id"), index=True)
    department: Mapped[str] = mapped_column(sa.String(48))
    due_at: Mapped[datetime]  # when it must have arrived; computed by the clocks
    arrived_at: Mapped[datetime | None]
    arrived_by: Mapped[uuid.UUID | None]
    finished_at: Mapped[datetime | None]
    outcome: Mapped[str] = mapped_column(sa.String(2000), default="")  # what it did
    rating: Mapped[int | None]  # 1 (poor) to 5
    rating_note: Mapped[str] = mapped_column(sa.String(2000), default="")
    rated_at: Mapped[datetime | None]

    @property
    def late(self) -> bool:
        """Say whether it came too late, or has not come although it should have."""
        return (self.arrived_at or now()) > self.due_at


class IssueCounter(Table):
    """The last number given in a year."""

    __tablename__ = "issue_counters"

    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int]
