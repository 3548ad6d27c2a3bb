"""Whistles, and answers kept for requests that are sent twice"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "kept_answers",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("asked", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("headers", sa.JSON(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("expires_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "key", name=op.f("pk_kept_answers")),
    )
    with op.batch_alter_table("kept_answers", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_kept_answers_expires_at"), ["expires_at"], unique=False)
    op.create_table(
        "whistles",
        sa.Column("issue_id", sa.Uuid(), nullable=False),
        sa.Column("note", sa.String(length=2000), nullable=False),
        sa.Column("called_at", AT, nullable=False),
        sa.Column("by_user_id", sa.Uuid(), nullable=True),
        sa.Column("ended_at", AT, nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["issue_id"], ["issues.id"], name=op.f("fk_whistles_issue_id_issues")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_whistles")),
    )
    with op.batch_alter_table("whistles", schema=None) as batch_op:
        batch_op.create_index(
            "one_open_whistle_per_issue",
            ["issue_id"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch_op.create_index(batch_op.f("ix_whistles_issue_id"), ["issue_id"], unique=False)
    op.create_table(
        "whistle_calls",
        sa.Column("whistle_id", sa.Uuid(), nullable=False),
        sa.Column("issue_id", sa.Uuid(), nullable=False),
        sa.Column("department", sa.String(length=48), nullable=False),
        sa.Column("due_at", AT, nullable=False),
        sa.Column("arrived_at", AT, nullable=True),
        sa.Column("arrived_by", sa.Uuid(), nullable=True),
        sa.Column("finished_at", AT, nullable=True),
        sa.Column("outcome", sa.String(length=2000), nullable=False),
        sa.Column("rating", sa.Integer(), nullable=True),
        sa.Column("rating_note", sa.String(length=2000), nullable=False),
        sa.Column("rated_at", AT, nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("rating BETWEEN 1 AND 5", name=op.f("ck_whistle_calls_one_to_five")),
        sa.ForeignKeyConstraint(["issue_id"], ["issues.id"], name=op.f("fk_whistle_calls_issue_id_issues")),
        sa.ForeignKeyConstraint(["whistle_id"], ["whistles.id"], name=op.f("fk_whistle_calls_whistle_id_whistles")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_whistle_calls")),
        sa.UniqueConstraint("whistle_id", "department", name=op.f("uq_whistle_calls_whistle_id")),
    )
    with op.batch_alter_table("whistle_calls", schema=None) as batch_op:
        batch_op.create_index("ix_whistle_calls_department", ["department", "issue_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_whistle_calls_issue_id"), ["issue_id"], unique=False)


def downgrade() -> None:
    op.drop_table("whistle_calls")
    op.drop_table("whistles")
    op.drop_table("kept_answers")
