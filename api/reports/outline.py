"""A bulletin in words: headings, paragraphs, tables and pictures, in one language. Knows no file format.

What the sections are and in which order they stand is decided here once; `word`, `page` and `workbook` only draw them.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from functools import reduce
from zoneinfo import ZoneInfo

from api.reports.schemas import Bulletin, Candidate, Counts, Group, Measure, PeriodView, Ranking, Reason, Shown
from api.reports.wording import Wording
from detector.texts import say

#: by number, as far as the sections and requirements of a bulletin go
CHINESE_NUMERALS = ("", *"一二三四五六七八九十", *(f"十{one}" for one in "一二三四五六七八九"), "二十")
MOST_ROWS = 30  # of a table in a document that people read; the workbook holds them all
#: columns of figures with their widths, where the name has 3.0
FIGURES = (
    ("found", 1.0), ("opened", 1.0), ("closed", 1.0), ("in_time", 1.0), ("overdue", 1.0), ("unfinished", 1.2),
    ("rate", 1.3), ("mean", 1.2),
)  # fmt: skip
MOST_NUMBERS = 8  # issue numbers behind one name; the rest is counted


class Align(StrEnum):
    """How a column stands."""

    left = "left"
    right = "right"
    centre = "center"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """The beginning of a numbered section."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """A paragraph of running text."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table."""

    title: str
    share: float  #: of the table's width, in parts of the sum of all shares
    align: Align = Align.left


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table with a caption; `total` is its last row, set apart."""

    caption: str
    columns: list[Column]
    rows: list[list[str]]
    total: list[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One picture of a pair."""

    title: str
    key: str | None  #: where it lies in the media; None where there is none yet
    instead: str  #: said where there is no picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A case with its pictures before and after."""

    title: str
    facts: str
    before: Shot
    after: Shot


Block = Heading | Paragraph | Table | Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A whole bulletin, ready to be drawn."""

    language: str
    office: str
    title: str
    number: str  #: 期号, or that it is a draft
    dated: str
    period: str
    addressed_to: str
    blocks: list[Block] = field(default_factory=list)


def outline(bulletin: Bulletin, wording: Wording, language: str) -> Outline:
    """Put a bulletin into words."""
    writer = _Writer(bulletin, wording, language)
    writer.write()
    return writer.out


class _Writer:
    """Writes section after section."""

    def __init__(self, bulletin: Bulletin, wording: Wording, language: str) -> None:
        self.bulletin, self.wording, self.language = bulletin, wording, language
        self.zone = ZoneInfo(bulletin.period.time_zone)
        self.sections = 0
        day = bulletin.made_at.astimezone(self.zone).date()
        title = wording.titles[bulletin.period.span].say(language)
        where = self.scope()
        self.out = Outline(
            language=language,
            office=bulletin.office.name(language),
            title=self.word("title_within", where=where, title=title) if where else title,
            number=number_in_words(bulletin, language),
            dated=date_in_words(day, language),
            period=period_in_words(bulletin.period, language),
            addressed_to=wording.addressed_to.say(language),
        )

    def word(self, key: str, **facts: object) -> str:
        return say(f"bulletin.{key}", self.language, **facts)

    def scope(self) -> str:
        """Name where was counted; nothing where it was everywhere."""
        scope = self.bulletin.scope
        names = {one.of.code: one.of.name(self.language) for one in self.bulletin.by_department}
        parts = [scope.community, names.get(scope.department, scope.department)]
        return " · ".join(part for part in parts if part)

    def write(self) -> None:
        self.overall()
        self.kinds()
        self.places()
        self.typical()
        self.repeats_and_talks()
        self.heading("requirements")
        for number, text in enumerate(self.bulletin.requirements, start=1):
            self.add(self.word("numbered", number=self.numeral(number), text=text.name(self.language)))

    def heading(self, key: str) -> None:
        self.sections += 1
        numeral = self.numeral(self.sections)
        self.out.blocks.append(Heading(text=self.word("section", numeral=numeral, title=self.word(f"section.{key}"))))

    def numeral(self, number: int) -> str:
        return CHINESE_NUMERALS[number] if self.language == "zh" else str(number)

    def add(self, text: str) -> None:
        self.out.blocks.append(Paragraph(text=text))

    def overall(self) -> None:
        total, before = self.bulletin.total, self.bulletin.previous.counts
        self.heading("overall")
        words = {name: getattr(total, name) for name in Counts.model_fields if isinstance(getattr(total, name), int)}
        self.add(
            self.word("overall.found", period=self.out.period, where=self.scope() or self.word("everywhere"), **words)
        )
        self.add(
            self.word(
                "overall.closed",
                rate=percent(total.rectification_rate),
                in_time=percent(total.in_time_rate),
                mean=hours(total.mean_h, self.language),
                median=hours(total.median_h, self.language),
                **words,
            )
        )
        self.add(
            self.word(
                "overall.trend",
                before=period_in_words(self.bulletin.previous.period, self.language),
                found=self.change(total.found, before.found),
                closed=self.change(total.closed, before.closed),
                overdue=self.change(total.overdue, before.overdue),
                rate=self.change_of_rate(total, before),
            )
        )

    def change(self, now: int, before: int) -> str:
        if now == before:
            return self.word("change.same", now=now)
        if not before:
            return self.word("change.from_none", now=now)
        share = f"{abs(now - before) / before:.1%}"
        key = "change.up" if now > before else "change.down"
        return self.word(key, now=now, before=before, by=abs(now - before), share=share)

    def change_of_rate(self, now: Counts, before: Counts) -> str:
        if now.rectification_rate is None or before.rectification_rate is None:
            return self.word("change.none")
        points = (now.rectification_rate - before.rectification_rate) * 100
        key = "rate.same" if abs(points) < 0.05 else "rate.up" if points > 0 else "rate.down"
        return self.word(key, now=percent(now.rectification_rate), by=f"{abs(points):.1f}")

    def kinds(self) -> None:
        self.heading("kinds")
        self.table("kinds", self.bulletin.by_kind, with_total=True)
        self.table("classes", self.bulletin.by_class)
        self.table("categories", self.bulletin.by_category)

    def places(self) -> None:
        self.heading("places")
        self.table("communities", self.bulletin.by_community)
        self.ranking("communities", self.bulletin.communities)
        self.table("departments", self.bulletin.by_department)
        self.ranking("departments", self.bulletin.departments)

    def table(self, what: str, groups: list[Group], *, with_total: bool = False) -> None:
        if not groups:
            return
        shown = [self.row(one.of.name(self.language), one.counts) for one in groups[:MOST_ROWS]]
        if len(groups) > MOST_ROWS:
            self.add(self.word("more_rows", count=len(groups) - MOST_ROWS))
        counts = [Column(title=self.word(f"column.{name}"), share=share, align=Align.right) for name, share in FIGURES]
        self.out.blocks.append(
            Table(
                caption=self.word(f"table.{what}"),
                columns=[Column(title=self.word(f"column.{what}"), share=3.0), *counts],
                rows=shown,
                total=self.row(self.word("total"), self.bulletin.total) if with_total else None,
            )
        )

    @staticmethod
    def row(name: str, counts: Counts) -> list[str]:
        figures = (counts.found, counts.opened, counts.closed, counts.closed_in_time, counts.overdue, counts.unfinished)
        mean = f"{counts.mean_h:.1f}" if counts.mean_h is not None else "–"
        return [name, *map(str, figures), percent(counts.rectification_rate), mean]

    def ranking(self, what: str, ranking: Ranking) -> None:
        if not ranking.best:
            self.add(self.word(f"ranking.{what}.none", least=ranking.at_least))
            return
        self.add(
            self.word(
                f"ranking.{what}",
                least=ranking.at_least,
                best=self.ranked(ranking.best),
                worst=self.ranked(ranking.worst) or self.word("nobody"),
            )
        )

    def ranked(self, groups: list[Group]) -> str:
        said = [
            self.word("ranked", name=one.of.name(self.language), rate=percent(one.counts.rectification_rate))
            for one in groups
        ]
        return reduce(lambda before, one: self.word("and", before=before, one=one), said) if said else ""

    def typical(self) -> None:
        self.heading("typical")
        if not self.bulletin.shown:
            self.add(self.word("typical.none"))
        for number, case in enumerate(self.bulletin.shown, start=1):
            self.out.blocks.append(self.pair(number, case))

    def pair(self, number: int, case: Shown) -> Pair:
        closed = self.moment(case.closed_at) if case.closed_at else self.word("pair.unfinished")
        late = case.due_at is not None and (case.closed_at or self.bulletin.made_at) > case.due_at
        facts = self.word(
            "pair.facts",
            number=case.number,
            community=case.community,
            post=case.post or self.word("nobody"),
            department=case.department.name(self.language),
            opened=self.moment(case.opened_at),
            due=self.moment(case.due_at) if case.due_at else "–",
            closed=closed,
        )
        marks = [self.word("pair.overdue")] if late else []
        marks += [self.word("pair.again", times=case.ordinal)] if case.ordinal > 1 else []
        return Pair(
            title=self.word(
                "pair.title",
                number=number,
                point=f"{case.point_code} {case.point_name}",
                violation=case.violation.name(self.language),
            ),
            facts=" ".join([facts, *marks]),
            before=Shot(title=self.word("pair.before"), key=case.before_key, instead=self.word("pair.no_picture")),
            after=Shot(
                title=self.word("pair.after"),
                key=case.after_key,
                instead=closed if not case.closed_at else self.word("pair.no_picture"),
            ),
        )

    def moment(self, at: datetime) -> str:
        return f"{at.astimezone(self.zone):%Y-%m-%d %H:%M}"

    def repeats_and_talks(self) -> None:
        self.heading("repeats")
        bulletin = self.bulletin
        if bulletin.repeats:
            self.add(self.word("repeats.lead", count=len(bulletin.repeats), days=bulletin.repeat_window_days))
            self.repeats_table()
        else:
            self.add(self.word("repeats.none", days=bulletin.repeat_window_days))
        if bulletin.talks:
            self.add(self.word("talks.lead", count=len(bulletin.talks)))
            self.talks_table()
        else:
            self.add(self.word("talks.none"))

    def repeats_table(self) -> None:
        rows = [
            [
                f"{one.point_code} {one.point_name}",
                one.violation.name(self.language),
                one.post or "–",
                str(one.times),
                self.numbers(one.numbers, one.times),
            ]
            for one in self.bulletin.repeats[:MOST_ROWS]
        ]
        columns = (("point", 3.0), ("class", 1.8), ("post", 2.0), ("times", 0.8), ("numbers", 2.6))
        self.out.blocks.append(
            Table(
                caption=self.word("table.repeats"),
                columns=[Column(title=self.word(f"column.{name}"), share=share) for name, share in columns],
                rows=rows,
            )
        )

    def talks_table(self) -> None:
        rows = [
            [self.who(one), "\n".join(self.why(reason) for reason in one.reasons), self.evidence(one)]
            for one in self.bulletin.talks[:MOST_ROWS]
        ]
        columns = (("subject", 2.2), ("why", 3.8), ("numbers", 2.6))
        self.out.blocks.append(
            Table(
                caption=self.word("table.talks"),
                columns=[Column(title=self.word(f"column.{name}"), share=share) for name, share in columns],
                rows=rows,
            )
        )

    def who(self, one: Candidate) -> str:
        name = one.of.name(self.language)
        return self.word("talks.person", post=name, person=one.person) if one.person else name

    def why(self, reason: Reason) -> str:
        return reason_in_words(reason, self.language)

    def evidence(self, one: Candidate) -> str:
        numbers = list(dict.fromkeys(number for reason in one.reasons for number in reason.numbers))
        return self.numbers(numbers, max(len(numbers), *(reason.count for reason in one.reasons)))

    def numbers(self, numbers: list[str], count: int) -> str:
        shown = numbers[:MOST_NUMBERS]
        said = "\n".join(shown)
        return self.word("and_more", numbers=said, count=count) if count > len(shown) else said


def reason_in_words(reason: Reason, language: str) -> str:
    """Say why somebody is on the talk list, with the figure and the limit."""
    share = reason.measure is Measure.overdue_share
    value, limit = (
        (percent(reason.value), percent(reason.at_least)) if share else (f"{reason.value:g}", f"{reason.at_least:g}")
    )
    return say(f"talk.measure.{reason.measure}", language, value=value, limit=limit)


def number_in_words(bulletin: Bulletin, language: str) -> str:
    """Give the number of a bulletin, or say that it is a draft."""
    if bulletin.serial is None:
        return say("bulletin.draft", language)
    return say("bulletin.number", language, year=bulletin.year, serial=bulletin.serial)


def period_in_words(period: PeriodView, language: str) -> str:
    """Name a period, e.g. 2026年第47周（2026年11月16日至2026年11月22日）."""
    year, week, _ = period.first.isocalendar()
    return say(
        f"bulletin.period.{period.span}",
        language,
        first=date_in_words(period.first, language),
        last=date_in_words(period.last, language),
        year=year if period.span == "week" else period.first.year,
        week=week,
        month=period.first.month,
    )


def date_in_words(day: date, language: str) -> str:
    """Write a day as people of that language do."""
    if language == "zh":
        return f"{day.year}年{day.month}月{day.day}日"
    return f"{day.day} {day:%B} {day.year}"


def percent(share: float | None) -> str:
    """Write a share, 0..1, as per cent."""
    return "–" if share is None else f"{share:.1%}"


def hours(amount: float | None, language: str) -> str:
    """Write working hours."""
    return "–" if amount is None else say("bulletin.hours", language, amount=f"{amount:.1f}")
