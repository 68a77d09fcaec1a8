"""Where an analysis stands is packed: a quarter of the bytes, written once a minute for every kiln."""

import zlib
from collections.abc import Sequence

import msgspec
import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

LIVE_STATE = sa.table("live_state", sa.column("kiln_id"), sa.column("packed"))


def upgrade() -> None:
    op.add_column("live_state", sa.Column("packed", sa.LargeBinary(), nullable=True))
    connection = op.get_bind()
    kiln_ids = connection.scalars(sa.text("SELECT kiln_id FROM live_state")).all()
    one = sa.text("SELECT CAST(snapshot AS TEXT) FROM live_state WHERE kiln_id = :kiln_id")
    for kiln_id in kiln_ids:
        plain = msgspec.json.decode(connection.scalar(one, {"kiln_id": kiln_id}))
        packed = zlib.compress(msgspec.msgpack.encode(plain), 1)
        connection.execute(sa.update(LIVE_STATE).where(LIVE_STATE.c.kiln_id == kiln_id).values(packed=packed))
    with op.batch_alter_table("live_state", schema=None) as batch_op:
        batch_op.drop_column("snapshot")
        batch_op.alter_column("packed", new_column_name="snapshot", existing_type=sa.LargeBinary(), nullable=False)


def downgrade() -> None:
    msg = "an analysis cannot be written as an older version reads it; restore the copy made before the upgrade"
    raise NotImplementedError(msg)
