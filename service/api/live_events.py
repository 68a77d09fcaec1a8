"""What is said of kilns as they are now, encoded as fast as it is said: thousands of times a second in a village.

These are `schemas.KilnOut`, `schemas.KilnNow` and `schemas.CurveChannel` again, as msgspec writes them: ten times as
fast as pydantic.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final
from weakref import ReferenceType, ref

import msgspec
import numpy as np

from service.api.curves import GAP_S, nullable
from service.api.versions import version_of
from service.api.views import KILN_SAID, UNHEARD, worth_showing
from service.clock import Clock
from service.core.curve import thin_min_max
from service.core.firing import ConeProgress, Phase
from service.core.watch import ChannelStatus
from service.monitor.watched import LiveKiln
from service.series.blocks import Curve
from service.store.kilns import ChannelSaid, KilnSaid

POINTS_WIDTH: Final = 16  # pixels that the newest block gets at most: its extremes, not its every reading
FEW: Final = 4  # readings of a channel that are all drawn
GAP_MS: Final = int(GAP_S * 1000)
_encode = msgspec.json.Encoder().encode


class _Cone(msgspec.Struct):
    channel: str
    cone: str
    progress: float
    down_at: datetime | None


class _Channel(msgspec.Struct):
    channel_id: int
    name: str
    at: datetime | None
    value_c: float | None
    rate_c_per_h: float | None
    quality: str
    label: str | None
    is_hidden: bool


class _KilnNow(msgspec.Struct):
    """All but `now_at` and the cones."""

    kiln_id: int
    last_at: datetime | None
    phase: Phase
    firing_id: int | None
    started_at: datetime | None
    peak_c: float | None
    spread_c: float | None
    cone_reached: str | None
    next_cone: str | None
    next_cone_progress: float | None
    behind_s: float | None
    behind_since: datetime | None
    channels: list[_Channel]
    bridge_seen_at: datetime | None
    open_alarms: int
    edited_at: datetime | None


class _Kiln(msgspec.Struct):
    """All but how it is now."""

    id: int
    workshop_id: int
    key: str
    name: str
    fuel: str
    target_cone: str | None
    ware: list[str]
    plan_id: int | None
    retired_at: datetime | None
    edited_at: datetime | None
    version: str


class _Points(msgspec.Struct):
    channel_id: int
    name: str
    time_s: Sequence[float]
    value_c: Sequence[float | None]


class _NewPoints(msgspec.Struct):
    """The newest readings of a kiln, to be drawn at the end of its curve."""

    kiln_id: int
    channels: list[_Points]


class _Clock(msgspec.Struct):
    """What time it is for the service, and how fast its time runs (1, but in a replay)."""

    now_at: datetime
    clock_rate: float


def event(kind: str, data: Any) -> str:
    """Return one server-sent event."""
    return f"event: {kind}\ndata: {_encode(data).decode()}\n\n"


def beat(clock: Clock) -> str:
    """Return the event that the page's ages run on."""
    return event("clock", _Clock(clock.now(), clock.rate))


class KilnEvents:
    """Says how kilns are now; what has not changed since it was said last is not written anew."""

    def __init__(self) -> None:
        self._kilns: dict[int, tuple[str | None, bytes]] = {}  # with when it was edited
        self._nows: dict[int, tuple[ReferenceType[LiveKiln], bytes]] = {}  # what is over is not kept for it
        self._cones: dict[int, tuple[Sequence[ConeProgress], bytes]] = {}

    def kiln(self, live: LiveKiln, now: datetime) -> str:
        """Return the event of how a kiln is now."""
        cones = self._cones_of(live.kiln_id, live.status.cones)
        return event("kiln", msgspec.Raw(b"".join(self._now(live, _encode(now), cones))))

    def learn(
        self, listed: Collection[tuple[int, str | None]], read: Callable[[Collection[int]], list[KilnSaid]]
    ) -> None:
        """Read what people say of those kilns that were edited since that was read last."""
        new = {
            kiln_id: edited
            for kiln_id, edited in listed
            if (known := self._kilns.get(kiln_id)) is None or known[0] != edited
        }
        for kiln in read(new) if new else ():
            said = _encode(_Kiln(*kiln, version_of(kiln, *KILN_SAID)))[1:-1]
            self._kilns[kiln.id] = new[kiln.id], said

    def list_of(
        self, kiln_ids: Collection[int], live: Mapping[int, LiveKiln], now: datetime, *, with_cones: bool = True
    ) -> bytes:
        """Return kilns that were learned of, with how they are now, as JSON: a list of what `schemas.KilnOut` says."""
        now_at, parts = _encode(now), list[bytes]()
        for kiln_id in kiln_ids:
            now_of = live[kiln_id]
            cones = self._cones_of(kiln_id, now_of.status.cones) if with_cones else b"[]"
            between = b",{" if parts else b"{"
            parts += between, self._kilns[kiln_id][1], b',"now":', *self._now(now_of, now_at, cones), b"}"
        return b"[%b]" % b"".join(parts)

    def _now(self, live: LiveKiln, now_at: bytes, cones: bytes) -> tuple[bytes, bytes]:
        """Return what `schemas.KilnNow` says, in parts."""
        return b'{"now_at":%b,"cones":%b,' % (now_at, cones), self._rest_of(live)

    def _rest_of(self, live: LiveKiln) -> bytes:
        """Return what `schemas.KilnNow` says but for `now_at` and the cones, which come before."""
        known = self._nows.get(live.kiln_id)
        if known is not None and known[0]() is live:
            return known[1]
        status = live.status
        seen = {channel.name: channel for channel in status.channels}
        said = _KilnNow(
            kiln_id=live.kiln_id,
            last_at=_at(status.last_s),
            phase=status.phase,
            firing_id=live.firing_id,
            started_at=live.firing_started_at,
            peak_c=status.peak_c,
            spread_c=status.spread_c,
            cone_reached=status.cone_reached,
            next_cone=status.next_cone,
            next_cone_progress=status.next_cone_progress,
            behind_s=status.behind_s,
            behind_since=_at(status.behind_since_s),
            channels=[_channel(said, name, seen.get(name, UNHEARD)) for name, said in live.channels.items()],
            bridge_seen_at=live.heard_at,
            open_alarms=live.open_alarms,
            edited_at=live.edited_at,
        )
        rest = _encode(said)[1:]
        self._nows[live.kiln_id] = ref(live), rest
        return rest

    def _cones_of(self, kiln_id: int, cones: Sequence[ConeProgress]) -> bytes:
        known = self._cones.get(kiln_id)
        if known is not None and known[0] is cones:
            return known[1]
        said = _encode(
            [_Cone(cone.channel, cone.cone, cone.progress, _at(cone.down_s)) for cone in worth_showing(cones)]
        )
        self._cones[kiln_id] = cones, said
        return said


def _channel(said: ChannelSaid, name: str, now: ChannelStatus) -> _Channel:
    at = _at(now.last_s)
    return _Channel(said.id, name, at, now.last_c, now.rate_c_per_h, now.quality, said.label, said.is_hidden)


@lru_cache(maxsize=4096)  # the probes of a village were read in the same few seconds
def _at(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def points(kiln_id: int, channels: Mapping[str, ChannelSaid], curves: Mapping[str, Curve]) -> str:
    """Return the newest readings of a kiln, no more of them than can be drawn."""
    drawn = [_Points(channels[name].id, name, *_drawn(*curve)) for name, curve in curves.items() if name in channels]
    return event("points", _NewPoints(kiln_id, drawn))


def _drawn(at_ms: Sequence[int], values: Sequence[float | None]) -> tuple[Sequence[float], Sequence[float | None]]:
    if len(at_ms) == 1 or (
        len(at_ms) <= FEW and all(0 <= after - before <= GAP_MS for before, after in pairwise(at_ms))
    ):
        return [one / 1000 for one in at_ms], values
    time_s, value_c = np.array(at_ms, dtype=np.float64) / 1000, np.array(values, dtype=np.float64)
    time_s, value_c = thin_min_max(time_s, value_c, POINTS_WIDTH, gap_s=GAP_S)
    return time_s.tolist(), nullable(value_c)
