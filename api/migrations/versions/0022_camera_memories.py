"""What cameras look at, remembered; how much room their frames take; originals that are kept no longer"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "camera_memories",
        sa.Column(
            "camera_id",
            sa.Uuid(),
            sa.ForeignKey("cameras.id", name="fk_camera_memories_camera_id_cameras"),
            primary_key=True,
        ),
        sa.Column("zones_version", sa.Integer(), nullable=False),
        sa.Column("view", sa.String(10), nullable=False),
        sa.Column("day", sa.LargeBinary()),
        sa.Column("night", sa.LargeBinary()),
        sa.Column("kept_at", AT, nullable=False),
    )
    with op.batch_alter_table("camera_stays") as change:
        change.add_column(sa.Column("frame_bytes", sa.Integer(), nullable=False, server_default="0"))
        change.create_index("ix_camera_stays_frames", ["frame_key", "id"])
    with op.batch_alter_table("camera_stays") as change:
        change.alter_column("frame_bytes", server_default=None)
    with op.batch_alter_table("captures") as change:
        change.add_column(sa.Column("original_dropped_at", AT))


def downgrade() -> None:
    with op.batch_alter_table("captures") as change:
        change.drop_column("original_dropped_at")
    with op.batch_alter_table("camera_stays") as change:
        change.drop_index("ix_camera_stays_frames")
        change.drop_column("frame_bytes")
    op.drop_table("camera_memories")
