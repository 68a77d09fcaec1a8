"""Kilns and their channels."""

import re
import unicodedata
from collections.abc import Collection
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Text, cast, literal, or_, select
from sqlalchemy.orm import Session

from service.errors import ConflictError, FullError, NotFoundError
from service.store.among import among
from service.store.models import Channel, Kiln, LiveState, Plan

MAX_KILNS_PER_WORKSHOP: Final = 200
MAX_CHANNELS_PER_KILN: Final = 64


class KilnSaid(NamedTuple):
    """What people have said of a kiln: a `Kiln` without what a mapped object costs, for there are thousands."""

    id: int
    workshop_id: int
    key: str
    name: str
    fuel: str
    target_cone: str | None
    ware: list[Any]
    plan_id: int | None
    retired_at: datetime | None
    edited_at: datetime | None


_SAID: Final = tuple(getattr(Kiln, name) for name in KilnSaid._fields)


def list_kilns(session: Session, workshop_ids: Collection[int], *, with_retired: bool = False) -> list[KilnSaid]:
    """Return what people have said of the kilns of some workshops."""
    return _said(session, _of_workshops(workshop_ids, with_retired=with_retired))


def list_edited(
    session: Session, workshop_ids: Collection[int], *, with_retired: bool = False
) -> list[tuple[int, str | None]]:
    """Return the kilns of some workshops with when each was edited, as text: half the work of `list_kilns`."""
    which = _of_workshops(workshop_ids, with_retired=with_retired)
    rows = session.execute(select(Kiln.id, cast(Kiln.edited_at, Text)).where(*which).order_by(Kiln.id))
    return [(kiln_id, edited) for kiln_id, edited in rows]


def kilns_said(session: Session, kiln_ids: Collection[int]) -> list[KilnSaid]:
    """Return what people have said of some kilns."""
    return _said(session, [among(Kiln.id, kiln_ids)])


def _of_workshops(workshop_ids: Collection[int], *, with_retired: bool) -> list[ColumnElement[bool]]:
    mine = among(Kiln.workshop_id, workshop_ids)
    return [mine] if with_retired else [mine, Kiln.retired_at.is_(None)]


def _said(session: Session, which: Collection[ColumnElement[bool]]) -> list[KilnSaid]:
    return list(map(KilnSaid._make, session.execute(select(*_SAID).where(*which).order_by(Kiln.id))))


class Meant(NamedTuple):
    """What somebody said that a kiln is meant to do."""

    workshop_id: int
    kiln: str
    target_cone: str | None
    points: list[dict[str, Any]] | None  # of its plan


def kilns_meant(session: Session, workshop_ids: Collection[int]) -> list[Meant]:
    """Return the kilns of some workshops of which somebody said what they are meant to do."""
    rows = session.execute(
        select(Kiln.workshop_id, Kiln.key, Kiln.target_cone, Plan.points)
        .outerjoin(Plan, Plan.id == Kiln.plan_id)
        .where(among(Kiln.workshop_id, workshop_ids), Kiln.retired_at.is_(None))
        .where(or_(Kiln.target_cone.is_not(None), Kiln.plan_id.is_not(None)))
    )
    return [Meant(*row) for row in rows]


def get_kiln(session: Session, workshop_ids: Collection[int], kiln_id: int) -> Kiln:
    found = session.scalar(select(Kiln).where(Kiln.id == kiln_id, among(Kiln.workshop_id, workshop_ids)))
    if found is None:
        msg = f"there is no kiln {kiln_id} in your workshops"
        raise NotFoundError(msg)
    return found


def kilns_by_id(session: Session, kiln_ids: Collection[int]) -> list[Kiln]:
    return list(session.scalars(select(Kiln).where(Kiln.id.in_(kiln_ids))))


def kiln_by_key(session: Session, workshop_id: int, key: str) -> Kiln | None:
    return session.scalar(select(Kiln).where(Kiln.workshop_id == workshop_id, Kiln.key == key))


def create_kiln(session: Session, workshop_id: int, *, name: str, key: str, fuel: str = "lpg") -> Kiln:
    if len(list_kilns(session, [workshop_id], with_retired=True)) >= MAX_KILNS_PER_WORKSHOP:
        msg = f"a workshop has at most {MAX_KILNS_PER_WORKSHOP} kilns"
        raise FullError(msg)
    if kiln_by_key(session, workshop_id, key) is not None:
        msg = f"this workshop already has a kiln with the key {key!r}"
        raise ConflictError(msg)
    kiln = Kiln(workshop_id=workshop_id, key=key, name=name, fuel=fuel)
    session.add(kiln)
    session.flush()
    return kiln


def key_from_name(name: str) -> str:
    """Return the key a bridge's file uses for a kiln: `Lò gas số 2` gives `lo-gas-so-2`."""
    plain = unicodedata.normalize("NFD", name.lower().replace("đ", "d"))
    letters = "".join(char for char in plain if not unicodedata.combining(char))
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-")[:40] or "lo"


class ChannelSaid(NamedTuple):
    """Which channel it is, and what people have said of it."""

    id: int
    label: str | None = None
    is_hidden: bool = False


def channels(session: Session, kiln_ids: Collection[int]) -> list[Channel]:
    return list(session.scalars(select(Channel).where(Channel.kiln_id.in_(kiln_ids)).order_by(Channel.id)))


def get_channel(session: Session, workshop_ids: Collection[int], channel_id: int) -> Channel:
    found = session.scalar(select(Channel).where(Channel.id == channel_id, among(Channel.workshop_id, workshop_ids)))
    if found is None:
        msg = f"there is no channel {channel_id} in your workshops"
        raise NotFoundError(msg)
    return found


def add_channel(session: Session, kiln: Kiln, name: str, unit: str) -> Channel:
    if len(channels(session, [kiln.id])) >= MAX_CHANNELS_PER_KILN:
        msg = f"a kiln has at most {MAX_CHANNELS_PER_KILN} channels, and {kiln.key!r} would get {name!r} too"
        raise FullError(msg)
    channel = Channel(workshop_id=kiln.workshop_id, kiln_id=kiln.id, name=name, unit=unit)
    session.add(channel)
    session.flush()
    return channel


class Stood(NamedTuple):
    """Where the analysis of a kiln last stood on disk: its status is JSON, its state is packed."""

    last_block_id: int
    last_block_at: datetime
    status: str
    snapshot: bytes


def live_states(session: Session, kiln_ids: Collection[int], *, with_snapshot: bool) -> dict[int, Stood]:
    snapshot = LiveState.snapshot if with_snapshot else literal(b"")  # some 10 kB of each
    columns = (LiveState.last_block_id, LiveState.last_block_at, cast(LiveState.status, Text), snapshot)
    found = session.execute(select(LiveState.kiln_id, *columns).where(LiveState.kiln_id.in_(kiln_ids)))
    return {row[0]: Stood._make(row[1:]) for row in found}


def edited_since(session: Session, since: datetime) -> list[int]:
    """Return the kilns of which people have changed something since."""
    return list(session.scalars(select(Kiln.id).where(Kiln.edited_at >= since)))
