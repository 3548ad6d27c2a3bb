"""Thresholds chosen from verdicts, trainings, and how likely a sampled capture was to be drawn"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "chosen_thresholds",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("model", sa.String(140), nullable=False),
        sa.Column("class_code", sa.String(48), nullable=False),
        sa.Column("automatic", sa.Double(), nullable=False),
        sa.Column("review", sa.Double(), nullable=False),
        sa.Column("chosen_at", AT, nullable=False),
        sa.Column(
            "chosen_by",
            sa.Uuid(),
            sa.ForeignKey("users.id", name="fk_chosen_thresholds_chosen_by_users"),
            nullable=False,
        ),
        sa.Column("why", sa.String(500), nullable=False),
        sa.UniqueConstraint("model", "class_code", name="uq_chosen_thresholds_model"),
    )
    op.create_table(
        "trainings",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("asked_at", AT, nullable=False),
        sa.Column("because", sa.String(16), nullable=False),
        sa.Column("asked_by", sa.Uuid(), sa.ForeignKey("users.id", name="fk_trainings_asked_by_users")),
        sa.Column("verdicts", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("open", sa.Boolean()),
        sa.Column("started_at", AT),
        sa.Column("beat_at", AT),
        sa.Column("host", sa.String(80)),
        sa.Column("process", sa.Integer()),
        sa.Column("step", sa.String(120)),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("of", sa.Integer(), nullable=False),
        sa.Column("ended_at", AT),
        sa.Column("version", sa.String(64)),
        sa.Column("verdict", sa.JSON(none_as_null=True)),
        sa.Column("error", sa.String(500)),
        sa.UniqueConstraint("open", name="uq_trainings_open"),
    )
    with op.batch_alter_table("review_cases") as change:
        change.add_column(sa.Column("share", sa.Double()))
    with op.batch_alter_table("label_projects") as change:
        change.add_column(sa.Column("training_wished_at", AT))


def downgrade() -> None:
    with op.batch_alter_table("label_projects") as change:
        change.drop_column("training_wished_at")
    with op.batch_alter_table("review_cases") as change:
        change.drop_column("share")
    for name in ("trainings", "chosen_thresholds"):
        op.drop_table(name)
