"""Faults put into good readings, each with its kind, channel and time: what `benchmarks.sensors` looks for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from service.core.sensors.junction import JUNCTIONS
from service.core.series import QUALITIES, FloatArray, Samples

Rng = np.random.Generator
Channels = dict[str, Samples]
RAILS_C: Final = (0.0, -200.0, 1372.0, 1023.75, 2047.75)


@dataclass(frozen=True)
class Injected:
    """Readings with one fault in them; None for the channel is the kiln as a whole."""

    channels: Channels
    kind: str
    channel: str | None
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Place:
    """Where a fault goes: a channel, from when to when."""

    channels: Mapping[str, Samples]
    channel: str
    start_s: float
    end_s: float

    @property
    def inside(self) -> np.typing.NDArray[np.bool_]:
        time_s = self.channels[self.channel].time_s
        return (time_s >= self.start_s) & (time_s < self.end_s)

    def with_value(self, kind: str, change: Callable[[FloatArray], FloatArray | float]) -> Injected:
        old = self.channels[self.channel]
        value = old.value.copy()
        value[self.inside] = change(value[self.inside])
        return self._with(kind, Samples(old.time_s, value))

    def with_quality(self, kind: str, name: str) -> Injected:
        old, inside = self.channels[self.channel], self.inside
        quality = np.where(inside, QUALITIES.index(name), 0).astype(np.uint8)
        return self._with(kind, Samples(old.time_s, np.where(inside, np.nan, old.value), quality))

    def _with(self, kind: str, samples: Samples) -> Injected:
        channels = {**self.channels, self.channel: samples}
        return Injected(channels, kind, self.channel, self.start_s, self.end_s)


def _open_said(place: Place, rng: Rng) -> Injected:
    return place.with_quality("thermocouple_open", "open")


def _open_shown(place: Place, rng: Rng) -> Injected:
    return place.with_value("thermocouple_open", lambda _: float(rng.choice(RAILS_C)))


def _short_said(place: Place, rng: Rng) -> Injected:
    return place.with_quality("thermocouple_shorted", str(rng.choice(["short_to_ground", "short_to_supply"])))


def _short_shown(place: Place, rng: Rng) -> Injected:
    level_c = rng.uniform(20, 45)
    junction = next((one for name, one in place.channels.items() if name.startswith(JUNCTIONS)), None)
    if junction is not None:
        level_c = float(np.nanmedian(junction.value))
    return place.with_value("thermocouple_shorted", lambda old: np.round(level_c + rng.normal(0, 0.3, len(old)), 2))


def _frozen(place: Place, rng: Rng) -> Injected:
    return place.with_value("thermocouple_frozen", lambda old: float(old[0]))


def _jump(place: Place, rng: Rng) -> Injected:
    size_c = rng.choice([-1, 1]) * rng.uniform(150, 400)
    few = int(rng.integers(1, 4))
    return place.with_value("thermocouple_jump", lambda old: old + size_c * (np.arange(len(old)) < few))


def _noisy(place: Place, rng: Rng) -> Injected:
    sd_c = rng.uniform(12, 30)
    return place.with_value("thermocouple_noisy", lambda old: old + rng.normal(0, sd_c, len(old)))


def _implausible(place: Place, rng: Rng) -> Injected:
    wrong_c = float(rng.choice([-120.0, 1900.0, 2500.0, 6000.0]))
    few = int(rng.integers(1, 6))
    return place.with_value("implausible_value", lambda old: np.where(np.arange(len(old)) < few, wrong_c, old))


def _silent(place: Place, rng: Rng) -> Injected:
    return place._with("sensor_silent", place.channels[place.channel].where(~place.inside))  # noqa: SLF001


def _duplicates(place: Place, rng: Rng) -> Injected:
    old = place.channels[place.channel]
    twice = np.repeat(np.arange(len(old.time_s)), 1 + (place.inside & (rng.random(len(old.time_s)) < 0.7)))
    return place._with("duplicate_readings", old.where(twice))  # noqa: SLF001


def _clock_forward(place: Place, rng: Rng) -> Injected:
    return _shifted(place, rng.uniform(1800, 7200))


def _clock_back(place: Place, rng: Rng) -> Injected:
    return _shifted(place, -rng.uniform(600, 7200))


def _shifted(place: Place, by_s: float) -> Injected:
    channels = {
        name: Samples(old.time_s + by_s * (old.time_s >= place.start_s), old.value)
        for name, old in place.channels.items()
    }
    return Injected(channels, "clock_jump", None, place.start_s + min(by_s, 0), place.start_s + max(by_s, 0))


def _cold_junction(place: Place, rng: Rng) -> Injected:
    old = place.channels["cold_junction"]
    value = np.where(old.time_s >= place.start_s, rng.choice([-40.0, 0.0, 125.0]) + 0 * old.value, old.value)
    channels = {**place.channels, "cold_junction": Samples(old.time_s, value)}
    return Injected(channels, "cold_junction_fault", "cold_junction", place.start_s, place.end_s)


def _compensation_lost(place: Place, rng: Rng) -> Injected:
    by_c = rng.uniform(28, 45)
    channels = {
        name: old if name == "cold_junction" else Samples(old.time_s, old.value - by_c * (old.time_s >= place.start_s))
        for name, old in place.channels.items()
    }
    return Injected(channels, "cold_junction_fault", None, place.start_s, place.end_s)


def _drift(place: Place, rng: Rng) -> Injected:
    by_c = rng.uniform(20, 40)
    return place.with_value("thermocouple_drift", lambda old: old - by_c * np.linspace(0, 1, len(old)))


INJECTIONS: Final[Mapping[str, Callable[[Place, Rng], Injected]]] = {
    "open, said by the chip": _open_said,
    "open, end of the scale": _open_shown,
    "short, said by the chip": _short_said,
    "short, reads the room": _short_shown,
    "frozen": _frozen,
    "jump": _jump,
    "noisy": _noisy,
    "drift of 20-40 C in a hold": _drift,
    "cold junction misread": _cold_junction,
    "compensation lost": _compensation_lost,
    "silent": _silent,
    "clock forward": _clock_forward,
    "clock back": _clock_back,
    "duplicates": _duplicates,
    "implausible": _implausible,
}
NEEDS_JUNCTION: Final = ("cold junction misread",)
NEEDS_TWO: Final = ("compensation lost", "drift of 20-40 C in a hold")
