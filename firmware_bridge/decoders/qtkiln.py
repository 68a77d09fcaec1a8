"""QTKiln controllers: JSON on `qtkiln/<MAC>/state`, dated by the device's own uptime."""

import json
import math
from datetime import datetime
from typing import Any, Final

from firmware_bridge.message import Decoded, Ignored, Measured, Message, Rejected, Uptime, Value
from firmware_bridge.wire import Quality

_WANTED: Final = 'JSON such as {"time_ms":7546427,"kiln":{"temp_C":336.9}}'
_MAX_PAYLOAD_BYTES: Final = 65_536
_MAX_UPTIME_MS: Final = 100 * 365 * 86_400_000


class QtKiln:
    """The kiln's own thermocouple; what the controller says of itself, its plans and its memory is ignored."""

    def __init__(self, channel: str) -> None:
        self._channel = channel

    def decode(self, message: Message, newest_at: datetime | None) -> Decoded:
        levels = message.topic.split("/")
        if (levels[0], levels[-1]) != ("qtkiln", "state"):
            return Ignored("other_topic")
        if len(message.payload) > _MAX_PAYLOAD_BYTES:
            return Rejected("too_long", f"at most {_MAX_PAYLOAD_BYTES} bytes")
        try:
            state = json.loads(message.payload)
        except (ValueError, RecursionError):
            return Rejected("not_json", _WANTED)
        if not isinstance(state, dict):
            return Rejected("out_of_shape", _WANTED)
        if "kiln" not in state:
            return Ignored("no_temperature")
        return self._measured(message.topic, state)

    def _measured(self, topic: str, state: dict[str, Any]) -> Decoded:
        since_boot_ms = state.get("time_ms")
        if type(since_boot_ms) is not int or not 0 <= since_boot_ms <= _MAX_UPTIME_MS:
            return Rejected("no_time", f"time_ms, a whole number of milliseconds since boot, as in {_WANTED}")
        kiln = state["kiln"]
        if not isinstance(kiln, dict) or "temp_C" not in kiln:
            return Rejected("out_of_shape", _WANTED)
        value = _value(self._channel, kiln["temp_C"])
        if value is None:
            return Rejected("not_a_number", f"temp_C, a number, as in {_WANTED}")
        return Measured(Uptime(topic, since_boot_ms), (value,))


def _value(channel: str, temp_c: object) -> Value | None:
    if temp_c is None:
        return Value(channel, None, Quality.NO_VALUE)
    if isinstance(temp_c, bool) or not isinstance(temp_c, int | float):
        return None
    try:
        number = float(temp_c)
    except OverflowError:
        return None
    return Value(channel, number) if math.isfinite(number) else Value(channel, None, Quality.NO_VALUE)
