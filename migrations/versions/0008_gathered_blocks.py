"""Blocks lie on shelves until they are gathered by kiln; what a bridge has sent above a gap is kept beside them."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BLOCKS_ON_A_SHELF = 2048
NUMBERS_ABOVE_MARKS = " UNION ".join(
    f"SELECT {table}.bridge_id, {table}.boot, {table}.seq FROM {table} LEFT JOIN mark ON mark.bridge_id ="  # noqa: S608
    f" {table}.bridge_id AND mark.boot = {table}.boot WHERE {table}.seq > coalesce(mark.seq, 0)"
    for table in ("block", "skipped_block")
)
ISLANDS = (
    "INSERT INTO island (bridge_id, boot, first_seq, last_seq) SELECT bridge_id, boot, min(seq), max(seq) FROM ("  # noqa: S608
    "SELECT bridge_id, boot, seq, seq - row_number() OVER (PARTITION BY bridge_id, boot ORDER BY seq) AS run"
    f" FROM ({NUMBERS_ABOVE_MARKS}) AS above) AS numbered GROUP BY bridge_id, boot, run"
)


def upgrade() -> None:
    op.create_table("shelf", sa.Column("id", _id(), nullable=False), sa.PrimaryKeyConstraint("id", name="pk_shelf"))
    op.create_table(
        "gathered",
        sa.Column("id", _id(), nullable=False),
        sa.Column("kiln_id", sa.Integer(), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=True),
        sa.Column("to_ms", sa.BigInteger(), nullable=True),
        sa.Column("readings", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("workshop_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["kiln_id"], ["kiln.id"], name=op.f("fk_gathered_kiln_id")),
        sa.ForeignKeyConstraint(["workshop_id"], ["workshop.id"], name=op.f("fk_gathered_workshop_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gathered")),
    )
    op.create_index("ix_gathered_kiln_id_id", "gathered", ["kiln_id", "id"])
    op.create_table(
        "gathering",
        sa.Column("kiln_id", sa.Integer(), nullable=False),
        sa.Column("upto_id", sa.BigInteger(), nullable=False),
        sa.Column("sealed_id", sa.BigInteger(), nullable=False),
        sa.Column("workshop_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["kiln_id"], ["kiln.id"], name=op.f("fk_gathering_kiln_id")),
        sa.ForeignKeyConstraint(["workshop_id"], ["workshop.id"], name=op.f("fk_gathering_workshop_id")),
        sa.PrimaryKeyConstraint("kiln_id", name=op.f("pk_gathering")),
    )
    op.create_table(
        "island",
        sa.Column("bridge_id", sa.Integer(), nullable=False),
        sa.Column("boot", sa.String(length=32), nullable=False),
        sa.Column("first_seq", sa.BigInteger(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["bridge_id"], ["bridge.id"], name=op.f("fk_island_bridge_id")),
        sa.PrimaryKeyConstraint("bridge_id", "boot", "first_seq", name=op.f("pk_island")),
    )
    if op.get_bind().dialect.name == "postgresql":  # where a program of before may still run
        op.execute("LOCK TABLE block, skipped_block")
    op.execute(ISLANDS)
    with op.batch_alter_table("block", schema=None) as batch_op:
        batch_op.drop_constraint("uq_block_bridge_id_boot_seq", type_="unique")
        batch_op.drop_index("ix_block_kiln_id_to_ms")
        batch_op.drop_index("ix_block_kiln_id_id")
        batch_op.add_column(sa.Column("shelf_id", sa.BigInteger(), nullable=False, server_default="0"))
    op.execute(f"UPDATE block SET shelf_id = (id - 1) / {BLOCKS_ON_A_SHELF}")  # noqa: S608
    op.execute("INSERT INTO shelf (id) SELECT DISTINCT shelf_id FROM block")
    op.create_index("ix_block_shelf_id_kiln_id", "block", ["shelf_id", "kiln_id"])
    with op.batch_alter_table("sink", schema=None) as batch_op:
        batch_op.add_column(sa.Column("gathered_id", sa.BigInteger(), nullable=False, server_default="0"))
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("block", "shelf_id", server_default=None)  # that program must fail, not store what nobody finds
        for table in ("gathered", "gathering"):
            op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
            op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
            op.execute(
                f"CREATE POLICY of_its_workshops ON {table} USING ("
                "current_setting('canhlo.workshops', true) = '*' OR workshop_id::text ="
                " ANY (string_to_array(current_setting('canhlo.workshops', true), ',')))"
            )


def _id() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def downgrade() -> None:
    msg = "readings that are gathered cannot be taken apart again; restore the copy made before the upgrade"
    raise NotImplementedError(msg)
