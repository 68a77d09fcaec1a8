"""Passkeys and an identity provider, and which sessions stand on two factors: none of those before this."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "passkey",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(), nullable=False),
        sa.Column("credential", sa.LargeBinary(), nullable=False),
        sa.Column("signed_count", sa.BigInteger(), nullable=False),
        sa.Column("device", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_passkey_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkey")),
        sa.UniqueConstraint("credential_id", name=op.f("uq_passkey_credential_id")),
    )
    op.create_index(op.f("ix_passkey_account_id"), "passkey", ["account_id"])
    op.create_table(
        "sign_in_challenge",
        sa.Column("challenge_hash", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("state", sa.JSON(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_sign_in_challenge_account_id")),
        sa.PrimaryKeyConstraint("challenge_hash", name=op.f("pk_sign_in_challenge")),
    )
    op.create_index(op.f("ix_sign_in_challenge_account_id"), "sign_in_challenge", ["account_id"])
    op.create_index(op.f("ix_sign_in_challenge_expires_at"), "sign_in_challenge", ["expires_at"])
    op.create_table(
        "provider_identity",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("issuer", sa.String(length=300), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("known_as", sa.String(length=120), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_provider_identity_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_identity")),
        sa.UniqueConstraint("account_id", name=op.f("uq_provider_identity_account_id")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_provider_identity_issuer_subject")),
    )
    for table, column in (("account", "wants_two_factors"), ("sign_in_session", "with_two_factors")):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column(column, sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    for table, column in (("sign_in_session", "with_two_factors"), ("account", "wants_two_factors")):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_column(column)
    op.drop_table("provider_identity")
    op.drop_table("sign_in_challenge")
    op.drop_table("passkey")
