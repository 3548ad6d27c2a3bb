"""Which issues somebody reaches: those of the points and departments that a scope names."""

import uuid

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.accounts.roles import Permission
from api.accounts.schemas import Caller, Scope
from api.errors import NotFound
from api.issues.tables import EndedTally, Issue, WhistleCall
from api.points import service as points


def inside(scope: Scope) -> sa.ColumnElement[bool]:
    """Give the condition on issues that a scope sets."""
    return sa.true() if scope.everywhere else sa.or_(answered_for(scope), called_to(scope))


def answered_for(scope: Scope, table: type[Issue] | type[EndedTally] = Issue) -> sa.ColumnElement[bool]:
    """Give the condition on issues, or on what is counted of them, that a scope's places and departments set."""
    if scope.everywhere:
        return sa.true()
    places = Scope(communities=scope.communities, points=scope.points)
    return sa.or_(table.point_id.in_(points.ids_where(within=places)), table.department.in_(scope.departments))


def called_to(scope: Scope) -> sa.ColumnElement[bool]:
    """Give the condition that a scope's departments were whistled for: they must see what for."""
    return Issue.id.in_(sa.select(WhistleCall.issue_id).where(WhistleCall.department.in_(scope.departments)))


def may(session: Session, caller: Caller, permission: Permission, issue: Issue) -> bool:
    """Say whether a caller may do this to an issue, where it is."""
    scope = caller.scope(permission)
    if scope.everywhere or scope == Scope():
        return scope.everywhere
    here = sa.select(Issue.id).where(Issue.id == issue.id, inside(scope))
    return session.scalar(here) is not None


def get_issue(session: Session, number_or_id: str, *, within: Scope) -> Issue:
    """Give an issue by its number or its id.

    Raises:
        NotFound: there is no such issue within the scope.
    """
    found = session.scalar(sa.select(Issue).where(Issue.number == number_or_id, inside(within)))
    if found is None:
        try:
            found = session.scalar(sa.select(Issue).where(Issue.id == uuid.UUID(number_or_id), inside(within)))
        except ValueError:
            found = None
    if found is None:
        raise NotFound(f"There is no issue {number_or_id[:64]!r}.")
    return found
