"""Cameras: where they are, their zones in versions, how they fare, what they told"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "camera_watcher",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("holder", sa.String(length=80), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_camera_watcher")),
    )
    op.create_table(
        "cameras",
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("point_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("address", sa.String(length=2100), nullable=False),
        sa.Column("sealed_address", sa.Text(), nullable=False),
        sa.Column("transport", sa.String(length=4), nullable=False),
        sa.Column("every_s", sa.Double(), nullable=False),
        sa.Column("weight", sa.Double(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("zones_version", sa.Integer(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["point_id"], ["points.id"], name=op.f("fk_cameras_point_id_points")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_cameras_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cameras")),
    )
    with op.batch_alter_table("cameras", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_cameras_point_id"), ["point_id"], unique=False)
        batch_op.create_index(
            "one_camera_per_code",
            ["code"],
            unique=True,
            sqlite_where=sa.text("removed_at IS NULL"),
            postgresql_where=sa.text("removed_at IS NULL"),
        )

    op.create_table(
        "camera_status",
        sa.Column("camera_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("why", sa.String(length=500), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("figures_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["camera_id"], ["cameras.id"], name=op.f("fk_camera_status_camera_id_cameras")),
        sa.PrimaryKeyConstraint("camera_id", name=op.f("pk_camera_status")),
    )
    op.create_table(
        "camera_stays",
        sa.Column("camera_id", sa.Uuid(), nullable=False),
        sa.Column("point_id", sa.Uuid(), nullable=False),
        sa.Column("event", sa.Uuid(), nullable=False),
        sa.Column("seen_by", sa.String(length=80), nullable=True),
        sa.Column("stage", sa.String(length=10), nullable=False),
        sa.Column("zone", sa.String(length=80), nullable=False),
        sa.Column("zones_version", sa.Integer(), nullable=False),
        sa.Column("class_code", sa.String(length=48), nullable=False),
        sa.Column("box", sa.JSON(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("certainty", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("model", sa.String(length=140), nullable=False),
        sa.Column("since_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("since_s", sa.Double(), nullable=False),
        sa.Column("began_s", sa.Double(), nullable=False),
        sa.Column("last_s", sa.Double(), nullable=False),
        sa.Column("ending", sa.String(length=10), nullable=True),
        sa.Column("frame_key", sa.String(length=80), nullable=True),
        sa.Column("marks", sa.JSON(), nullable=False),
        sa.Column("camera_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("after_key", sa.String(length=80), nullable=True),
        sa.Column("after_marks", sa.JSON(), nullable=False),
        sa.Column("clip_key", sa.String(length=80), nullable=True),
        sa.Column("clip_bytes", sa.Integer(), nullable=False),
        sa.Column("clip_type", sa.String(length=40), nullable=True),
        sa.Column("clip_event_s", sa.Double(), nullable=True),
        sa.Column("capture_id", sa.Uuid(), nullable=True),
        sa.Column("after_capture_id", sa.Uuid(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(length=500), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["after_capture_id"], ["captures.id"], name=op.f("fk_camera_stays_after_capture_id_captures")
        ),
        sa.ForeignKeyConstraint(["camera_id"], ["cameras.id"], name=op.f("fk_camera_stays_camera_id_cameras")),
        sa.ForeignKeyConstraint(["capture_id"], ["captures.id"], name=op.f("fk_camera_stays_capture_id_captures")),
        sa.ForeignKeyConstraint(["point_id"], ["points.id"], name=op.f("fk_camera_stays_point_id_points")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_camera_stays")),
        sa.UniqueConstraint("event", name=op.f("uq_camera_stays_event")),
    )
    with op.batch_alter_table("camera_stays", schema=None) as batch_op:
        batch_op.create_index("ix_camera_stays_clips", ["clip_key", "id"], unique=False)
        batch_op.create_index("ix_camera_stays_lasting", ["ended_at", "camera_id"], unique=False)
        batch_op.create_index("ix_camera_stays_of_camera", ["camera_id", "id"], unique=False)
        batch_op.create_index("ix_camera_stays_waiting", ["stage", "id"], unique=False)

    op.create_table(
        "camera_stills",
        sa.Column("camera_id", sa.Uuid(), nullable=False),
        sa.Column("jpeg", sa.LargeBinary(), nullable=True),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("wanted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["camera_id"], ["cameras.id"], name=op.f("fk_camera_stills_camera_id_cameras")),
        sa.PrimaryKeyConstraint("camera_id", name=op.f("pk_camera_stills")),
    )
    op.create_table(
        "camera_zones",
        sa.Column("camera_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("zones", sa.JSON(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["camera_id"], ["cameras.id"], name=op.f("fk_camera_zones_camera_id_cameras")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_camera_zones")),
        sa.UniqueConstraint("camera_id", "version", name=op.f("uq_camera_zones_camera_id")),
    )
    with op.batch_alter_table("sightings", schema=None) as batch_op:
        batch_op.add_column(sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("sightings", schema=None) as batch_op:
        batch_op.drop_column("ended_at")
        batch_op.drop_column("last_seen_at")
    for table in ("camera_zones", "camera_stills", "camera_stays", "camera_status", "cameras", "camera_watcher"):
        op.drop_table(table)
