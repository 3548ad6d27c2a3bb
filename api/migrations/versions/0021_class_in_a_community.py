"""The index by class holds what lists of a class are narrowed by: else each issue of the class is looked up."""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

NAME = "ix_issues_by_class"


def upgrade() -> None:
    op.drop_index(NAME, "issues")
    op.create_index(NAME, "issues", ["class_code", "id", "state", "point_id"], unique=False)


def downgrade() -> None:
    op.drop_index(NAME, "issues")
    op.create_index(NAME, "issues", ["class_code", "id"], unique=False)
