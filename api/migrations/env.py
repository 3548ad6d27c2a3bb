"""Alembic's way in; the connection is handed over by `Database.upgrade`."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from api.accounts import tables as _accounts
from api.audit import tables as _audit
from api.cameras import tables as _cameras
from api.captures import tables as _captures
from api.database import Instant, Table
from api.filters import tables as _filters
from api.idempotency import tables as _idempotency
from api.issues import tables as _issues
from api.learning import tables as _learning
from api.notify import tables as _notify
from api.open311 import tables as _open311
from api.patrols import tables as _patrols
from api.points import tables as _points
from api.posts import tables as _posts
from api.reports import tables as _reports
from api.review import tables as _review
from api.routing import tables as _routing
from api.standards import tables as _standards

TABLES = (
    _audit,
    _accounts,
    _filters,
    _posts,
    _points,
    _routing,
    _standards,
    _captures,
    _idempotency,
    _issues,
    _patrols,
    _cameras,
    _notify,
    _review,
    _learning,
    _reports,
    _open311,
)  # importing them registers them with `Table.metadata`


def _render(kind: str, thing: Any, _context: AutogenContext) -> str | Literal[False]:
    """Write our own column types as what they are in the database, so that a migration does not depend on our code."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(thing, Instant) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Table.metadata,
    render_as_batch=True,  # SQLite cannot alter a table in place
    compare_type=True,
    render_item=_render,
)
with context.begin_transaction():
    context.run_migrations()
