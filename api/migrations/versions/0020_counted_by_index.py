"""Indexes that SQLite counts the unfinished issues by without reading a row of theirs"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_ENDED, _UNFINISHED = sa.text("closed_at IS NOT NULL"), sa.text("closed_at IS NULL")


def upgrade() -> None:
    op.drop_index("ix_issues_by_end", "issues")
    op.create_index("ix_issues_by_end", "issues", ["closed_at"], sqlite_where=_ENDED, postgresql_where=_ENDED)
    _index_unfinished("point_id", "state", "class_code", "closed_at")


def _index_unfinished(*columns: str) -> None:
    name = "ix_issues_unfinished_by_point"
    op.drop_index(name, "issues")
    op.create_index(name, "issues", list(columns), sqlite_where=_UNFINISHED, postgresql_where=_UNFINISHED)


def downgrade() -> None:
    op.drop_index("ix_issues_by_end", "issues")
    op.create_index("ix_issues_by_end", "issues", ["closed_at"])
    _index_unfinished("point_id", "state", "class_code")
