"""Saved filters: each belongs to one user. Takes a session, never commits."""

import uuid

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.errors import Conflict, NotFound
from api.filters.schemas import FilterFields
from api.filters.tables import SavedFilter

MOST = 50  # of one user


def list_filters(session: Session, user_id: uuid.UUID) -> list[SavedFilter]:
    """Give a user's filters in the order of their names; there are at most `MOST`."""
    query = sa.select(SavedFilter).where(SavedFilter.user_id == user_id).order_by(SavedFilter.name)
    return list(session.scalars(query))


def save_filter(session: Session, user_id: uuid.UUID, fields: FilterFields) -> SavedFilter:
    """Keep a choice under a name; one that has the name already is replaced.

    Raises:
        Conflict: the user has `MOST` already.
    """
    kept = list_filters(session, user_id)
    found = next((one for one in kept if one.name == fields.name), None)
    if found is None:
        if len(kept) >= MOST:
            raise Conflict(f"You keep {MOST} filters already, the most there may be. Delete one first.")
        found = SavedFilter(user_id=user_id, name=fields.name)
        session.add(found)
    found.query = fields.query
    session.flush()
    return found


def delete_filter(session: Session, user_id: uuid.UUID, name: str) -> None:
    """Forget a choice.

    Raises:
        NotFound: the user has none of this name.
    """
    found = next((one for one in list_filters(session, user_id) if one.name == name), None)
    if found is None:
        raise NotFound(f"You keep no filter called {name[:60]!r}.")
    session.delete(found)
    session.flush()
