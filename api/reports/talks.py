"""Who should be called to a talk (约谈): the rules are data, behind each name stand the issues that put it there."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from api.reports import figures
from api.reports.figures import Column, Stretch, Yes
from api.reports.schemas import Candidate, Counts, Measure, Named, Reason, Subject
from api.reports.tables import Case
from api.reports.wording import TalkRule

MOST_NUMBERS = 50  # of issues behind one reason

COLUMNS: dict[Subject, Column] = {
    Subject.post: Case.post_id,
    Subject.community: Case.community,
    Subject.department: Case.department,
}

Who = Callable[[Subject, Any], tuple[Named, str]]  #: from the value of a column to a name, and the person of a post


def candidates(
    session: Session, rules: Sequence[TalkRule], until: datetime, at: datetime, conditions: Sequence[Yes], who: Who
) -> list[Candidate]:
    """Apply the rules to the windows that end at `until`, seen from `at`; whoever meets most rules stands first."""
    met: dict[tuple[Subject, Any], list[Reason]] = {}
    for rule in rules:
        stretch = Stretch(start=until - timedelta(days=rule.window_days), end=until, seen_at=at)
        for value, (figure, of) in _measured(session, rule, stretch, conditions).items():
            if value and figure >= rule.at_least and (rule.of_at_least is None or of >= rule.of_at_least):
                reason = _reason(session, rule, stretch, [*conditions, COLUMNS[rule.subject] == value], figure, of)
                met.setdefault((rule.subject, value), []).append(reason)
    found = []
    for (subject, value), reasons in met.items():
        name, person = who(subject, value)
        found.append(Candidate(subject=subject, of=name, person=person, reasons=reasons))
    return sorted(found, key=lambda one: (-len(one.reasons), list(Subject).index(one.subject), one.of.code))


def _measured(
    session: Session, rule: TalkRule, stretch: Stretch, conditions: Sequence[Yes]
) -> dict[Any, tuple[float, int]]:
    """Give the figure that a rule looks at for each subject, and of how many cases it is a share."""
    column = COLUMNS[rule.subject]
    if rule.measure is Measure.repeated:
        return {
            value: (float(count), 0)
            for value, count in figures.repeated_by(session, stretch, conditions, column).items()
        }
    counted = figures.count_by(session, stretch, conditions, column)
    return {value: (_figure(rule.measure, counts), counts.due) for value, counts in counted.items()}


def _figure(measure: Measure, counts: Counts) -> float:
    return float(getattr(counts, measure) or 0)


def _reason(
    session: Session, rule: TalkRule, stretch: Stretch, conditions: Sequence[Yes], figure: float, of: int
) -> Reason:
    counted = "overdue" if rule.measure is Measure.overdue_share else rule.measure.value
    behind = figures.evidence(session, stretch, conditions, counted, MOST_NUMBERS)
    return Reason(
        rule=rule.code,
        measure=rule.measure,
        value=round(figure, 4),
        at_least=rule.at_least,
        of=of if rule.measure is Measure.overdue_share else None,
        numbers=behind.numbers,
        count=behind.count,
    )
