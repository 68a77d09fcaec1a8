"""what people say of firings, probes and findings, and answers kept for who asks twice."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def added() -> dict[str, tuple[sa.Column[Any], ...]]:
    return {
        "plan": (sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),),
        "kiln": (sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),),
        "channel": (
            sa.Column("label", sa.String(length=40), nullable=True),
            sa.Column("place", sa.String(length=16), nullable=True),
            sa.Column("is_hidden", sa.Boolean(), server_default=sa.false(), nullable=False),
        ),
        "firing": (
            sa.Column("fuel_amount", sa.Double(), nullable=True),
            sa.Column("fuel_unit", sa.String(length=12), nullable=True),
            sa.Column("before_merge", sa.JSON(), nullable=True),
        ),
        "finding": (
            sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
            sa.Column("verdict", sa.String(length=10), nullable=True),
            sa.Column("verdict_note", sa.String(length=500), nullable=True),
            sa.Column("verdict_by", sa.String(length=80), nullable=True),
            sa.Column("verdict_at", sa.DateTime(timezone=True), nullable=True),
        ),
    }


def upgrade() -> None:
    for table, columns in added().items():
        for column in columns:
            op.add_column(table, column)
    # SQLite can add a reference only with its column; making the table anew would lose what refers to it.
    op.execute(
        "ALTER TABLE firing ADD COLUMN merged_into_id INTEGER"
        " CONSTRAINT fk_firing_merged_into_id REFERENCES firing (id)"
    )
    op.create_index("ix_firing_merged_into_id", "firing", ["merged_into_id"])
    op.create_table(
        "calibration",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workshop_id", sa.Integer(), nullable=False),
        sa.Column("channel_id", sa.Integer(), nullable=False),
        sa.Column("from_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("points", sa.JSON(), nullable=False),
        sa.Column("offset_c", sa.Double(), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("made_by", sa.String(length=80), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["channel_id"], ["channel.id"], name=op.f("fk_calibration_channel_id")),
        sa.ForeignKeyConstraint(["workshop_id"], ["workshop.id"], name=op.f("fk_calibration_workshop_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calibration")),
        sa.UniqueConstraint("channel_id", "from_at", name=op.f("uq_calibration_channel_id_from_at")),
    )
    op.create_table(
        "stored_answer",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("asked_hash", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_stored_answer_account_id")),
        sa.PrimaryKeyConstraint("account_id", "key_hash", name=op.f("pk_stored_answer")),
    )
    op.create_index("ix_stored_answer_at", "stored_answer", ["at"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE calibration ENABLE ROW LEVEL SECURITY")
        op.execute("ALTER TABLE calibration FORCE ROW LEVEL SECURITY")
        op.execute(
            "CREATE POLICY of_its_workshops ON calibration USING ("
            "current_setting('canhlo.workshops', true) = '*' OR workshop_id::text ="
            " ANY (string_to_array(current_setting('canhlo.workshops', true), ',')))"
        )


def downgrade() -> None:
    op.drop_table("stored_answer")
    op.drop_table("calibration")
    op.drop_index("ix_firing_merged_into_id", "firing")
    op.drop_column("firing", "merged_into_id")
    for table, columns in added().items():
        for column in columns:
            op.drop_column(table, column.name)
