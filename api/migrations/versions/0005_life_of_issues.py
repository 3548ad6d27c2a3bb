"""The log of everything, in place of the events of issues, and the whole life of an issue"""

import re
from datetime import UTC
from typing import Any

import sqlalchemy as sa
from alembic import op

from api.audit.chain import FIRST, digest  # the form of the log is fixed for ever, so a migration may rest on it

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)

# What the chain proves afterwards, these prevent: no program of ours, and no slip at a prompt, changes the log.
_REFUSAL = "audit_events is only ever added to"
ONLY_ADDED = {
    "sqlite": """
        CREATE TRIGGER audit_events_stay BEFORE UPDATE ON audit_events BEGIN SELECT RAISE(ABORT, '{refusal}'); END;
        CREATE TRIGGER audit_events_remain BEFORE DELETE ON audit_events BEGIN SELECT RAISE(ABORT, '{refusal}'); END
    """,
    "postgresql": """
        CREATE FUNCTION audit_events_only_added() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION '{refusal}'; END $$;
        CREATE TRIGGER audit_events_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events
        FOR EACH STATEMENT EXECUTE FUNCTION audit_events_only_added()
    """,
}


def upgrade() -> None:
    _make_log()
    _carry_events_over()
    op.drop_table("issue_events")
    for statement in re.split(r";\s*\n", ONLY_ADDED[op.get_bind().dialect.name].format(refusal=_REFUSAL)):
        op.execute(statement)
    _widen_issues()
    _widen_sightings()
    _make_after_photos()


def _make_log() -> None:
    op.create_table(
        "audit_events",
        sa.Column("seq", NUMBER, autoincrement=False, nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.Column("by_user_id", sa.Uuid(), nullable=True),
        sa.Column("subject_kind", sa.String(length=24), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("before", sa.String(length=40), nullable=True),
        sa.Column("after", sa.String(length=40), nullable=True),
        sa.Column("note", sa.String(length=2000), nullable=False),
        sa.Column("capture_id", sa.Uuid(), nullable=True),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("previous_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_events")),
    )
    with op.batch_alter_table("audit_events", schema=None) as batch_op:
        batch_op.create_index("ix_audit_events_subject", ["subject_kind", "subject_id", "seq"], unique=False)
        batch_op.create_index("ix_audit_events_at", ["at"], unique=False)
        batch_op.create_index("ix_audit_events_by", ["by_user_id", "seq"], unique=False)
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", NUMBER, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )


def _events() -> sa.TableClause:
    return sa.table(
        "issue_events",
        sa.column("id", sa.Uuid()),
        sa.column("issue_id", sa.Uuid()),
        sa.column("at", AT),
        sa.column("action", sa.String()),
        sa.column("from_state", sa.String()),
        sa.column("to_state", sa.String()),
        sa.column("by_user_id", sa.Uuid()),
        sa.column("note", sa.String()),
        sa.column("capture_id", sa.Uuid()),
    )


def _log() -> sa.TableClause:
    columns: dict[str, sa.types.TypeEngine[Any]] = {
        "seq": NUMBER,
        "at": AT,
        "by_user_id": sa.Uuid(),
        "subject_kind": sa.String(),
        "subject_id": sa.Uuid(),
        "action": sa.String(),
        "before": sa.String(),
        "after": sa.String(),
        "note": sa.String(),
        "capture_id": sa.Uuid(),
        "data": sa.JSON(),
        "previous_hash": sa.String(),
        "hash": sa.String(),
    }
    return sa.table("audit_events", *(sa.column(name, kind) for name, kind in columns.items()))


def _carry_events_over() -> None:
    """Chain the events that there are, in the order in which they were written."""
    events, log, connection = _events(), _log(), op.get_bind()
    head = sa.table("audit_head", sa.column("id"), sa.column("seq"), sa.column("hash"))
    seq, last = 0, FIRST
    for old in connection.execute(sa.select(events).order_by(events.c.id)).mappings().all():
        row: dict[str, Any] = {
            "seq": seq + 1,
            "at": old["at"] if old["at"].tzinfo else old["at"].replace(tzinfo=UTC),
            "by_user_id": old["by_user_id"],
            "subject_kind": "issue",
            "subject_id": old["issue_id"],
            "action": old["action"],
            "before": old["from_state"],
            "after": old["to_state"],
            "note": old["note"],
            "capture_id": old["capture_id"],
            "data": {},
            "previous_hash": last,
        }
        row["hash"] = digest(row)
        connection.execute(sa.insert(log), row)
        seq, last = row["seq"], row["hash"]
    connection.execute(sa.insert(head), {"id": 1, "seq": seq, "hash": last})


def _widen_issues() -> None:
    with op.batch_alter_table("issues", schema=None) as batch_op:
        batch_op.add_column(sa.Column("state_since", AT, nullable=True))
        batch_op.add_column(sa.Column("source", sa.String(length=12), nullable=True))
        batch_op.add_column(sa.Column("merged_into", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("department", sa.String(length=48), nullable=True))
        batch_op.add_column(sa.Column("post_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("due_at", AT, nullable=True))
        batch_op.add_column(sa.Column("step_due_at", AT, nullable=True))
        batch_op.add_column(sa.Column("extension", sa.String(length=12), nullable=True))
        batch_op.add_column(sa.Column("extended_to", AT, nullable=True))
        batch_op.add_column(sa.Column("pauses", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("after_verdict", sa.String(length=12), nullable=True))
        batch_op.add_column(sa.Column("supervised", sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column("notified_by", sa.String(length=12), nullable=True))
    op.execute(
        "UPDATE issues SET source = 'photo', pauses = '[]', supervised = false, state_since = COALESCE("
        "(SELECT max(at) FROM audit_events WHERE subject_kind = 'issue' AND subject_id = issues.id), opened_at)"
    )
    with op.batch_alter_table("issues", schema=None) as batch_op:
        batch_op.alter_column("state_since", existing_type=AT, nullable=False)
        batch_op.alter_column("source", existing_type=sa.String(length=12), nullable=False)
        batch_op.alter_column("pauses", existing_type=sa.JSON(), nullable=False)
        batch_op.alter_column("supervised", existing_type=sa.Boolean(), nullable=False)
        batch_op.alter_column("confidence", existing_type=sa.Double(), nullable=True)
        batch_op.alter_column("cover_capture_id", existing_type=sa.Uuid(), nullable=True)
        batch_op.create_index(batch_op.f("ix_issues_department"), ["department"], unique=False)
        batch_op.create_index(batch_op.f("ix_issues_post_id"), ["post_id"], unique=False)
        batch_op.create_foreign_key(batch_op.f("fk_issues_merged_into_issues"), "issues", ["merged_into"], ["id"])


def _widen_sightings() -> None:
    with op.batch_alter_table("sightings", schema=None) as batch_op:
        batch_op.add_column(sa.Column("source", sa.String(length=12), nullable=True))
        batch_op.add_column(sa.Column("note", sa.String(length=2000), nullable=True))
        batch_op.add_column(sa.Column("by_user_id", sa.Uuid(), nullable=True))
    op.execute("UPDATE sightings SET source = 'photo', note = ''")
    with op.batch_alter_table("sightings", schema=None) as batch_op:
        batch_op.alter_column("source", existing_type=sa.String(length=12), nullable=False)
        batch_op.alter_column("note", existing_type=sa.String(length=2000), nullable=False)
        batch_op.alter_column("capture_id", existing_type=sa.Uuid(), nullable=True)
        batch_op.alter_column("confidence", existing_type=sa.Double(), nullable=True)
        batch_op.alter_column("certainty", existing_type=sa.String(length=12), nullable=True)
        batch_op.alter_column("reason", existing_type=sa.String(length=40), nullable=True)
        batch_op.alter_column("model", existing_type=sa.String(length=140), nullable=True)


def _make_after_photos() -> None:
    op.create_table(
        "after_photos",
        sa.Column("issue_id", sa.Uuid(), nullable=False),
        sa.Column("capture_id", sa.Uuid(), nullable=False),
        sa.Column("sent_at", AT, nullable=False),
        sa.Column("by_user_id", sa.Uuid(), nullable=True),
        sa.Column("verdict", sa.String(length=12), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=True),
        sa.Column("spent", sa.Boolean(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["capture_id"], ["captures.id"], name=op.f("fk_after_photos_capture_id_captures")),
        sa.ForeignKeyConstraint(["issue_id"], ["issues.id"], name=op.f("fk_after_photos_issue_id_issues")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_after_photos")),
        sa.UniqueConstraint("capture_id", name=op.f("uq_after_photos_capture_id")),
    )
    with op.batch_alter_table("after_photos", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_after_photos_issue_id"), ["issue_id"], unique=False)


def downgrade() -> None:
    raise NotImplementedError("A log that was chained is not taken apart again. Restore the backup made before.")
