"""What ingest remembers, so that a post of known kilns costs no query: what is stored, and who is who."""

import time
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import Final

from sqlalchemy import literal, select
from sqlalchemy.orm import Session

from firmware_bridge.wire import Block, Post
from service.ingest.runs import Runs
from service.series.blocks import newest_id
from service.store.identity import BridgeIdentity
from service.store.kilns import add_channel, channels, create_kiln, kiln_by_key, list_kilns
from service.store.models import Island, Mark, StoredBlock

MOST_BOOTS: Final = 20_000
BOOTS_PER_QUERY: Final = 2_000  # a post may have as many as blocks, and a database takes so many values
MOST_KILNS: Final = 20_000
SEEN_EVERY: Final = timedelta(seconds=5)  # half of a bridge's own beat
DOUBT_GAPS_EVERY_S: Final = 5.0
MOST_OF_OTHERS: Final = 5_000  # blocks; beyond that it is cheaper to ask anew

Boot = tuple[int, str]  # of a bridge by its id
_Kiln = tuple[int, set[tuple[str, str]]]  # its id, and its channels with what they were seen to measure


class Known:
    """A memory of the database: whoever fails to commit must `forget`."""

    def __init__(self) -> None:
        self._stored: dict[Boot, Runs] = {}
        self._with_islands: set[Boot] = set()  # of those: something above a gap is written down
        self._kilns: dict[tuple[int, str], _Kiln] = {}
        self._seen_at: dict[int, datetime] = {}
        self._doubt_gaps_s = 0.0
        self._upto: int | None = None  # the newest block that what is stored was remembered with

    def forget(self) -> None:
        self._stored.clear()
        self._with_islands.clear()
        self._kilns.clear()
        self._seen_at.clear()
        self._upto = None

    def is_seen_anew(self, bridge: BridgeIdentity, now: datetime) -> bool:
        """Say whether it is worth writing down that a bridge was heard: not with every post."""
        seen_at = self._seen_at.get(bridge.bridge_id)
        if seen_at is not None and seen_at <= now < seen_at + SEEN_EVERY:
            return False
        self._seen_at[bridge.bridge_id] = now
        return True

    def catch_up(self, session: Session) -> int:
        """Take in what other processes have stored since; called first in the turn to add blocks.

        Returns the id of the newest block.

        Blocks are numbered without a gap: if some are not there any more, they were gathered, and all is asked anew.
        """
        newest, upto = newest_id(session), self._upto
        self._upto = newest
        if not self._stored or upto is None or newest == upto:
            return newest
        columns = (StoredBlock.bridge_id, StoredBlock.boot, StoredBlock.seq)
        query = select(*columns).where(StoredBlock.id > upto, StoredBlock.id <= newest)
        found = session.execute(query).all() if newest - upto <= MOST_OF_OTHERS else []
        if len(found) < newest - upto:
            self._stored.clear()
        for bridge_id, boot, seq in found:
            if (bridge_id, boot) in self._stored:
                self._stored[bridge_id, boot].add(seq)
        if time.monotonic() >= self._doubt_gaps_s:  # another process may have been told of what is to be skipped
            self._doubt_gaps_s = time.monotonic() + DOUBT_GAPS_EVERY_S
            self._stored = {boot: runs for boot, runs in self._stored.items() if not runs.has_gap}
        return newest

    def added(self, blocks: int) -> None:
        """Take note of how many blocks this turn adds."""
        if self._upto is not None:
            self._upto += blocks

    def look_up(self, session: Session, posts: Sequence[tuple[BridgeIdentity, Post]]) -> None:
        """Ask together for what is not remembered of some posts: after a start that is every boot and every kiln."""
        stored, known = self._stored, self._kilns
        boots = {
            boot
            for bridge, post in posts
            for name in chain((block.boot for block in post.blocks), (skipped.boot for skipped in post.skipped))
            if (boot := (bridge.bridge_id, name)) not in stored
        }
        if boots:
            if len(self._stored) + len(boots) > MOST_BOOTS:
                self._stored.clear()
            in_order = sorted(boots)
            for begin in range(0, len(in_order), BOOTS_PER_QUERY):
                self._remember(session, in_order[begin : begin + BOOTS_PER_QUERY])
        kilns = {
            kiln
            for bridge, post in posts
            for block in post.blocks
            if (kiln := (bridge.workshop_id, block.kiln)) not in known
        }
        if kilns:
            if len(self._kilns) + len(kilns) > MOST_KILNS:
                self._kilns.clear()
            self._kilns |= _kilns(session, kilns)

    def stored(self, session: Session, bridge: BridgeIdentity, boot: str) -> Runs:
        """Return which blocks of a boot are stored, or known as missing for good; what was looked up is at hand."""
        key = (bridge.bridge_id, boot)
        if key not in self._stored:
            self._remember(session, [key])
        return self._stored[key]

    def islands(self, bridge: BridgeIdentity, boot: str) -> list[tuple[int, int]] | None:
        """Return what is to be written down of a boot at hand: its runs above a gap; None if nothing changes."""
        key = (bridge.bridge_id, boot)
        islands = self._stored[key].islands
        if islands:
            self._with_islands.add(key)
        elif key in self._with_islands:
            self._with_islands.remove(key)
        else:
            return None
        return islands

    def _remember(self, session: Session, boots: Collection[Boot]) -> None:
        loaded = _load(session, boots)
        self._stored |= loaded
        self._with_islands |= {boot for boot, runs in loaded.items() if runs.islands}

    def kiln_id(self, session: Session, bridge: BridgeIdentity, block: Block, made: list[str]) -> int:
        """Return the kiln a block is of, with its channels; made on the spot if new: no reading is refused for a name.

        A kiln that is new is added to those `made`. A channel that turns out to measure something else is from now on
        one of that: before its first value a bridge can only guess.

        Raises
        ------
        FullError
            If the workshop has no room for one more kiln or channel.
        """
        key = (bridge.workshop_id, block.kiln)
        known = self._kilns.get(key)
        if known is None or not known[1].issuperset([(column.channel, column.unit) for column in block.columns]):
            with session.begin_nested():
                known = _make(session, bridge.workshop_id, block, made)
            self._kilns[key] = known
        return known[0]


def _load(session: Session, boots: Collection[Boot]) -> dict[Boot, Runs]:
    """Return what is stored of some boots: up to their marks, and above gaps."""
    runs = {boot: Runs() for boot in boots}
    bridge_ids, names = {bridge_id for bridge_id, _ in boots}, {boot for _, boot in boots}
    marks = select(Mark.bridge_id, Mark.boot, literal(1), Mark.seq).where(Mark.seq > 0)
    islands = select(Island.bridge_id, Island.boot, Island.first_seq, Island.last_seq)
    for query, table in ((marks, Mark), (islands, Island)):
        for bridge_id, boot, first, last in session.execute(
            query.where(table.bridge_id.in_(bridge_ids), table.boot.in_(names))
        ):
            if (bridge_id, boot) in runs:
                runs[bridge_id, boot].add(first, last)
    return runs


def _kilns(session: Session, kilns: Collection[tuple[int, str]]) -> dict[tuple[int, str], _Kiln]:
    """Return those of some workshops' kilns that there are, with their channels."""
    workshop_ids = {workshop_id for workshop_id, _ in kilns}
    keys = {
        kiln.id: (kiln.workshop_id, kiln.key)
        for kiln in list_kilns(session, workshop_ids, with_retired=True)
        if (kiln.workshop_id, kiln.key) in kilns
    }
    found: dict[tuple[int, str], _Kiln] = {key: (kiln_id, set()) for kiln_id, key in keys.items()}
    for channel in channels(session, keys.keys()):
        found[keys[channel.kiln_id]][1].add((channel.name, channel.unit))
    return found


def _make(session: Session, workshop_id: int, block: Block, made: list[str]) -> _Kiln:
    kiln = kiln_by_key(session, workshop_id, block.kiln)
    if kiln is None:
        kiln = create_kiln(session, workshop_id, name=block.kiln, key=block.kiln)
        made.append(kiln.key)
    by_name = {channel.name: channel for channel in channels(session, [kiln.id])}
    for column in block.columns:
        channel = by_name.get(column.channel)
        if channel is None:
            by_name[column.channel] = add_channel(session, kiln, column.channel, column.unit.value)
        elif channel.unit != column.unit and any(value is not None for value in column.value):
            channel.unit = column.unit.value
    said = {(channel.name, channel.unit) for channel in by_name.values()}
    return kiln.id, said | {(column.channel, column.unit) for column in block.columns}
