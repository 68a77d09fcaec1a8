"""What the bridge says when it raises an alarm by itself, and whoever passes it on."""

from dataclasses import dataclass
from typing import Protocol


class ActionError(Exception):
    """An action did not work; the message says why."""


@dataclass(frozen=True)
class Notice:
    """One alarm, raised or over; `key` is the same for both."""

    key: str
    text: str
    is_raised: bool


class Action(Protocol):
    """Passes a notice on."""

    @property
    def name(self) -> str: ...

    async def tell(self, notice: Notice) -> None: ...

    async def close(self) -> None: ...
