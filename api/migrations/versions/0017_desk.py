"""Saved filters, and indexes for lists by what was seen last, by when it ended, and for words that people told"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

UNFINISHED: dict[str, Any] = {
    "sqlite_where": sa.text("closed_at IS NULL"),
    "postgresql_where": sa.text("closed_at IS NULL"),
}
TOLD: dict[str, Any] = {"sqlite_where": sa.text("note <> ''"), "postgresql_where": sa.text("note <> ''")}


def upgrade() -> None:
    op.create_index("ix_issues_by_seen", "issues", ["last_seen_at", "id"], unique=False)
    op.create_index("ix_issues_by_end", "issues", ["closed_at"], unique=False)
    op.create_index("ix_issues_unfinished_by_seen", "issues", ["last_seen_at", "id"], unique=False, **UNFINISHED)
    op.create_index("ix_sightings_told", "sightings", ["issue_id"], unique=False, **TOLD)
    op.create_table(
        "saved_filters",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("query", sa.String(length=1000), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_saved_filters_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_filters")),
        sa.UniqueConstraint("user_id", "name", name=op.f("uq_saved_filters_user_id")),
    )


def downgrade() -> None:
    op.drop_table("saved_filters")
    op.drop_index("ix_sightings_told", "sightings", **TOLD)
    op.drop_index("ix_issues_unfinished_by_seen", "issues", **UNFINISHED)
    op.drop_index("ix_issues_by_end", "issues")
    op.drop_index("ix_issues_by_seen", "issues")
