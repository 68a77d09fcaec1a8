"""Where the half minutes began by which a firing was watched: those before this were of the clock."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    with op.batch_alter_table("firing", schema=None) as batch_op:
        batch_op.add_column(sa.Column("bins_from_s", sa.Double(), nullable=False, server_default="0"))


def downgrade() -> None:
    with op.batch_alter_table("firing", schema=None) as batch_op:
        batch_op.drop_column("bins_from_s")
