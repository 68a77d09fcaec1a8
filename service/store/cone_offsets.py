"""By how much cones beside a kiln's probes feel another heat than these show, as far as witness cones have taught it.

It stands with the kiln, by channel: {name: {mean_c, sd_c, firings, number}}. Each firing keeps what was known when it
began, and is judged by that whenever it is looked at.
"""

from collections.abc import Mapping
from math import hypot, sqrt
from typing import Any

from service.core.witness import DRIFT_C, Offset


def offsets_of(said: Mapping[str, Any]) -> dict[str, Offset]:
    """Return what a kiln or a firing has, as the science takes it."""
    return {channel: Offset(one["mean_c"], one["sd_c"]) for channel, one in said.items()}


def known_for(said: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Return what is known when the kiln's firing of this number begins: each since the last cones makes it less."""
    return {
        channel: {"mean_c": one["mean_c"], "sd_c": hypot(one["sd_c"], drift_c(one["number"], number))}
        for channel, one in said.items()
    }


def drift_c(from_number: int, to_number: int) -> float:
    """Return what a probe may have gone astray from one firing to another, one standard deviation [°C]."""
    return DRIFT_C * sqrt(abs(to_number - from_number))
