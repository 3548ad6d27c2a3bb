"""The mock score: what an assessor would take off today, and what to put right first. Reads only.

A place begins with 100 points. Each unfinished issue there, and each item whose last check failed, is a finding; an
item takes its deduction off for each finding, up to its limit. A failed check that opened an issue counts as that one.
"""

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.accounts.roles import Permission
from api.accounts.schemas import Caller
from api.issues import service as issues
from api.issues.tables import Issue
from api.patrols import service
from api.patrols.schemas import Deduction, Fix, GroupScore, PointScore, ScoreSummary
from api.patrols.tables import Check, PatrolVisit
from api.points import service as points
from api.points.tables import Point
from api.standards import service as standards
from api.standards.schemas import FULL_SCORE, Item

MOST_FIXES = 20


@dataclass(slots=True)
class _Found:
    """What is wrong at a point."""

    issues: dict[str, list[Issue]] = field(default_factory=lambda: defaultdict(list))  #: by class
    failed: set[str] = field(default_factory=set)  #: codes of items


def score_points(session: Session, places: Sequence[Point], caller: Caller, *, on: date) -> list[PointScore]:
    """Give the score of each of these points as it stands, as far as the caller may know."""
    standard = standards.in_force(session, on)
    found = _findings(session, places, caller)
    last = service.last_visits(session, caller)
    scores = []
    for place in places:
        deductions = _deductions(standards.items_at(standard, place.category), found[place.id])
        scores.append(
            PointScore(
                point=place.code,
                name=place.name,
                community=place.community,
                category=place.category,
                score=round(max(0.0, FULL_SCORE - sum(one.points for one in deductions)), 2),
                last_visit_at=last.get(place.id),
                deductions=deductions,
            )
        )
    return scores


def summarise(session: Session, caller: Caller, *, on: date) -> ScoreSummary:
    """Give the mean scores by community and category, and what to put right first."""
    standard = standards.in_force(session, on)
    places = points.all_points(session, within=caller.scope(Permission.view_patrols).of_places())
    scores = score_points(session, places, caller, on=on)
    return ScoreSummary(
        standard=standard.code if standard else None,
        example=bool(standard and standard.example),
        score=_mean(scores) if scores else None,
        communities=_groups(scores, lambda one: one.community),
        categories=_groups(scores, lambda one: one.category),
        fix_first=fix_first(scores),
    )


def fix_first(scores: Iterable[PointScore]) -> list[Fix]:
    """Give what brings the most points when it is put right, the largest gains first.

    A place that has lost more than everything wins back only what lies above zero.
    """
    fixes = []
    for one in scores:
        lost = sum(deduction.points for deduction in one.deductions)
        for deduction in one.deductions:
            gain = max(0.0, FULL_SCORE - (lost - deduction.points)) - one.score
            fixes.append(
                Fix(
                    point=one.point,
                    name=one.name,
                    item=deduction.item,
                    zh=deduction.zh,
                    en=deduction.en,
                    gain=round(gain, 2),
                    issues=deduction.issues,
                )
            )
    return sorted(fixes, key=lambda fix: (-fix.gain, fix.point, fix.item))[:MOST_FIXES]


def _findings(session: Session, places: Sequence[Point], caller: Caller) -> dict[uuid.UUID, _Found]:
    found: dict[uuid.UUID, _Found] = {place.id: _Found() for place in places}
    at_work = issues.at_work(session, within=caller.scope(Permission.view_issues))
    for issue in at_work:
        if issue.point_id in found:
            found[issue.point_id].issues[issue.class_code].append(issue)
    for (point_id, item), check in _last_checks(session, caller).items():
        if point_id in found and not check.passed and check.issue_id is None:
            found[point_id].failed.add(item)
    return found


def _last_checks(session: Session, caller: Caller) -> dict[tuple[uuid.UUID, str], Check]:
    """Give the last word on each item of each point."""
    query = (
        sa.select(PatrolVisit.point_id, Check)
        .join(Check, Check.visit_id == PatrolVisit.id)
        .where(PatrolVisit.finished_at.is_not(None), service.visible_visits(caller))
        .order_by(PatrolVisit.finished_at, PatrolVisit.id)
    )
    return {(point_id, check.item): check for point_id, check in session.execute(query)}


def _deductions(items: Sequence[Item], found: _Found) -> list[Deduction]:
    deductions = []
    for item in items:
        behind = [issue for code in item.classes for issue in found.issues.get(code, [])]
        checks = int(item.code in found.failed)
        findings = len(behind) + checks
        if findings:
            off = min(item.most or FULL_SCORE, item.deduction * findings)
            deductions.append(
                Deduction(
                    item=item.code,
                    zh=item.zh,
                    en=item.en or item.zh,
                    findings=findings,
                    points=round(off, 2),
                    issues=[issue.number for issue in behind],
                    checks=checks,
                )
            )
    return deductions


def _groups(scores: Sequence[PointScore], name_of: Callable[[PointScore], str]) -> list[GroupScore]:
    groups: dict[str, list[PointScore]] = defaultdict(list)
    for one in scores:
        groups[name_of(one)].append(one)
    rows = [
        GroupScore(
            name=name,
            points=len(members),
            score=_mean(members),
            visited=sum(one.last_visit_at is not None for one in members),
        )
        for name, members in groups.items()
    ]
    return sorted(rows, key=lambda row: (row.score, row.name))


def _mean(scores: Sequence[PointScore]) -> float:
    return round(sum(one.score for one in scores) / len(scores), 2)
