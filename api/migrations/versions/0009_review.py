"""Captures before people, and what they say"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "label_projects",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("url", sa.String(300), nullable=False),
        sa.Column("project", sa.Integer(), nullable=False),
        sa.Column("our_url", sa.String(300), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("in_force", sa.Boolean(), nullable=False),
        sa.Column("connected_at", AT, nullable=False),
        sa.Column("connected_by", sa.Uuid(), sa.ForeignKey("users.id", name="fk_label_projects_connected_by_users")),
        sa.Column("read_until", AT),
        sa.Column("last_sync_at", AT),
        sa.Column("last_error", sa.String(500)),
    )
    op.create_table(
        "review_cases",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column(
            "capture_id",
            sa.Uuid(),
            sa.ForeignKey("captures.id", name="fk_review_cases_capture_id_captures"),
            nullable=False,
        ),
        sa.Column("why", sa.String(20), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("model", sa.String(140), nullable=False),
        sa.Column("predicted", sa.JSON(), nullable=False),
        sa.Column(
            "project_id",
            sa.Uuid(),
            sa.ForeignKey("label_projects.id", name="fk_review_cases_project_id_label_projects"),
        ),
        sa.Column("task", sa.Integer()),
        sa.Column("picture", sa.String(500)),
        sa.Column("sent_at", AT),
        sa.Column("look_again", sa.Boolean(), nullable=False),
        sa.Column("decided_at", AT),
        sa.Column("decided_by", sa.JSON(), nullable=False),
        sa.Column("boxes", sa.JSON(none_as_null=True)),
        sa.UniqueConstraint("capture_id", name="uq_review_cases_capture_id"),
    )
    for name in ("look_again", "decided_at"):
        op.create_index(f"ix_review_cases_{name}", "review_cases", [name])
    op.create_index("ix_review_cases_state_id", "review_cases", ["state", "id"])
    op.create_index("ix_review_cases_project_id_task", "review_cases", ["project_id", "task"])
    op.create_table(
        "verdicts",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column(
            "case_id",
            sa.Uuid(),
            sa.ForeignKey("review_cases.id", name="fk_verdicts_case_id_review_cases"),
            nullable=False,
        ),
        sa.Column("reviewer", sa.String(340), nullable=False),
        sa.Column("name", sa.String(254), nullable=False),
        sa.Column("user_id", sa.Uuid(), sa.ForeignKey("users.id", name="fk_verdicts_user_id_users")),
        sa.Column("annotation", sa.Integer()),
        sa.Column("at", AT, nullable=False),
        sa.Column("boxes", sa.JSON(), nullable=False),
        sa.UniqueConstraint("case_id", "reviewer", name="uq_verdicts_case_id"),
    )
    op.create_index("ix_verdicts_case_id", "verdicts", ["case_id"])
    op.create_table(
        "refused_verdicts",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column(
            "project_id",
            sa.Uuid(),
            sa.ForeignKey("label_projects.id", name="fk_refused_verdicts_project_id_label_projects"),
            nullable=False,
        ),
        sa.Column("annotation", sa.Integer(), nullable=False),
        sa.Column("task", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.String(40), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.UniqueConstraint("project_id", "annotation", "updated_at", name="uq_refused_verdicts_project_id"),
    )
    with op.batch_alter_table("sightings") as change:
        change.add_column(sa.Column("verdict", sa.String(12)))
    # What waited for a person before there was a queue is not put into it: it stays answerable on the page.


def downgrade() -> None:
    with op.batch_alter_table("sightings") as change:
        change.drop_column("verdict")
    for name in ("refused_verdicts", "verdicts", "review_cases", "label_projects"):
        op.drop_table(name)
