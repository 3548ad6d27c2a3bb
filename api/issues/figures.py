"""Figures for the map and the dashboard: the unfinished are counted as they stand, the ended are looked up."""

import uuid
from collections import defaultdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.accounts.schemas import Scope
from api.issues.reach import answered_for, called_to, inside
from api.issues.tables import EndedTally, Issue
from api.issues.transitions import State
from detector.taxonomy import Taxonomy


def unfinished_by_point(session: Session, *, within: Scope) -> dict[uuid.UUID, dict[State, int]]:
    """Count the unfinished issues of each point within a scope that has any, by state."""
    counted: dict[uuid.UUID, dict[State, int]] = defaultdict(dict)
    query = sa.select(Issue.point_id, Issue.state, sa.func.count()).where(Issue.closed_at.is_(None), inside(within))
    for point_id, state, count in session.execute(query.group_by(Issue.point_id, Issue.state)):
        counted[point_id][State(state)] = count
    return dict(counted)


def summarise(session: Session, taxonomy: Taxonomy, *, within: Scope) -> dict[str, Any]:
    """Count the issues within a scope by state, and the unfinished ones by kind and by point."""
    by_state = dict.fromkeys(State, 0)
    ended = sa.select(EndedTally.state, sa.func.sum(EndedTally.count)).where(answered_for(within, EndedTally))
    for state, count in session.execute(ended.group_by(EndedTally.state)):
        by_state[State(state)] += count
    if within.departments:  # what they were only whistled for is not in the tally of theirs, and is little
        called = sa.select(Issue.state, sa.func.count()).where(
            called_to(within), Issue.closed_at.is_not(None), sa.not_(sa.func.coalesce(answered_for(within), sa.false()))
        )
        for state, count in session.execute(called.group_by(Issue.state)):
            by_state[State(state)] += count
    by_kind = {kind.code: 0 for kind in taxonomy.kinds}
    here = (Issue.closed_at.is_(None), inside(within))
    # Point by point, as the index of the unfinished has them; what is asked for is summed over those few.
    each = (
        sa.select(Issue.point_id, Issue.state, Issue.class_code, sa.func.count().label("count"))
        .where(*here)
        .group_by(Issue.point_id, Issue.state, Issue.class_code)
        .subquery()
    )
    standing = sa.select(each.c.state, each.c.class_code, sa.func.sum(each.c["count"]))
    for state, code, count in session.execute(standing.group_by(each.c.state, each.c.class_code)):
        by_state[State(state)] += count
        if code in taxonomy.kind_of:  # an old issue may be of a class that the catalogue has dropped
            by_kind[taxonomy.kind_of[code].code] += count
    affected = sa.select(Issue.point_id).where(*here).group_by(Issue.point_id).subquery()
    count = session.scalar(sa.select(sa.func.count()).select_from(affected)) or 0
    return {"by_state": by_state, "open_by_kind": by_kind, "points_with_open": count}
