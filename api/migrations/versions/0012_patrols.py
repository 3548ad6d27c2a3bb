"""Patrol rounds, visits and checks"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "patrol_rounds",
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("secrecy", sa.String(length=8), nullable=False),
        sa.Column("manner", sa.String(length=8), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("published_at", _MOMENT, nullable=True),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("updated_at", _MOMENT, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patrol_rounds")),
        sa.UniqueConstraint("code", name=op.f("uq_patrol_rounds_code")),
    )
    op.create_index(op.f("ix_patrol_rounds_starts_on"), "patrol_rounds", ["starts_on"])
    op.create_table(
        "patrol_stops",
        sa.Column("round_id", sa.Uuid(), nullable=False),
        sa.Column("point_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        _key("patrol_stops", "round_id", "patrol_rounds"),
        _key("patrol_stops", "point_id", "points"),
        sa.PrimaryKeyConstraint("round_id", "point_id", name=op.f("pk_patrol_stops")),
    )
    op.create_table(
        "patrol_walkers",
        sa.Column("round_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        _key("patrol_walkers", "round_id", "patrol_rounds"),
        _key("patrol_walkers", "user_id", "users"),
        sa.PrimaryKeyConstraint("round_id", "user_id", name=op.f("pk_patrol_walkers")),
    )
    op.create_index(op.f("ix_patrol_walkers_user_id"), "patrol_walkers", ["user_id"])
    op.create_table(
        "patrol_visits",
        sa.Column("round_id", sa.Uuid(), nullable=True),
        sa.Column("point_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("standard", sa.String(length=32), nullable=True),
        sa.Column("started_at", _MOMENT, nullable=False),
        sa.Column("finished_at", _MOMENT, nullable=True),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        _key("patrol_visits", "round_id", "patrol_rounds"),
        _key("patrol_visits", "point_id", "points"),
        _key("patrol_visits", "user_id", "users"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patrol_visits")),
    )
    op.create_index(op.f("ix_patrol_visits_round_id"), "patrol_visits", ["round_id"])
    op.create_index(op.f("ix_patrol_visits_point_id"), "patrol_visits", ["point_id"])
    op.create_table(
        "patrol_checks",
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("item", sa.String(length=32), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("issue_id", sa.Uuid(), nullable=True),
        _key("patrol_checks", "visit_id", "patrol_visits"),
        _key("patrol_checks", "issue_id", "issues"),
        sa.PrimaryKeyConstraint("visit_id", "item", name=op.f("pk_patrol_checks")),
    )
    op.create_table(
        "patrol_captures",
        sa.Column("capture_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        _key("patrol_captures", "capture_id", "captures"),
        _key("patrol_captures", "visit_id", "patrol_visits"),
        sa.PrimaryKeyConstraint("capture_id", name=op.f("pk_patrol_captures")),
    )
    op.create_index(op.f("ix_patrol_captures_visit_id"), "patrol_captures", ["visit_id"])


def _key(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}"))


def downgrade() -> None:
    for table in ("captures", "checks", "visits", "walkers", "stops", "rounds"):
        op.drop_table(f"patrol_{table}")
