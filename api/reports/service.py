"""Bulletins and talks: what may happen to them. Takes a session, never commits. Reads cases that `cases` keeps."""

import hashlib
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.accounts.schemas import Caller
from api.accounts.schemas import Scope as Within
from api.audit import service as audit
from api.captures import service as captures
from api.database import now
from api.errors import Conflict, NotFound, Unfit
from api.issues import service as issues
from api.paging import Window, cut
from api.points import service as points
from api.reports import figures, talks
from api.reports.figures import Column, Stretch, Yes
from api.reports.names import Names
from api.reports.periods import Period, day_of
from api.reports.schemas import (
    Bulletin,
    Candidate,
    Group,
    Named,
    NewTalk,
    PeriodView,
    Ranking,
    Repeat,
    Scope,
    Shown,
    Trend,
)
from api.reports.tables import Case, Progress, PublishedBulletin, Talk
from api.reports.wording import Wording
from detector.taxonomy import Taxonomy

MOST_GROUPS = 500  # of points or posts in one bulletin, those with most cases first


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What a bulletin is written with."""

    wording: Wording
    taxonomy: Taxonomy


def within(scope: Within) -> list[Yes]:
    """Give the conditions on cases that a caller's scope sets."""
    if scope.everywhere:
        return []
    here = Case.point_id.in_(points.ids_where(within=scope.of_places())) if scope.points else sa.false()
    return [sa.or_(Case.community.in_(scope.communities), Case.department.in_(scope.departments), here)]


def compile_bulletin(session: Session, desk: Desk, period: Period, scope: Scope, seen: Sequence[Yes]) -> Bulletin:
    """Count everything that a bulletin of a period says, over the cases that meet `seen`."""
    at = now()
    writer = _Compiler(session, desk, period, scope, seen, at)
    by_community = writer.groups(figures.COMMUNITY)
    by_department = writer.groups(figures.DEPARTMENT)
    trend = writer.trend()
    return Bulletin(
        office=_named("office", desk.wording.office.zh, desk.wording.office.en),
        period=PeriodView.of(period),
        scope=scope,
        made_at=at,
        total=trend[-1].counts,
        previous=trend[-2],
        trend=trend,
        by_kind=writer.kinds(),
        by_class=writer.groups(figures.CLASS),
        by_category=writer.groups(figures.CATEGORY),
        by_community=by_community,
        by_department=by_department,
        by_post=writer.groups(figures.POST),
        by_point=writer.groups(figures.POINT),
        communities=writer.ranking(by_community),
        departments=writer.ranking(by_department),
        shown=writer.shown(),
        repeat_window_days=desk.wording.repeats.window_days,
        repeats=writer.repeats(),
        talks=writer.talks(),
        requirements=[
            _named(str(number), text.zh, text.en) for number, text in enumerate(desk.wording.requirements, 1)
        ],
    )


class _Compiler:
    """Counts one part of a bulletin after another."""

    def __init__(
        self, session: Session, desk: Desk, period: Period, scope: Scope, seen: Sequence[Yes], at: datetime
    ) -> None:
        self.session, self.wording, self.taxonomy = session, desk.wording, desk.taxonomy
        self.period, self.at = period, at
        self.conditions = [*figures.where(scope), *seen]
        self.stretch = Stretch(start=period.start, end=period.end, seen_at=at)
        self.names = Names(session, desk.taxonomy)

    def groups(self, key: Column) -> list[Group]:
        """Give the figures by a column, those with most cases first."""
        counted = figures.count_by(self.session, self.stretch, self.conditions, key)
        names = self.names.of(key, counted)
        found = [Group(of=names[value], counts=counts) for value, counts in counted.items() if value in names]
        return sorted(found, key=lambda one: (-one.counts.opened, -one.counts.found, one.of.code))[:MOST_GROUPS]

    def kinds(self) -> list[Group]:
        """Give every kind of the catalogue, also those of which nothing was found."""
        counted = figures.count_by(self.session, self.stretch, self.conditions, figures.kind_of(self.taxonomy))
        kinds = {kind.code: _named(kind.code, kind.zh, kind.en) for kind in self.taxonomy.kinds}
        gone = {code: _named(code, code, code) for code in counted if code not in kinds}
        return [Group(of=name, counts=counted.get(code, figures.NOTHING)) for code, name in (kinds | gone).items()]

    def trend(self) -> list[Trend]:
        """Give the periods up to this one, the oldest first."""
        periods = [self.period]
        while len(periods) < self.wording.trend_periods:
            periods.append(periods[-1].before())
        return [Trend(period=PeriodView.of(one), counts=self._count(one)) for one in reversed(periods)]

    def _count(self, period: Period) -> Any:
        stretch = Stretch(start=period.start, end=period.end, seen_at=self.at)
        return figures.count(self.session, stretch, self.conditions)

    def ranking(self, groups: list[Group]) -> Ranking:
        """Give the best and the worst; nobody is both."""
        least, most = self.wording.rankings.at_least, self.wording.rankings.show
        compared = [one for one in groups if one.counts.opened >= least]
        compared.sort(key=lambda one: (-(one.counts.rectification_rate or 0), one.counts.overdue, one.of.code))
        half = len(compared) // 2
        if not half:
            return Ranking(at_least=least, best=[], worst=[])
        return Ranking(at_least=least, best=compared[: min(most, half)], worst=compared[-min(most, half) :][::-1])

    def shown(self) -> list[Shown]:
        """Give the cases that the bulletin shows: what is worst, and what was put right with a photo to prove it."""
        most = self.wording.typical_cases
        proved = figures.proved(self.session, self.stretch, self.conditions, most // 2)
        worst = figures.worst(self.session, self.stretch, self.conditions, most - len(proved))
        rows = [*worst, *proved]
        found = issues.issues_by_id(self.session, {row.issue_id for row in rows})
        wanted = [one.cover_capture_id for one in found.values()] + [row.after_capture_id for row in rows]
        photos = captures.captures_by_id(self.session, {one for one in wanted if one})
        names = self.names
        places, posts = names.points({row.point_id for row in rows}), names.posts({row.post_id for row in rows})
        shown = []
        for row in rows:
            issue = found[row.issue_id]
            before = photos.get(issue.cover_capture_id) if issue.cover_capture_id else None
            after = photos.get(row.after_capture_id) if row.after_capture_id else None
            assert row.opened_at is not None  # only opened ones are asked for
            shown.append(
                Shown(
                    number=row.number,
                    violation=names.class_(row.class_code),
                    point_code=places[row.point_id].code,
                    point_name=places[row.point_id].name,
                    community=row.community,
                    post=posts[row.post_id].name.zh if row.post_id in posts else "",
                    department=names.department(row.department),
                    opened_at=row.opened_at,
                    due_at=row.due_at if row.ended_at else issue.due_at,
                    closed_at=row.ended_at,
                    ordinal=row.ordinal,
                    before_key=(before.evidence_key or before.view_key) if before else None,
                    after_key=after.view_key if after else None,
                )
            )
        return shown

    def repeats(self) -> list[Repeat]:
        """Give what keeps coming back."""
        rule = self.wording.repeats
        return list_repeats(
            self.session, self.names, self.period.end, self.at, rule.window_days, rule.at_least, self.conditions
        )

    def talks(self) -> list[Candidate]:
        """Give who should be called in."""
        return talks.candidates(
            self.session, self.wording.talks, self.period.end, self.at, self.conditions, self.names.subject
        )


def list_repeats(
    session: Session, names: Names, until: datetime, at: datetime, days: int, at_least: int, conditions: Sequence[Yes]
) -> list[Repeat]:
    """Give what came so often at a point within so many days, with the numbers of the issues."""
    stretch = Stretch(start=until - timedelta(days=days), end=until, seen_at=at)
    rows = figures.repeated(session, stretch, conditions, at_least)
    places = names.points({row.point_id for row in rows})
    found = []
    for row in rows:
        place = places[row.point_id]
        here = [*conditions, Case.point_id == row.point_id, Case.class_code == row.class_code]
        post_id = figures.latest(session, stretch, here).post_id
        posts = names.posts([post_id])
        found.append(
            Repeat(
                point_code=place.code,
                point_name=place.name,
                community=place.community,
                post=posts[post_id].name.zh if post_id in posts else "",
                violation=names.class_(row.class_code),
                times=row.times,
                numbers=figures.evidence(session, stretch, here, "opened", talks.MOST_NUMBERS).numbers,
            )
        )
    return found


def list_candidates(session: Session, desk: Desk, until: datetime, seen: Sequence[Yes]) -> list[Candidate]:
    """Give who should be called to a talk, by the rules, as it stood at a moment."""
    names = Names(session, desk.taxonomy)
    return talks.candidates(session, desk.wording.talks, until, now(), seen, names.subject)


def publish(session: Session, bulletin: Bulletin, by: Caller | None) -> PublishedBulletin:
    """Number a bulletin and freeze it.

    Raises:
        Unfit: its period is not over. Conflict: there is one of this period already.
    """
    period, at = bulletin.period.period(), now()
    if period.end > at:
        raise Unfit(
            f"{period.code} is not over yet; it can be previewed, and published from {period.end:%Y-%m-%dT%H:%MZ}."
        )
    session.get_one(Progress, 1, with_for_update=True)  # one publishes at a time, so that no number is given twice
    scope = {"community": bulletin.scope.community, "department": bulletin.scope.department}
    days = {"span": period.span.value, "first_day": period.first, "last_day": period.last}
    there = session.scalars(sa.select(PublishedBulletin).filter_by(**days, **scope)).first()
    if there is not None:
        raise Conflict(f"{period.code} was published already, as bulletin {number_of(there)}; it cannot be changed.")
    year = day_of(at, period.zone).year
    last = session.scalar(sa.select(sa.func.max(PublishedBulletin.serial)).where(PublishedBulletin.year == year)) or 0
    content = bulletin.model_copy(update={"year": year, "serial": last + 1}).model_dump(mode="json")
    row = PublishedBulletin(
        year=year,
        serial=last + 1,
        **days,
        **scope,
        published_at=at,
        published_by=by.user_id if by else None,
        publisher=by.name if by else "",
        content=content,
        sha256=digest(content),
    )
    session.add(row)
    session.flush()
    entry = audit.Entry(
        subject_kind="bulletin",
        subject_id=row.id,
        action="publish",
        by_user_id=by.user_id if by else None,
        data={"number": number_of(row), "period": period.code, "sha256": row.sha256, **scope},
        at=at,
    )
    audit.append(session, entry)
    return row


def digest(content: dict[str, Any]) -> str:
    """Give the SHA-256 of frozen figures: over their JSON in UTF-8, names in order, without blanks."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def number_of(row: PublishedBulletin) -> str:
    """Give the number of a bulletin, e.g. 2026-12."""
    return f"{row.year}-{row.serial}"


def get_bulletin(session: Session, number_or_id: str) -> PublishedBulletin:
    """Give a published bulletin by its number or its id.

    Raises:
        NotFound: there is none.
    """
    year, _, serial = number_or_id.partition("-")
    found = None
    if all(part.isascii() and part.isdigit() and len(part) <= 6 for part in (year, serial)):
        found = session.scalars(sa.select(PublishedBulletin).filter_by(year=int(year), serial=int(serial))).first()
    else:
        try:
            found = session.get(PublishedBulletin, uuid.UUID(number_or_id))
        except ValueError:
            found = None
    if found is None:
        raise NotFound(f"There is no bulletin {number_or_id[:64]!r}.")
    return found


def list_bulletins(session: Session, window: Window) -> tuple[list[PublishedBulletin], str | None]:
    """Give one page of the published bulletins, newest first."""
    return cut(session, sa.select(PublishedBulletin), PublishedBulletin, window)


def record_talk(session: Session, desk: Desk, fields: NewTalk, until: Period, by: Caller | None) -> Talk:
    """Write down that a talk was held, with the reasons that stood on the list of that day.

    Raises:
        Unfit: nobody is called that.
    """
    names = Names(session, desk.taxonomy)
    name = names.subject_coded(fields.subject, fields.code)
    if name is None:
        raise Unfit(f"code: there is no {fields.subject} {fields.code[:48]!r} in any case.")
    listed = list_candidates(session, desk, until.end, [])
    reasons = [one.reasons for one in listed if (one.subject, one.of.code) == (fields.subject, name.code)]
    row = Talk(
        subject=fields.subject.value,
        code=name.code,
        name_zh=name.zh,
        name_en=name.en,
        person=fields.person,
        held_at=fields.held_at.astimezone(UTC),
        held_by=fields.held_by,
        note=fields.note,
        until_day=until.last,
        reasons=[reason.model_dump(mode="json") for reason in (reasons[0] if reasons else [])],
        recorded_at=now(),
        recorded_by=by.user_id if by else None,
    )
    session.add(row)
    session.flush()
    entry = audit.Entry(
        subject_kind="talk",
        subject_id=row.id,
        action="record",
        by_user_id=by.user_id if by else None,
        note=fields.note,
        data={"subject": row.subject, "code": row.code, "person": row.person, "held_by": row.held_by},
    )
    audit.append(session, entry)
    return row


def list_talks(session: Session, window: Window) -> tuple[list[Talk], str | None]:
    """Give one page of the talks that were held, the newest record first."""
    return cut(session, sa.select(Talk), Talk, window)


def _named(code: str, zh: str, en: str) -> Named:
    return Named(code=code, zh=zh, en=en)
