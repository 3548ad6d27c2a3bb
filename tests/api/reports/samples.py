"""A bulletin whose figures are made up, for tests of how it is drawn."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from api.reports.periods import Period, Span
from api.reports.schemas import (
    Bulletin,
    Candidate,
    Counts,
    Group,
    Measure,
    Named,
    PeriodView,
    Ranking,
    Reason,
    Repeat,
    Scope,
    Shown,
    Subject,
    Trend,
)
from detector import Taxonomy

ZONE = ZoneInfo("Asia/Shanghai")
WEEK = Period(span=Span.week, first=date(2026, 11, 16), last=date(2026, 11, 22), zone=ZONE)
COMMUNITIES = ("翠宁社区", "云桥社区", "望湖社区", "水泉社区", "东岭社区", "金杉社区")
MADE = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)


def named(code: str, zh: str = "", en: str = "") -> Named:
    return Named(code=code, zh=zh or code, en=en or code)


def counts(number: int) -> Counts:
    opened, closed = 5 + number * 3, 3 + number * 2
    return Counts(
        found=6 + number * 3,
        reopened=number % 3,
        opened=opened,
        due=opened,
        closed=closed,
        closed_in_time=closed - number % 2,
        overdue=number % 4,
        rejected=number % 2,
        rectified=closed,
        unfinished=opened - closed,
        overdue_at_end=number % 2,
        notified=number % 2,
        mean_h=2.4 + number,
        median_h=1.9 + number,
    )


def groups(names: list[Named]) -> list[Group]:
    return [Group(of=one, counts=counts(number)) for number, one in enumerate(names)]


def shown(number: int, taxonomy: Taxonomy, **changes: Any) -> Shown:
    entry = list(taxonomy.classes.values())[number]
    department = next(one for one in taxonomy.departments if one.code == entry.departments[0])
    at = WEEK.start + timedelta(hours=9 + number)
    values = {
        "number": f"DH-2026-{number + 1:06d}",
        "violation": named(entry.code, entry.zh, entry.en),
        "point_code": f"DH-P{number + 1:02d}",
        "point_name": "翠宁社区翠拥华庭小区东门",
        "community": COMMUNITIES[number % 6],
        "post": "社区第一书记",
        "department": named(department.code, department.zh, department.en),
        "opened_at": at,
        "due_at": at + timedelta(hours=4),
        "closed_at": at + timedelta(hours=3) if number % 2 else None,
        "ordinal": 1 + number % 3,
        "before_key": None,
        "after_key": None,
    }
    return Shown(**(values | changes))


def bulletin(taxonomy: Taxonomy, **changes: Any) -> Bulletin:
    communities = groups([named(one) for one in COMMUNITIES])
    departments = groups([named(one.code, one.zh, one.en) for one in taxonomy.departments])
    values = {
        "office": named("office", "东湖街道创建全国文明城市工作办公室", "Donghu Subdistrict Civilised City Office"),
        "period": PeriodView.of(WEEK),
        "scope": Scope(),
        "made_at": MADE,
        "year": 2026,
        "serial": 12,
        "total": counts(30),
        "previous": Trend(period=PeriodView.of(WEEK.before()), counts=counts(24)),
        "trend": [
            Trend(period=PeriodView.of(WEEK.before()), counts=counts(24)),
            Trend(period=PeriodView.of(WEEK), counts=counts(30)),
        ],
        "by_kind": groups([named(one.code, one.zh, one.en) for one in taxonomy.kinds]),
        "by_class": groups([named(one.code, one.zh, one.en) for one in taxonomy.classes.values()]),
        "by_category": groups([named(one.code, one.zh, one.en) for one in taxonomy.place_categories]),
        "by_community": communities,
        "by_department": departments,
        "by_post": groups([named("翠宁社区第一书记"), named("市政巡查员")]),
        "by_point": groups([named("DH-P01 翠宁社区翠拥华庭小区东门")]),
        "communities": Ranking(at_least=5, best=communities[:2], worst=communities[-2:]),
        "departments": Ranking(at_least=5, best=departments[:2], worst=departments[-2:]),
        "shown": [shown(number, taxonomy) for number in range(4)],
        "repeat_window_days": 90,
        "repeats": [
            Repeat(
                point_code="DH-P03",
                point_name="翠宁社区后巷（翠宁二巷）",
                community="翠宁社区",
                post="社区第一书记",
                violation=named("exposed_garbage", "暴露垃圾", "Exposed garbage"),
                times=4,
                numbers=["DH-2026-000131", "DH-2026-000007"],
            )
        ],
        "talks": [
            Candidate(
                subject=Subject.post,
                of=named("翠宁社区第一书记"),
                person="程远舟",
                reasons=[
                    Reason(
                        rule="post_overdue",
                        measure=Measure.overdue_share,
                        value=0.42,
                        at_least=0.3,
                        of=12,
                        numbers=[f"DH-2026-{number:06d}" for number in range(131, 136)],
                        count=5,
                    )
                ],
            )
        ],
        "requirements": [named("1", "对照问题逐项整改，明确责任人和完成时限。", "Put right what is named here.")],
    }
    return Bulletin(**(values | changes))
