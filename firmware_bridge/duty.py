"""The loop that keeps the standing orders: limits on disk, breaches into notices, notices to the actions."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from firmware_bridge.answers import Answer, Verdict
from firmware_bridge.latest import Latest
from firmware_bridge.notice import Action, ActionError, Notice
from firmware_bridge.standing_orders import Breach, BreachKind, Change, StandingOrders
from firmware_bridge.wire import Limits
from firmware_bridge.words import Words

logger = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 1.0
TRIES: Final = 3
TRY_AGAIN_S: Final = 20.0


class Duty:
    """Watches while the service is away. Limits outlive a restart: power and network often go together."""

    def __init__(
        self,
        path: Path,
        actions: Sequence[Action],
        latest: Latest,
        last_answer: Callable[[], Answer | None],
        now: Callable[[], datetime],
        words: Words,
    ) -> None:
        self.orders = StandingOrders(_recall(path))
        self.failed = 0
        self.actions = tuple(actions)
        self._path = path
        self._latest = latest
        self._last_answer = last_answer
        self._now = now
        self._words = words

    async def run(self) -> None:
        """Look once a second, until cancelled."""
        try:
            async with asyncio.TaskGroup() as telling:
                while True:
                    try:
                        for change in await self._look():
                            for action in self.actions:
                                telling.create_task(self._tell(action, self._notice(change)))
                    except Exception:
                        logger.exception("the standing orders failed")
                    await asyncio.sleep(LOOK_EVERY_S)
        finally:
            for action in self.actions:
                await action.close()

    async def _look(self) -> list[Change]:
        answer = self._last_answer()
        is_linked = answer is not None and answer.verdict is Verdict.STORED
        if answer is not None and answer.limits is not None:
            await self._learn(answer.limits)
        now_ms = int(self._now().timestamp() * 1000)
        return self.orders.advance(self._latest.channels(), is_linked=is_linked, now_ms=now_ms)

    async def _learn(self, limits: Sequence[Limits]) -> None:
        """Take the limits of the kilns that the answer speaks of; the others keep theirs."""
        known = {one.kiln: one for one in self.orders.limits} | {one.kiln: one for one in limits}
        fresh = tuple(known.values())
        if fresh != self.orders.limits:
            self.orders.limits = fresh
            with suppress(OSError):  # the disk is full or gone: they hold in memory
                await asyncio.to_thread(_remember, self._path, fresh)

    def _notice(self, change: Change) -> Notice:
        breach = change.breach
        text = self._text(breach)
        logger.warning("standing order", extra={"text": text, "is_raised": change.is_raised})
        return Notice("/".join(breach.key), text, change.is_raised)

    def _text(self, breach: Breach) -> str:
        say = self._words.duration if breach.kind is BreachKind.SENSOR_SILENT else self._words.measured
        values = {"value": say(breach.value), "limit": say(breach.limit)}
        return self._words(f"order.{breach.kind}", kiln=breach.kiln, channel=breach.channel, **values)

    async def _tell(self, action: Action, notice: Notice) -> None:
        for left in reversed(range(TRIES)):
            try:
                await action.tell(notice)
            except ActionError as error:
                self.failed += 1
                fields = {"action": action.name, "reason": str(error), "tries_left": left}
                logger.warning("action failed", extra=fields)
            except Exception:
                self.failed += 1
                logger.exception("action failed", extra={"action": action.name})
            else:
                return
            if left:
                await asyncio.sleep(TRY_AGAIN_S)


def _recall(path: Path) -> Sequence[Limits]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[Limits])
    except (OSError, msgspec.DecodeError, ValueError):
        return ()


def _remember(path: Path, limits: Sequence[Limits]) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_bytes(msgspec.json.encode(limits))
    fresh.replace(path)
