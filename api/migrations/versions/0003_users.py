"""Users with grants; keys belong to users

Each key becomes a service of the same name and the same id, with an unscoped grant of the key's role, so that what
was done with a key was done by that service.
"""

import uuid

import sqlalchemy as sa
from alembic import op
from uuid6 import uuid7

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    users = op.create_table(
        "users",
        sa.Column("login", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("phone", sa.String(length=32), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("language", sa.String(length=2), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=True),
        sa.Column("must_change_password", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("login", name=op.f("uq_users_login")),
    )
    grants = op.create_table(
        "grants",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("scope_kind", sa.String(length=12), nullable=False),
        sa.Column("scope_value", sa.String(length=80), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_grants_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grants")),
        sa.UniqueConstraint("user_id", "role", "scope_kind", "scope_value", name=op.f("uq_grants_user_id")),
    )
    _carry_over(users, grants)

    with op.batch_alter_table("api_keys") as batch:
        batch.add_column(sa.Column("user_id", sa.Uuid(), nullable=True))
        batch.add_column(sa.Column("permissions", sa.JSON(), nullable=True))
        batch.add_column(sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True))
        batch.add_column(sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE api_keys SET user_id = id")
    with op.batch_alter_table("api_keys") as batch:
        batch.alter_column("user_id", existing_type=sa.Uuid(), nullable=False)
        batch.drop_column("role")
        batch.create_foreign_key(op.f("fk_api_keys_user_id_users"), "users", ["user_id"], ["id"])
        batch.create_index(op.f("ix_api_keys_user_id"), ["user_id"])

    with op.batch_alter_table("captures") as batch:
        batch.drop_constraint(op.f("fk_captures_sent_by_api_keys"), type_="foreignkey")
        batch.create_foreign_key(op.f("fk_captures_sent_by_users"), "users", ["sent_by"], ["id"])
    with op.batch_alter_table("sign_in_codes") as batch:
        batch.drop_constraint(op.f("fk_sign_in_codes_key_id_api_keys"), type_="foreignkey")
        batch.alter_column("key_id", new_column_name="user_id", existing_type=sa.Uuid(), existing_nullable=False)
    with op.batch_alter_table("sign_in_codes") as batch:
        batch.create_foreign_key(op.f("fk_sign_in_codes_user_id_users"), "users", ["user_id"], ["id"])
    with op.batch_alter_table("issue_events") as batch:
        batch.drop_constraint(op.f("fk_issue_events_by_key_id_api_keys"), type_="foreignkey")
        batch.alter_column("by_key_id", new_column_name="by_user_id", existing_type=sa.Uuid(), existing_nullable=True)
    with op.batch_alter_table("issue_events") as batch:
        batch.create_foreign_key(op.f("fk_issue_events_by_user_id_users"), "users", ["by_user_id"], ["id"])


def _carry_over(users: sa.Table, grants: sa.Table) -> None:
    """Make a service of each key; its id is the key's, so whatever pointed at the key points at the service."""
    keys = sa.table(
        "api_keys",
        sa.column("id", sa.Uuid()),
        sa.column("name", sa.String()),
        sa.column("role", sa.String()),
        sa.column("created_at", sa.DateTime(timezone=True)),
        sa.column("revoked_at", sa.DateTime(timezone=True)),
    )
    for key in op.get_bind().execute(sa.select(keys)).all():
        op.execute(
            users.insert().values(
                id=key.id,
                login=f"key-{key.id.hex}",
                name=key.name,
                kind="service",
                active=key.revoked_at is None,
                must_change_password=False,
                created_at=key.created_at,
                updated_at=key.revoked_at or key.created_at,
                revision=1,
            )
        )
        op.execute(
            grants.insert().values(
                id=uuid.UUID(int=uuid7().int),
                user_id=key.id,
                role=key.role,
                scope_kind="everywhere",
                scope_value="",
                created_at=key.created_at,
            )
        )


def downgrade() -> None:
    raise NotImplementedError("Users, grants and scopes have no room in the tables before. Restore a backup instead.")
