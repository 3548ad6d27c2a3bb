"""Cases read from the log, published bulletins, talks

`report_cases` begins empty: the log is read into it when somebody first asks for a figure.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _moment(name: str, *, nullable: bool = True) -> "sa.Column[object]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "report_cases",
        sa.Column("issue_id", sa.Uuid(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=24), nullable=False),
        sa.Column("point_id", sa.Uuid(), nullable=False),
        sa.Column("class_code", sa.String(length=48), nullable=False),
        sa.Column("community", sa.String(length=80), nullable=False),
        sa.Column("category", sa.String(length=48), nullable=False),
        sa.Column("department", sa.String(length=48), nullable=False),
        sa.Column("post_id", sa.Uuid(), nullable=True),
        sa.Column("notified_by", sa.String(length=12), nullable=True),
        _moment("started_at", nullable=False),
        _moment("opened_at"),
        _moment("due_at"),
        _moment("done_at"),
        _moment("ended_at"),
        sa.Column("ending", sa.String(length=12), nullable=True),
        _moment("paused_at"),
        sa.Column("paused_s", sa.Integer(), nullable=False),
        sa.Column("worked_s", sa.Integer(), nullable=True),
        sa.Column("after_capture_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_cases")),
        sa.UniqueConstraint("issue_id", "ordinal", name=op.f("uq_report_cases_issue_id")),
    )
    op.create_index("ix_report_cases_ended_at", "report_cases", ["ended_at", "started_at"])
    op.create_index("ix_report_cases_opened_at", "report_cases", ["opened_at"])
    op.create_index("ix_report_cases_place", "report_cases", ["point_id", "class_code", "opened_at"])

    progress = op.create_table(
        "report_progress",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", _NUMBER, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_progress")),
    )
    op.bulk_insert(progress, [{"id": 1, "seq": 0}])

    op.create_table(
        "bulletins",
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("serial", sa.Integer(), nullable=False),
        sa.Column("span", sa.String(length=8), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("community", sa.String(length=80), nullable=False),
        sa.Column("department", sa.String(length=48), nullable=False),
        _moment("published_at", nullable=False),
        sa.Column("published_by", sa.Uuid(), nullable=True),
        sa.Column("publisher", sa.String(length=80), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulletins")),
        sa.UniqueConstraint("year", "serial", name=op.f("uq_bulletins_year")),
        sa.UniqueConstraint("span", "first_day", "last_day", "community", "department", name="one_bulletin_per_period"),
    )
    op.create_table(
        "talks",
        sa.Column("subject", sa.String(length=12), nullable=False),
        sa.Column("code", sa.String(length=80), nullable=False),
        sa.Column("name_zh", sa.String(length=120), nullable=False),
        sa.Column("name_en", sa.String(length=120), nullable=False),
        sa.Column("person", sa.String(length=80), nullable=False),
        _moment("held_at", nullable=False),
        sa.Column("held_by", sa.String(length=120), nullable=False),
        sa.Column("note", sa.String(length=2000), nullable=False),
        sa.Column("until_day", sa.Date(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        _moment("recorded_at", nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_talks")),
    )


def downgrade() -> None:
    for table in ("talks", "bulletins", "report_progress", "report_cases"):
        op.drop_table(table)
