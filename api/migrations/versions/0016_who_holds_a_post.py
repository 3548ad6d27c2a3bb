"""The user who holds a post, in place of a name that happens to be the same"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

posts = sa.table("posts", sa.column("id", sa.Uuid()), sa.column("holder", sa.String()), sa.column("user_id", sa.Uuid()))
users = sa.table(
    "users",
    sa.column("id", sa.Uuid()),
    sa.column("name", sa.String()),
    sa.column("kind", sa.String()),
    sa.column("active", sa.Boolean()),
)


def upgrade() -> None:
    op.add_column("posts", sa.Column("user_id", sa.Uuid(), nullable=True))
    op.create_index(op.f("ix_posts_user_id"), "posts", ["user_id"])
    _find_holders()


def _find_holders() -> None:
    """Name the user whom a post's holder was matched to so far, where there is one such person and no second."""
    connection = op.get_bind()
    held = set(connection.scalars(sa.select(posts.c.holder).where(posts.c.holder != "").distinct()))
    for name in sorted(held):
        found = list(
            connection.scalars(
                sa.select(users.c.id).where(
                    users.c.name == name, users.c.kind == "person", users.c.active.is_(sa.true())
                )
            )
        )
        if len(found) == 1:
            connection.execute(sa.update(posts).where(posts.c.holder == name).values(user_id=found[0]))


def downgrade() -> None:
    op.drop_index(op.f("ix_posts_user_id"), table_name="posts")
    op.drop_column("posts", "user_id")
