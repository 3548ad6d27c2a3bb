"""Posts, routing rules, and points that name their posts instead of describing them"""

import uuid
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op
from uuid6 import uuid7

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "posts",
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("zh", sa.String(length=80), nullable=False),
        sa.Column("en", sa.String(length=80), nullable=False),
        sa.Column("department", sa.String(length=48), nullable=True),
        sa.Column("community", sa.String(length=80), nullable=True),
        sa.Column("holder", sa.String(length=80), nullable=False),
        sa.Column("phone", sa.String(length=40), nullable=False),
        sa.Column("deputies", sa.JSON(), nullable=False),
        sa.Column("superior", sa.String(length=32), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_posts")),
        sa.UniqueConstraint("code", name=op.f("uq_posts_code")),
    )
    op.create_index(op.f("ix_posts_department"), "posts", ["department"])
    op.create_index(op.f("ix_posts_community"), "posts", ["community"])
    _grow_points()
    _give_points_posts()
    op.drop_column("points", "responsible_post")
    op.drop_column("points", "responsible_person")
    op.create_table(
        "routing_rules",
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("point_id", sa.Uuid(), nullable=True),
        sa.Column("community", sa.String(length=80), nullable=True),
        sa.Column("category", sa.String(length=48), nullable=True),
        sa.Column("class_code", sa.String(length=48), nullable=True),
        sa.Column("kind", sa.String(length=48), nullable=True),
        sa.Column("post", sa.String(length=32), nullable=True),
        sa.Column("department", sa.String(length=48), nullable=True),
        sa.Column("since", sa.Date(), nullable=True),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["point_id"], ["points.id"], name=op.f("fk_routing_rules_point_id_points")),
        sa.ForeignKeyConstraint(["post"], ["posts.code"], name=op.f("fk_routing_rules_post_posts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_routing_rules")),
        sa.UniqueConstraint("code", name=op.f("uq_routing_rules_code")),
    )
    op.create_index(op.f("ix_routing_rules_point_id"), "routing_rules", ["point_id"])


def _grow_points() -> None:
    """Add the columns in the words that both databases have: SQLite adds a constraint only with its column."""
    for name in ("first_post", "specific_post"):
        constraint = f"CONSTRAINT fk_points_{name}_posts REFERENCES posts (code)"
        op.execute(f"ALTER TABLE points ADD COLUMN {name} VARCHAR(32) {constraint}")
    op.add_column("points", sa.Column("departments", sa.JSON(), nullable=True))
    op.add_column("points", sa.Column("assess_every_days", sa.Integer(), nullable=True))
    op.add_column("points", sa.Column("zone_key", sa.String(length=80), nullable=True))
    op.execute("UPDATE points SET assess_every_days = 7, departments = '{}'")


def _give_points_posts() -> None:
    """Turn each title and name that points describe into one post a community."""
    connection = op.get_bind()
    points = sa.table(
        "points",
        *(sa.column(name) for name in ("community", "responsible_post", "responsible_person", "specific_post")),
    )
    posts = sa.table(
        "posts",
        sa.column("id", sa.Uuid()),
        *(sa.column(name) for name in ("code", "zh", "en", "community", "holder", "phone", "revision")),
        sa.column("deputies", sa.JSON()),
        *(sa.column(name, sa.DateTime(timezone=True)) for name in ("created_at", "updated_at")),
    )
    described = (points.c.community, points.c.responsible_post, points.c.responsible_person)
    at = datetime.now(UTC)
    for number, (community, title, person) in enumerate(
        connection.execute(sa.select(*described).distinct().order_by(*described)).all(), start=1
    ):
        code = f"POST-{number:04d}"
        connection.execute(
            sa.insert(posts).values(
                id=uuid.UUID(int=uuid7().int),
                code=code,
                zh=title,
                en="",
                community=community,
                holder=person,
                phone="",
                deputies=[],
                created_at=at,
                updated_at=at,
                revision=1,
            )
        )
        same = sa.and_(*(column == value for column, value in zip(described, (community, title, person), strict=True)))
        connection.execute(sa.update(points).where(same).values(specific_post=code))


def downgrade() -> None:
    op.drop_table("routing_rules")
    op.add_column("points", sa.Column("responsible_post", sa.String(length=80), nullable=False, server_default="–"))
    op.add_column("points", sa.Column("responsible_person", sa.String(length=80), nullable=False, server_default=""))
    op.execute(
        "UPDATE points SET responsible_post = posts.zh, responsible_person = posts.holder "
        "FROM posts WHERE posts.code = coalesce(points.specific_post, points.first_post)"
    )
    with op.batch_alter_table("points") as points:
        for name in ("first_post", "specific_post", "departments", "assess_every_days", "zone_key"):
            points.drop_column(name)
    op.drop_table("posts")
