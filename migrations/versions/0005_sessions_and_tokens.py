"""Sessions that tell where they are, tokens of bridges that are renewed, phone numbers in one form."""

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

COUNTRY: Final = "+84"


def upgrade() -> None:
    with op.batch_alter_table("sign_in_session", schema=None) as batch_op:
        batch_op.add_column(sa.Column("device", sa.String(length=200), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_index(batch_op.f("ix_sign_in_session_account_id"), ["account_id"], unique=False)
    op.execute("UPDATE sign_in_session SET seen_at = created_at")
    with op.batch_alter_table("sign_in_session", schema=None) as batch_op:
        batch_op.alter_column("seen_at", existing_type=sa.DateTime(timezone=True), nullable=False)
        batch_op.alter_column("device", existing_type=sa.String(length=200), server_default=None)
    with op.batch_alter_table("bridge", schema=None) as batch_op:
        batch_op.add_column(sa.Column("next_token_hash", sa.LargeBinary(), nullable=True))
        batch_op.create_unique_constraint(batch_op.f("uq_bridge_next_token_hash"), ["next_token_hash"])
    _write_phone_numbers_in_one_form()


def _write_phone_numbers_in_one_form() -> None:
    """Write 0912345678 as +84912345678; two accounts of one number stay as they are, and one of them as it was."""
    account = sa.table("account", sa.column("id", sa.Integer), sa.column("login", sa.String))
    connection = op.get_bind()
    logins = {row.id: row.login for row in connection.execute(sa.select(account))}
    for account_id, login in logins.items():
        if "@" in login or not login.isdigit() or not login.startswith(("0", "84")):
            continue
        number = COUNTRY + login[1:] if login.startswith("0") else f"+{login}"
        if number not in logins.values():
            connection.execute(sa.update(account).where(account.c.id == account_id).values(login=number))
            logins[account_id] = number


def downgrade() -> None:
    with op.batch_alter_table("bridge", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_bridge_next_token_hash"), type_="unique")
        batch_op.drop_column("next_token_hash")
    with op.batch_alter_table("sign_in_session", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sign_in_session_account_id"))
        batch_op.drop_column("seen_at")
        batch_op.drop_column("device")
