"""Measured and made kilns for the tests; the made ones are simple shapes, not a kiln model."""

import json
from collections.abc import Sequence

import numpy as np

from service.core.findings import Finding
from service.core.live import LiveFiring, Watch
from service.core.series import Chunk, FloatArray, Samples
from service.core.watch import Event
from service.demo.recordings import mqtt_firing, serial_firing

HOUR_S = 3600.0
T0_S = 1_700_000_000.0  # any moment


def two_probe_firing() -> dict[str, Samples]:
    lines = serial_firing()
    time_s = np.array([line.at.timestamp() for line in lines])
    values = np.array([[float(part) for part in line.payload.decode().strip().split(";")[1:]] for line in lines])
    return {"top": Samples(time_s, values[:, 0]), "bottom": Samples(time_s, values[:, 1])}


def glass_kiln() -> dict[str, Samples]:
    said = [message for message in mqtt_firing(serial_firing()[0].at) if message.readings]
    value = np.array([json.loads(message.payload)["kiln"]["temp_C"] for message in said])
    return {"kiln": Samples(np.array([message.at.timestamp() for message in said]), value)}


def made(
    hours: Sequence[float], temp_c: Sequence[float], *, every_s: float = 10.0, start_s: float = T0_S
) -> tuple[FloatArray, FloatArray]:
    """Straight lines between corners."""
    time_s = np.arange(0.0, hours[-1] * HOUR_S + 1, every_s)
    return start_s + time_s, np.interp(time_s, np.array(hours) * HOUR_S, temp_c)


def noisy(curve: tuple[FloatArray, FloatArray], *, sd_c: float = 0.7, step_c: float = 0.25, seed: int = 1) -> Samples:
    """Readings of an instrument that shows steps of `step_c`."""
    time_s, temp_c = curve
    noise = np.random.default_rng(seed).normal(0, sd_c, len(time_s))
    return Samples(time_s, np.round((temp_c + noise) / step_c) * step_c)


def findings(channels: dict[str, Samples], watch: Watch) -> list[Finding]:
    """Return what the findings came to, in the order in which they were first said."""
    found = {event.key: event for event in watch_whole(channels, watch) if isinstance(event, Finding)}
    return list(found.values())


def until(channels: dict[str, Samples]) -> float:
    return max(float(samples.time_s.max()) for samples in channels.values())


def watch_whole(channels: dict[str, Samples], watch: Watch) -> list[Event]:
    return list(LiveFiring(watch).advance(Chunk(until(channels), channels)).events)


def watch_in_pieces(channels: dict[str, Samples], watch: Watch, cuts_s: Sequence[float]) -> list[Event]:
    """Advance from cut to cut, each time with an analysis restored from JSON."""
    events: list[Event] = []
    state = None
    last_s = -np.inf
    for cut_s in [*sorted(cuts_s), until(channels)]:
        live = LiveFiring(watch, state=state)
        piece = {name: between(samples, last_s, cut_s) for name, samples in channels.items()}
        events += live.advance(Chunk(cut_s, {name: one for name, one in piece.items() if len(one.time_s)})).events
        state = json.loads(json.dumps(live.snapshot(), allow_nan=False))
        last_s = cut_s
    return events


def between(samples: Samples, after_s: float, to_s: float) -> Samples:
    inside = (samples.time_s > after_s) & (samples.time_s <= to_s)
    return samples.where(inside)
