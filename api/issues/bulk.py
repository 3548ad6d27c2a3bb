"""One step for many issues. Each is a transaction of its own: what is refused leaves the others as they are.

A request that is sent again does nothing twice where it names revisions: what is done has another one now.
"""

from collections import Counter
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.accounts.schemas import Caller, Scope
from api.context import Service
from api.errors import StreetError
from api.issues import clock, steps
from api.issues.reach import inside
from api.issues.schemas import Possible, Step, StepOutcome, Target
from api.issues.tables import Issue
from api.issues.transitions import TRANSITIONS, Action, Need, State
from api.problems import problem


def take_one(context: Service, caller: Caller, target: Target, wanted: Step, language: str) -> StepOutcome:
    """Do a step on one issue and say what became of it; a refusal is an answer too."""
    try:
        with context.database.write() as session:
            issue = steps.step(
                session,
                target.number,
                wanted,
                caller,
                context.taxonomy,
                zone=context.settings.zone,
                revision=target.revision,
            )
            clock.set_due(session, [issue], context.clocks)
            return StepOutcome(number=issue.number, done=True, state=State(issue.state), revision=issue.revision)
    except StreetError as error:
        return StepOutcome(number=target.number, done=False, problem=problem(error, language))


def possible_for_many(
    session: Session, caller: Caller, numbers: Sequence[str], *, within: Scope
) -> list[tuple[Possible, int]]:
    """Give what a caller may do to at least one of these issues, and to how many of them.

    What one of them needs is needed of all; photos are sent one issue at a time, so what needs them is left out.
    """
    rows = session.scalars(sa.select(Issue).where(Issue.number.in_(set(numbers)), inside(within)))
    counted: Counter[Action] = Counter()
    needs: dict[Action, set[Need]] = {}
    for row in rows:
        for one in steps.possible(session, caller, row):
            if Need.after_photo not in one.needs:
                counted[one.action] += 1
                needs.setdefault(one.action, set()).update(one.needs)
    return [
        (
            Possible(
                action=action,
                to=rule.to or State.open,
                needs=tuple(one for one in Need if one in needs[action]),
                takes=tuple(one for one in rule.takes if one not in needs[action]),
            ),
            counted[action],
        )
        for action, rule in TRANSITIONS.items()
        if counted[action]
    ]
