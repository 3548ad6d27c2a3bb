"""Requests from outside, and apart from them who filed them"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "service_requests",
        sa.Column("reference", sa.String(length=16), nullable=False),
        sa.Column("token", sa.String(length=32), nullable=False),
        sa.Column("jurisdiction", sa.String(length=64), nullable=False),
        sa.Column("service_code", sa.String(length=48), nullable=False),
        sa.Column("issue_id", sa.Uuid(), nullable=False),
        sa.Column("point_id", sa.Uuid(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("description", sa.String(length=4000), nullable=False),
        sa.Column("address", sa.String(length=500), nullable=False),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("distance_m", sa.Double(), nullable=True),
        sa.Column("media_url", sa.String(length=2000), nullable=False),
        sa.Column("capture_id", sa.Uuid(), nullable=True),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["capture_id"], ["captures.id"], name=op.f("fk_service_requests_capture_id_captures")),
        sa.ForeignKeyConstraint(["issue_id"], ["issues.id"], name=op.f("fk_service_requests_issue_id_issues")),
        sa.ForeignKeyConstraint(["point_id"], ["points.id"], name=op.f("fk_service_requests_point_id_points")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_requests")),
        sa.UniqueConstraint("reference", name=op.f("uq_service_requests_reference")),
        sa.UniqueConstraint("token", name=op.f("uq_service_requests_token")),
    )
    with op.batch_alter_table("service_requests", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_service_requests_issue_id"), ["issue_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_service_requests_requested_at"), ["requested_at"], unique=False)
    op.create_table(
        "service_requesters",
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("first_name", sa.String(length=80), nullable=False),
        sa.Column("last_name", sa.String(length=80), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("phone", sa.String(length=40), nullable=False),
        sa.Column("device_id", sa.String(length=128), nullable=False),
        sa.Column("account_id", sa.String(length=128), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"], ["service_requests.id"], name=op.f("fk_service_requesters_request_id_service_requests")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_requesters")),
        sa.UniqueConstraint("request_id", name=op.f("uq_service_requesters_request_id")),
    )


def downgrade() -> None:
    op.drop_table("service_requesters")
    op.drop_table("service_requests")
