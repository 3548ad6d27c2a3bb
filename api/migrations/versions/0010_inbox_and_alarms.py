"""Inboxes, preferences, digests, alarms of the clocks, and how far the log has been told"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alarms",
        sa.Column("issue_id", sa.Uuid(), nullable=False),
        sa.Column("run", sa.String(length=160), nullable=False),
        sa.Column("step", sa.String(length=48), nullable=False),
        sa.Column("department", sa.String(length=48), nullable=False),
        sa.Column("what", sa.String(length=12), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarms")),
        sa.UniqueConstraint("issue_id", "run", "what", "level", name=op.f("uq_alarms_issue_id")),
    )
    with op.batch_alter_table("alarms", schema=None) as batch_op:
        batch_op.create_index("ix_alarms_waiting", ["fired_at", "at"], unique=False)

    op.create_table(
        "messages",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("notice", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sa.UniqueConstraint("user_id", "notice", name=op.f("uq_messages_user_id")),
    )
    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.create_index("ix_messages_unread", ["user_id", "read_at"], unique=False)

    op.create_table(
        "notify_flows",
        sa.Column("target", sa.String(length=48), nullable=False),
        sa.Column("topic", sa.String(length=48), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("target", "topic", name=op.f("pk_notify_flows")),
    )
    op.create_table(
        "notify_held",
        sa.Column("target", sa.String(length=48), nullable=False),
        sa.Column("topic", sa.String(length=48), nullable=False),
        sa.Column("notice", sa.String(length=80), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("release_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notify_held")),
        sa.UniqueConstraint("target", "notice", name=op.f("uq_notify_held_target")),
    )
    with op.batch_alter_table("notify_held", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_notify_held_release_at"), ["release_at"], unique=False)

    op.create_table(
        "notify_preferences",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("mail", sa.JSON(), nullable=False),
        sa.Column("muted", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_notify_preferences")),
    )
    op.create_table(
        "notify_progress",
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("mark", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_notify_progress")),
    )
    # What had happened before is told to nobody; the clocks are set for whatever is unfinished at the next start.
    op.execute("INSERT INTO notify_progress (name, seq, mark) SELECT 'teller', seq, '' FROM audit_head")
    op.execute("INSERT INTO notify_progress (name, seq, mark) VALUES ('ticker', 0, '')")


def downgrade() -> None:
    op.drop_table("notify_progress")
    op.drop_table("notify_preferences")
    with op.batch_alter_table("notify_held", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_notify_held_release_at"))

    op.drop_table("notify_held")
    op.drop_table("notify_flows")
    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.drop_index("ix_messages_unread")

    op.drop_table("messages")
    with op.batch_alter_table("alarms", schema=None) as batch_op:
        batch_op.drop_index("ix_alarms_waiting")

    op.drop_table("alarms")
