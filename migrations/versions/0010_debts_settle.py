"""What a sink was sent of a debt is noted once it is certain to keep it: nothing paid has to be taken back."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    # Paid half a minute ago at most, or else forgotten already: sent again, which changes nothing.
    op.execute("UPDATE owed_to_sink SET next_ms = from_ms WHERE paid_at IS NOT NULL")
    with op.batch_alter_table("owed_to_sink", schema=None) as batch_op:
        batch_op.drop_column("paid_at")


def downgrade() -> None:
    with op.batch_alter_table("owed_to_sink", schema=None) as batch_op:
        batch_op.add_column(sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True))
