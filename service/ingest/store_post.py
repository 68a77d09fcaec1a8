"""Store one post in a transaction: each block once, whatever the order and however often it is sent."""

from collections import defaultdict
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from firmware_bridge.wire import Block, Post, Receipt
from service.counters import DUPLICATE_BLOCKS, READINGS, SKIPPED_BLOCKS
from service.series import blocks as series
from service.store.identity import BridgeIdentity
from service.store.kilns import add_channel, channels, create_kiln, kiln_by_key
from service.store.models import Bridge, Kiln, Mark, SkippedBlock, StoredBlock


def store_post(session: Session, bridge: BridgeIdentity, post: Post, *, now: datetime) -> tuple[Receipt, set[int]]:
    """Return the receipt and the kilns that have news. Raises TooManyError at a workshop's limits."""
    known = _known(session, bridge, post)
    stored = duplicate = 0
    touched: set[int] = set()
    for block in post.blocks:
        if block.seq in known[block.boot]:
            duplicate += 1
            continue
        known[block.boot].add(block.seq)
        kiln = _kiln(session, bridge, block)
        series.append(session, bridge, kiln, block, received_at=now)
        touched.add(kiln.id)
        stored += 1
        READINGS.inc(sum(len(column.at_ms) for column in block.columns))
    for skipped in post.skipped:
        if skipped.seq not in known[skipped.boot]:
            known[skipped.boot].add(skipped.seq)
            session.add(
                SkippedBlock(
                    bridge_id=bridge.bridge_id,
                    boot=skipped.boot,
                    seq=skipped.seq,
                    workshop_id=bridge.workshop_id,
                    reason=skipped.reason,
                    at=now,
                )
            )
            SKIPPED_BLOCKS.inc()
    session.execute(update(Bridge).where(Bridge.id == bridge.bridge_id).values(seen_at=now))
    session.flush()
    DUPLICATE_BLOCKS.inc(duplicate)
    return Receipt(stored, duplicate, {boot: _advance(session, bridge, boot) for boot in known}), touched


def _known(session: Session, bridge: BridgeIdentity, post: Post) -> dict[str, set[int]]:
    """Return, of the blocks in this post, the seqs of each boot that are stored or skipped already."""
    seqs: defaultdict[str, set[int]] = defaultdict(set)
    for block in post.blocks:
        seqs[block.boot].add(block.seq)
    for skipped in post.skipped:
        seqs[skipped.boot].add(skipped.seq)
    known: dict[str, set[int]] = {}
    for boot, wanted in seqs.items():
        mark = session.get(Mark, (bridge.bridge_id, boot))
        below = {seq for seq in wanted if mark is not None and seq <= mark.seq}
        known[boot] = below | _present(session, bridge, boot, wanted - below)
    return known


def _present(session: Session, bridge: BridgeIdentity, boot: str, seqs: set[int]) -> set[int]:
    found: set[int] = set()
    for table in (StoredBlock, SkippedBlock):
        found.update(
            session.scalars(
                select(table.seq).where(table.bridge_id == bridge.bridge_id, table.boot == boot, table.seq.in_(seqs))
            )
        )
    return found


def _advance(session: Session, bridge: BridgeIdentity, boot: str) -> int:
    """Move the mark of a boot over everything that is stored without a hole, and return it."""
    mark = session.get(Mark, (bridge.bridge_id, boot))
    if mark is None:
        mark = Mark(bridge_id=bridge.bridge_id, boot=boot, seq=0)
        session.add(mark)
    above: set[int] = set()
    for table in (StoredBlock, SkippedBlock):
        above.update(
            session.scalars(
                select(table.seq).where(table.bridge_id == bridge.bridge_id, table.boot == boot, table.seq > mark.seq)
            )
        )
    while mark.seq + 1 in above:
        mark.seq += 1
    session.flush()
    return mark.seq


def _kiln(session: Session, bridge: BridgeIdentity, block: Block) -> Kiln:
    """Return the kiln a block is of, made on the spot if it is new: a reading is never turned away for a name."""
    kiln = kiln_by_key(session, bridge.workshop_id, block.kiln)
    if kiln is None:
        kiln = create_kiln(session, bridge.workshop_id, name=block.kiln, key=block.kiln)
    names = {channel.name for channel in channels(session, [kiln.id])}
    for column in block.columns:
        if column.channel not in names:
            add_channel(session, kiln, column.channel, column.unit.value)
    return kiln
