"""What reviewers' verdicts say of the model: how often it was right, what it missed, and how much work it makes."""

import math
import uuid
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from api.accounts.schemas import EVERYWHERE, Scope
from api.cameras import service as cameras
from api.captures import service as captures
from api.captures.tables import Capture
from api.database import now
from api.review import service
from api.review.geometry import same_place
from api.review.schemas import CaseState, Why
from api.review.tables import ReviewCase
from detector.taxonomy import Taxonomy

_Z = 1.959964  # 95 % of a normal distribution
DRIFT_PART = 3  # the last third of the time is held against what came before


class Rate(BaseModel):
    """A share with its 95 % interval (Wilson 1927), which stays sensible for a handful of cases."""

    count: int = Field(description="how often it was so")
    of: int
    share: float | None = Field(description="0..1; null where there is nothing to count")
    low: float | None
    high: float | None


class ClassFigures(BaseModel):
    """One violation as one model version named it."""

    model: str
    class_code: str
    precision: Rate = Field(description="of the reviewed captures on which it was named, those on which people saw it")
    sure: Rate = Field(description="the same, of captures drawn by lot on which the model was sure of everything")


class PlaceFigures(BaseModel):
    """One point as people saw it."""

    point_id: uuid.UUID
    precision: Rate = Field(description="of what the model named there, capture by capture, what people saw too")
    before: Rate = Field(description="the same in the time before the last `drift_days`")
    lately: Rate = Field(description="the same in the last `drift_days`")
    drifts: bool = Field(description="lately it is right less often than before, by more than chance explains")


class CameraFigures(BaseModel):
    """One camera as people saw what it reported."""

    code: str
    name: str
    point_id: uuid.UUID
    precision: Rate = Field(description="of what the model named on its pictures, capture by capture, what people saw")


class DayFigures(BaseModel):
    """The work of a day."""

    day: date = Field(description="of the office's calendar")
    asked: dict[Why, int] = Field(description="captures put before people, by reason")
    decided: int


class Figures(BaseModel):
    """What reviewers say."""

    days: int
    drift_days: int
    by_class: list[ClassFigures]
    by_point: list[PlaceFigures] = Field(description="those that drift first, then those with the most verdicts")
    by_camera: list[CameraFigures] = Field(description="those with the most verdicts first")
    missed: Rate = Field(description="of captures drawn by lot where the model found nothing, those with a violation")
    missed_by_model: dict[str, Rate] = Field(description="the same by model version")
    sure_but_wrong: Rate = Field(
        description="of captures drawn by lot where the model was sure, those people put right"
    )
    waiting: int
    disputed: int
    by_day: list[DayFigures]


def rate(count: int, of: int) -> Rate:
    """Give a share with its interval."""
    if of == 0:
        return Rate(count=0, of=0, share=None, low=None, high=None)
    low, high = _interval(count / of, of)
    return Rate(count=count, of=of, share=round(count / of, 4), low=round(low, 4), high=round(high, 4))


def _interval(share: float, of: float) -> tuple[float, float]:
    spread = 1 + _Z**2 / of
    middle = (share + _Z**2 / (2 * of)) / spread
    half = _Z * math.sqrt(share * (1 - share) / of + _Z**2 / (4 * of**2)) / spread
    return max(0.0, middle - half), min(1.0, middle + half)


def rate_of_weighed(said: Sequence[tuple[bool, float]]) -> Rate:
    """Give the share of true ones where each speaks for `weight` of its kind.

    The interval is Wilson's at Kish's effective sample size, (sum w)^2 / sum w^2 (Kish 1965, section 11.7): a few that
    speak for many make it as wide as it must be.
    """
    total = sum(weight for _, weight in said)
    if total <= 0:
        return rate(0, 0)
    share = sum(weight for true, weight in said if true) / total
    effective = total**2 / sum(weight**2 for _, weight in said)
    low, high = _interval(share, effective)
    return Rate(
        count=sum(true for true, _ in said), of=len(said), share=round(share, 4), low=round(low, 4), high=round(high, 4)
    )


def fell(before: Rate, lately: Rate) -> bool:
    """Say whether a share fell by more than chance explains: the 95 % interval of the difference lies above zero.

    Source: Newcombe 1998, method 10, from the Wilson intervals of both.
    """
    if None in (before.share, before.low, lately.share, lately.high):
        return False
    assert before.share is not None
    assert before.low is not None
    assert lately.share is not None
    assert lately.high is not None
    least = before.share - lately.share - math.hypot(before.share - before.low, lately.high - lately.share)
    return least > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """A box that a model drew, and what people said of it."""

    code: str  #: the model's class
    confidence: float
    right: bool  #: people left one of its class at its place
    weight: float  #: captures of its kind for which it speaks


def weighed_boxes(session: Session, model: str, since: datetime) -> tuple[list[Weighed], int]:
    """Give the boxes of a model version on which people spoke since a moment, and on how many captures that was.

    Only what a rule or the lot put before people: what somebody picked out says nothing about the rest.
    """
    fair = (Why.doubtful, Why.confident, Why.empty)
    query = sa.select(ReviewCase.id, ReviewCase.why, ReviewCase.share, ReviewCase.predicted, ReviewCase.boxes).where(
        ReviewCase.state == CaseState.decided,
        ReviewCase.model == model,
        ReviewCase.decided_at > since,
        ReviewCase.why.in_(fair),
    )
    found, cases = [], 0
    for row in session.execute(query.execution_options(yield_per=500)):
        cases += 1
        weight = 1.0 if row.why == Why.doubtful else 1.0 / (row.share or 1.0)
        found += [
            Weighed(
                code=one["code"],
                confidence=one["confidence"],
                right=any(one["code"] == kept["code"] and same_place(one["box"], kept["box"]) for kept in row.boxes),
                weight=weight,
            )
            for one in row.predicted
        ]
    return found, cases


@dataclass(slots=True)
class _Counts:
    """What is counted on the way through the verdicts: [right, named]."""

    by_class: dict[tuple[str, str], list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    sure: dict[tuple[str, str], list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    by_point: dict[tuple[uuid.UUID, bool], list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    by_sender: dict[uuid.UUID, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    missed: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    put_right: list[int] = field(default_factory=lambda: [0, 0])
    decided: Counter[date] = field(default_factory=Counter)


def figures(session: Session, taxonomy: Taxonomy, *, days: int, zone: ZoneInfo, within: Scope = EVERYWHERE) -> Figures:
    """Give the figures of the last days, of the captures within a scope."""
    until = now()
    since, lately = until - timedelta(days=days), until - timedelta(days=days / DRIFT_PART)
    inside = captures.of_captures_inside(ReviewCase.capture_id, within)
    counts = _Counts()
    decided = sa.select(ReviewCase).filter_by(state=CaseState.decided).where(ReviewCase.decided_at > since, inside)
    for part in session.scalars(decided.execution_options(yield_per=500)).partitions():
        shown = captures.captures_by_id(session, [one.capture_id for one in part])
        for case in part:
            _count(case, shown[case.capture_id], counts, taxonomy, lately, zone)
    states: dict[str, int] = dict(
        session.execute(sa.select(ReviewCase.state, sa.func.count()).where(inside).group_by(ReviewCase.state)).all()
    )
    missed = [sum(one[place] for one in counts.missed.values()) for place in (0, 1)]
    return Figures(
        days=days,
        drift_days=round(days / DRIFT_PART),
        by_class=[
            ClassFigures(model=model, class_code=code, precision=rate(*said), sure=rate(*counts.sure[model, code]))
            for (model, code), said in sorted(counts.by_class.items())
        ],
        by_point=_places(counts),
        by_camera=_cameras(session, counts),
        missed=rate(missed[0], missed[1]),
        missed_by_model={model: rate(*said) for model, said in sorted(counts.missed.items())},
        sure_but_wrong=rate(*counts.put_right),
        waiting=sum(states.get(one, 0) for one in (CaseState.waiting, CaseState.sending, CaseState.sent)),
        disputed=states.get(CaseState.disputed, 0),
        by_day=_days(session, counts, since, until, zone, inside),
    )


def _count(
    case: ReviewCase, capture: Capture, counts: _Counts, taxonomy: Taxonomy, lately: datetime, zone: ZoneInfo
) -> None:
    assert case.decided_at is not None
    assert case.boxes is not None
    named = service.violations_in((one["code"] for one in case.predicted), taxonomy)
    seen = service.violations_in((one["code"] for one in case.boxes), taxonomy)
    counts.decided[case.decided_at.astimezone(zone).date()] += 1
    tallies = [(counts.by_class, case.model)] + ([(counts.sure, case.model)] if case.why == Why.confident else [])
    for code in named:
        for tally, model in tallies:
            _add(tally[model, code], code in seen)
        _add(counts.by_point[capture.point_id, case.decided_at > lately], code in seen)
        _add(counts.by_sender[capture.sent_by], code in seen)
    if case.why == Why.empty:
        _add(counts.missed[case.model], bool(seen))
    if case.why == Why.confident:
        _add(counts.put_right, named != seen)


def _add(tally: list[int], true: bool) -> None:
    tally[0] += true
    tally[1] += 1


def _places(counts: _Counts) -> list[PlaceFigures]:
    found = []
    for point_id in {one for one, _ in counts.by_point}:
        before, lately = counts.by_point[point_id, False], counts.by_point[point_id, True]
        rates = rate(*before), rate(*lately)
        found.append(
            PlaceFigures(
                point_id=point_id,
                precision=rate(before[0] + lately[0], before[1] + lately[1]),
                before=rates[0],
                lately=rates[1],
                drifts=fell(*rates),
            )
        )
    return sorted(found, key=lambda one: (not one.drifts, -one.precision.of, one.point_id))


def _cameras(session: Session, counts: _Counts) -> list[CameraFigures]:
    found = [
        CameraFigures(code=one.code, name=one.name, point_id=one.point_id, precision=rate(*counts.by_sender[sender]))
        for sender, one in cameras.cameras_by_user(session, list(counts.by_sender)).items()
    ]
    return sorted(found, key=lambda one: (-one.precision.of, one.code))


def _days(
    session: Session,
    counts: _Counts,
    since: datetime,
    until: datetime,
    zone: ZoneInfo,
    inside: sa.ColumnElement[bool],
) -> list[DayFigures]:
    asked: dict[date, Counter[Why]] = defaultdict(Counter)
    query = sa.select(ReviewCase.created_at, ReviewCase.why).where(ReviewCase.created_at > since, inside)
    for at, why in session.execute(query.execution_options(yield_per=2000)):
        asked[at.astimezone(zone).date()][Why(why)] += 1
    first, last = since.astimezone(zone).date(), until.astimezone(zone).date()
    every = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return [DayFigures(day=day, asked=dict(asked[day]), decided=counts.decided[day]) for day in every]
