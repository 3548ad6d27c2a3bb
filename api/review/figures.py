"""What reviewers' verdicts say of the model: how often it was right, what it missed, and how much work it makes."""

import math
from collections import Counter, defaultdict
from datetime import timedelta

import sqlalchemy as sa
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from api.database import now
from api.review import service
from api.review.schemas import CaseState, Why
from api.review.tables import ReviewCase
from detector.taxonomy import Taxonomy

_Z = 1.959964  # 95 % of a normal distribution


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
    precision: Rate = Field(description="of the captures on which the model named it, those on which people saw it too")


class Figures(BaseModel):
    """What reviewers say."""

    days: int
    by_class: list[ClassFigures]
    missed: Rate = Field(description="of captures sampled where the model found nothing, those with a violation")
    sure_but_wrong: Rate = Field(description="of captures sampled where the model was sure, those people put right")
    waiting: int
    disputed: int
    decided_by_day: dict[str, int] = Field(description="captures decided on each day (UTC)")


def rate(count: int, of: int) -> Rate:
    """Give a share with its interval."""
    if of == 0:
        return Rate(count=0, of=0, share=None, low=None, high=None)
    share, spread = count / of, 1 + _Z**2 / of
    middle = (share + _Z**2 / (2 * of)) / spread
    half = _Z * math.sqrt(share * (1 - share) / of + _Z**2 / (4 * of**2)) / spread
    return Rate(
        count=count,
        of=of,
        share=round(share, 4),
        low=round(max(0.0, middle - half), 4),
        high=round(min(1.0, middle + half), 4),
    )


def figures(session: Session, taxonomy: Taxonomy, *, days: int) -> Figures:
    """Give the figures of the last days."""
    since = now() - timedelta(days=days)
    right: Counter[tuple[str, str]] = Counter()
    named: Counter[tuple[str, str]] = Counter()
    sampled: dict[Why, list[bool]] = defaultdict(list)
    by_day: Counter[str] = Counter()
    decided = sa.select(ReviewCase).filter_by(state=CaseState.decided).where(ReviewCase.decided_at > since)
    for case in session.scalars(decided.execution_options(yield_per=500)):
        assert case.decided_at is not None
        assert case.boxes is not None
        model_says = service.violations_in((one["code"] for one in case.predicted), taxonomy)
        people_say = service.violations_in((one["code"] for one in case.boxes), taxonomy)
        by_day[case.decided_at.date().isoformat()] += 1
        for code in model_says:
            named[case.model, code] += 1
            right[case.model, code] += code in people_say
        sampled[Why(case.why)].append(bool(people_say) if case.why == Why.empty else model_says != people_say)
    states = dict(session.execute(sa.select(ReviewCase.state, sa.func.count()).group_by(ReviewCase.state)).all())
    return Figures(
        days=days,
        by_class=[
            ClassFigures(model=model, class_code=code, precision=rate(right[model, code], named[model, code]))
            for model, code in sorted(named)
        ],
        missed=rate(sum(sampled[Why.empty]), len(sampled[Why.empty])),
        sure_but_wrong=rate(sum(sampled[Why.confident]), len(sampled[Why.confident])),
        waiting=sum(states.get(one, 0) for one in (CaseState.waiting, CaseState.sending, CaseState.sent)),
        disputed=states.get(CaseState.disputed, 0),
        decided_by_day=dict(sorted(by_day.items())),
    )
