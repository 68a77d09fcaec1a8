"""How cones beside the probes stood after a firing, and what that has taught of the kiln."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    for table in ("kiln", "firing"):
        op.add_column(table, sa.Column("cone_offsets", sa.JSON(), nullable=False, server_default="{}"))
    op.add_column("firing", sa.Column("witness_cones", sa.JSON(none_as_null=True), nullable=True))
    is_seen = sa.text("witness_cones IS NOT NULL")
    op.create_index("ix_firing_witnessed", "firing", ["kiln_id"], sqlite_where=is_seen, postgresql_where=is_seen)


def downgrade() -> None:
    op.drop_index("ix_firing_witnessed", "firing")
    op.drop_column("firing", "witness_cones")
    for table in ("firing", "kiln"):
        op.drop_column(table, "cone_offsets")
