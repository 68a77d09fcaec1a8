"""Readings back from a sink, in the shape in which our own store has them sealed."""

import logging
import threading
import time
from collections.abc import Collection, Mapping
from typing import Any, Final, Protocol

import httpx
import numpy as np

from firmware_bridge.wire import Unit
from service.series.columns import IntArray, Key, Readings
from service.series.sinks.errors import SinkError, told, unreachable
from service.series.sinks.lines import ESTIMATED
from service.settings import SinkSettings

logger = logging.getLogger(__name__)

EVERY_UNIT: Final = frozenset(Unit)
TIMEOUT_S: Final = 10.0
RESTS_S: Final = 15.0


class Reader(Protocol):
    """Reads one sink; what it is asked for is always one kiln of one workshop.

    Raises
    ------
    SinkError
        From either, if the sink does not answer as it should.
    """

    name: str

    def as_taken(
        self, workshop_id: int, kiln_id: int, from_ms: int, to_ms: int, units: Collection[Unit]
    ) -> dict[Key, Readings]:
        """Return all readings in [from_ms, to_ms]."""

    def rolled_up(
        self, workshop_id: int, kiln_id: int, from_ms: int, to_ms: int, units: Collection[Unit], step_ms: int
    ) -> dict[Key, Readings]:
        """Return columns of kind `min` and `max` of every step that touches [from_ms, to_ms]."""

    def close(self) -> None:
        """Give back what it holds."""


class Questions:
    """Asks a sink by HTTP."""

    def __init__(self, name: str, settings: SinkSettings) -> None:
        self._name = name
        self._settings = settings
        self._url = (settings.read_url or settings.url).rstrip("/")
        self._client: httpx.Client | None = None
        self._opening = threading.Lock()
        self._rests_until_s = 0.0
        self._failure = ""

    def _opened(self) -> httpx.Client:
        """Return the client; made when it is wanted, for files that cannot be read stop this sink alone."""
        with self._opening:
            if self._client is None:
                one = self._settings
                who = (one.username, one.password.get_secret_value()) if one.username else None
                self._client = httpx.Client(auth=who, timeout=TIMEOUT_S, verify=one.trust(), trust_env=False)
            return self._client

    def close(self) -> None:
        if self._client is not None:
            self._client.close()

    def ask(self, path: str, asked: Mapping[str, Any]) -> bytes:
        """Return the answer's body.

        Raises
        ------
        SinkError
            If there is none that says that all is well.
        """
        if time.monotonic() < self._rests_until_s:
            raise SinkError(self._failure)
        try:
            answer = self._opened().post(f"{self._url}{path}", data=dict(asked))
        except (httpx.HTTPError, OSError) as error:
            raise self._failed(unreachable(self._name, self._url, error)) from error
        if answer.status_code != 200:
            raise self._failed(told(self._name, self._settings, answer.status_code, answer.text[:200].strip()))
        return answer.content

    def _failed(self, failure: str) -> SinkError:
        """Ask no more for a while: whoever looks at a chart would wait for each time-out."""
        self._rests_until_s, self._failure = time.monotonic() + RESTS_S, failure
        logger.warning("a sink cannot be read", extra={"sink": self._name, "reason": failure})
        return SinkError(failure)


def key_of(tags: Mapping[str, str], kind: str = "") -> Key:
    """Return which column a series of the sink is."""
    return Key(tags["channel"], Unit(tags["unit"]), kind or (ESTIMATED if tags.get("clock") == ESTIMATED else ""))


def joined(value_at_ms: IntArray, value: np.ndarray, quality_at_ms: IntArray, quality: np.ndarray) -> Readings:
    """Return readings of which values and qualities are kept apart: where a quality is missing it is good."""
    at_ms = np.union1d(value_at_ms, quality_at_ms)
    values = np.full(len(at_ms), np.nan)
    values[np.searchsorted(at_ms, value_at_ms)] = value
    qualities = np.zeros(len(at_ms), dtype=np.uint8)
    qualities[np.searchsorted(at_ms, quality_at_ms)] = quality
    return Readings(at_ms, values, qualities)
