"""sinks: how far each has got, and what it is owed."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "sink",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("block_id", sa.BigInteger(), nullable=False),
        sa.Column("is_listed", sa.Boolean(), nullable=False),
        sa.Column("claimed_by", sa.String(length=32), nullable=True),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure", sa.String(length=300), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_sink")),
    )
    op.create_table(
        "owed_to_sink",
        sa.Column("sink_name", sa.String(length=40), nullable=False),
        sa.Column("kiln_id", sa.Integer(), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("workshop_id", sa.Integer(), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("to_ms", sa.BigInteger(), nullable=False),
        sa.Column("next_ms", sa.BigInteger(), nullable=False),
        sa.Column("changes", sa.Integer(), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["kiln_id"], ["kiln.id"], name=op.f("fk_owed_to_sink_kiln_id_kiln")),
        sa.ForeignKeyConstraint(["sink_name"], ["sink.name"], name=op.f("fk_owed_to_sink_sink_name_sink")),
        sa.ForeignKeyConstraint(["workshop_id"], ["workshop.id"], name=op.f("fk_owed_to_sink_workshop_id_workshop")),
        sa.PrimaryKeyConstraint("sink_name", "kiln_id", "month", name=op.f("pk_owed_to_sink")),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE owed_to_sink ENABLE ROW LEVEL SECURITY")
        op.execute("ALTER TABLE owed_to_sink FORCE ROW LEVEL SECURITY")
        op.execute(
            "CREATE POLICY of_its_workshops ON owed_to_sink USING ("
            "current_setting('canhlo.workshops', true) = '*' OR workshop_id::text ="
            " ANY (string_to_array(current_setting('canhlo.workshops', true), ',')))"
        )


def downgrade() -> None:
    op.drop_table("owed_to_sink")
    op.drop_table("sink")
