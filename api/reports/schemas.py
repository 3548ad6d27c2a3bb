"""What the reports domain counts, keeps and sends. A `Bulletin` is whole: its documents need nothing but it."""

import uuid
from datetime import UTC, date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, computed_field, field_validator

from api.reports.periods import Period, Span


class Frozen(BaseModel):
    """A value that does not change once it is counted."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


class Named(Frozen):
    """A code with its name in both languages; a community's name is its code."""

    code: str
    zh: str
    en: str

    def name(self, language: str) -> str:
        """Give the name in a language."""
        return self.en if language == "en" else self.zh


class PeriodView(Frozen):
    """A period as it is sent and kept."""

    span: Span
    first: date = Field(description="first day, on the office's calendar")
    last: date = Field(description="last day, included")
    time_zone: str

    @classmethod
    def of(cls, period: Period) -> "PeriodView":
        """Give a period as it is sent."""
        return cls(span=period.span, first=period.first, last=period.last, time_zone=period.zone.key)

    def period(self) -> Period:
        """Give the period to count in."""
        return Period(span=self.span, first=self.first, last=self.last, zone=ZoneInfo(self.time_zone))


class Counts(Frozen):
    """Figures of one period. A case runs from being found (or found again) to being closed, rejected or merged."""

    found: int = Field(default=0, description="issues recorded for the first time")
    reopened: int = Field(default=0, description="issues that came back after they were closed")
    opened: int = Field(default=0, description="cases opened for good (立案), those that came back included")
    due: int = Field(default=0, description="cases whose deadline lay in the period and that were not closed before it")
    closed: int = Field(default=0, description="cases closed")
    closed_in_time: int = Field(default=0, description="of those closed: not after their deadline")
    overdue: int = Field(default=0, description="of those due: not closed by the deadline")
    rejected: int = Field(default=0, description="taken for a mistake")
    merged: int = Field(default=0, description="joined to another issue")
    rectified: int = Field(default=0, description="of those opened: closed by the end of the period")
    unfinished: int = Field(default=0, description="cases open at the end of the period")
    overdue_at_end: int = Field(default=0, description="of those open at the end: past their deadline")
    notified: int = Field(default=0, description="of those opened: notified by province, city or district")
    mean_h: float | None = Field(default=None, description="mean time from opening to closing, working hours")
    median_h: float | None = Field(default=None, description="median of the same, working hours")

    @computed_field(description="rectified / opened, 0..1; null where nothing was opened")  # type: ignore[prop-decorator]
    @property
    def rectification_rate(self) -> float | None:
        """Give the share of the opened cases that were closed by the end."""
        return self.rectified / self.opened if self.opened else None

    @computed_field(description="closed in time / closed, 0..1; null where nothing was closed")  # type: ignore[prop-decorator]
    @property
    def in_time_rate(self) -> float | None:
        """Give the share of the closed cases that met their deadline."""
        return self.closed_in_time / self.closed if self.closed else None

    @computed_field(description="overdue / due, 0..1; null where nothing was due")  # type: ignore[prop-decorator]
    @property
    def overdue_share(self) -> float | None:
        """Give the share of the due cases that became overdue."""
        return self.overdue / self.due if self.due else None


class Group(Frozen):
    """The figures of one kind, class, place or department."""

    of: Named
    counts: Counts


class Scope(Frozen):
    """Where is counted; what is empty does not narrow."""

    community: str = ""
    department: str = ""


class Ranking(Frozen):
    """The best and the worst by rectification rate, of those with enough cases to be compared."""

    at_least: int = Field(description="cases opened, below which nobody is ranked")
    best: list[Group]
    worst: list[Group]


class Trend(Frozen):
    """The figures of an earlier period of the same length."""

    period: PeriodView
    counts: Counts


class Shown(Frozen):
    """A case that the bulletin shows, with its pictures."""

    number: str
    violation: Named
    point_code: str
    point_name: str
    community: str
    post: str
    department: Named
    opened_at: datetime
    due_at: datetime | None
    closed_at: datetime | None
    ordinal: int = Field(description="1 the first time, 2 when it came back once, and so on")
    before_key: str | None = Field(description="where the picture with marks lies in the media")
    after_key: str | None = Field(description="where the picture of the repaired place lies")


class Repeat(Frozen):
    """A class of violation that keeps coming back at a point."""

    point_code: str
    point_name: str
    community: str
    post: str
    violation: Named
    times: int = Field(description="cases inside the window")
    numbers: list[str] = Field(description="of the issues, the newest first")


class Subject(StrEnum):
    """Who may be called to a talk."""

    post = "post"
    community = "community"
    department = "department"


class Measure(StrEnum):
    """What a rule of the talk list looks at, inside its window."""

    opened = "opened"  # cases opened
    overdue = "overdue"  # cases that became overdue
    overdue_share = "overdue_share"  # the share of the due cases that did, 0..1
    notified = "notified"  # cases notified by superiors
    repeated = "repeated"  # cases that came back, or came again at the same point and of the same class


class Reason(Frozen):
    """Why somebody is on the talk list: a rule that was met, and the issues behind it."""

    rule: str = Field(description="code of the rule")
    measure: Measure
    value: float
    at_least: float
    of: int | None = Field(default=None, description="of a share: of how many cases")
    numbers: list[str] = Field(description="of the issues, the newest first, at most 50")
    count: int = Field(description="how many issues there are, shown or not")


class Candidate(Frozen):
    """Somebody who should be called to a talk (约谈)."""

    subject: Subject
    of: Named
    person: str = Field(default="", description="who holds the post, where that is known")
    reasons: list[Reason]


class Bulletin(Frozen):
    """Everything a bulletin says, in figures; the documents put it into words."""

    office: Named
    period: PeriodView
    scope: Scope
    made_at: datetime
    year: int | None = Field(default=None, description="of its number; null until it is published")
    serial: int | None = Field(default=None, description="期号 within the year; null until it is published")
    total: Counts
    previous: Trend
    trend: list[Trend] = Field(description="the periods up to this one, the oldest first")
    by_kind: list[Group]
    by_class: list[Group]
    by_category: list[Group]
    by_community: list[Group]
    by_department: list[Group]
    by_post: list[Group]
    by_point: list[Group]
    communities: Ranking
    departments: Ranking
    shown: list[Shown]
    repeat_window_days: int
    repeats: list[Repeat]
    talks: list[Candidate]
    requirements: list[Named] = Field(description="what the office asks for next; code is its number")


class BulletinView(Frozen):
    """A published bulletin as it is listed."""

    id: uuid.UUID
    number: str = Field(examples=["2026-12"], description="year and 期号")
    period: str = Field(examples=["2026-W47"])
    span: Span
    first_day: date
    last_day: date
    community: str
    department: str
    published_at: datetime
    publisher: str
    sha256: str = Field(description="of the frozen figures; stands in the audit log too")


_LINE = r"^[^\x00-\x1f\x7f\ufffe\uffff]*$"


class NewTalk(BaseModel):
    """A talk that was held."""

    subject: Subject
    code: str = Field(min_length=1, max_length=80, pattern=_LINE, description="of the post or department; a community")
    person: str = Field(default="", max_length=80, pattern=_LINE, description="who was called in")
    held_at: AwareDatetime
    held_by: str = Field(min_length=1, max_length=120, pattern=_LINE, description="who held it")
    note: str = Field(default="", max_length=2000, pattern=r"^[^\x00]*$")
    day: str | None = Field(default=None, max_length=10, description="the list was that of this day; today by default")

    @field_validator("held_at")
    @classmethod
    def _not_in_the_future(cls, value: datetime) -> datetime:
        if value.year < 1970 or value > datetime.now(UTC):
            raise ValueError("a talk is recorded after it was held")
        return value


class TalkView(Frozen):
    """A talk that was held."""

    id: uuid.UUID
    subject: Subject
    of: Named
    person: str
    held_at: datetime
    held_by: str
    note: str
    until_day: date
    reasons: list[Reason]
    recorded_at: datetime
