"""Indexes for lists of a million issues, and how many issues have ended where"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

UNFINISHED: dict[str, Any] = {
    "sqlite_where": sa.text("closed_at IS NULL"),
    "postgresql_where": sa.text("closed_at IS NULL"),
}
REPLACED = ("state", "class_code", "point_id", "department")
INDEXES: dict[str, tuple[list[str], dict[str, Any]]] = {
    "ix_issues_by_state": (["state", "id"], {}),
    "ix_issues_by_class": (["class_code", "id"], {}),
    "ix_issues_by_point": (["point_id", "id"], {}),
    "ix_issues_by_department": (["department", "id"], {}),
    "ix_issues_by_point_class_state": (["point_id", "class_code", "state", "id"], {}),
    "ix_issues_unfinished": (["id"], UNFINISHED),
    "ix_issues_unfinished_by_class": (["class_code", "id"], UNFINISHED),
    "ix_issues_unfinished_by_due": (["due_at", "id"], UNFINISHED),
    "ix_issues_unfinished_by_point": (["point_id", "state", "class_code"], UNFINISHED),
}


def upgrade() -> None:
    for name in REPLACED:
        op.drop_index(op.f(f"ix_issues_{name}"), "issues")
    for name, (columns, which) in INDEXES.items():
        op.create_index(name, "issues", columns, unique=False, **which)
    op.create_table(
        "ended_tally",
        sa.Column("point_id", sa.Uuid(), nullable=False),
        sa.Column("department", sa.String(length=48), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["point_id"], ["points.id"], name=op.f("fk_ended_tally_point_id_points")),
        sa.PrimaryKeyConstraint("point_id", "department", "state", name=op.f("pk_ended_tally")),
    )
    op.execute(
        "INSERT INTO ended_tally (point_id, department, state, count) "
        "SELECT point_id, COALESCE(department, ''), state, count(*) FROM issues "
        "WHERE closed_at IS NOT NULL GROUP BY point_id, COALESCE(department, ''), state"
    )


def downgrade() -> None:
    op.drop_table("ended_tally")
    for name, (_, which) in INDEXES.items():
        op.drop_index(name, "issues", **which)
    for name in REPLACED:
        op.create_index(op.f(f"ix_issues_{name}"), "issues", [name], unique=False)
