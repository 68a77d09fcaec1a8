"""Device uptime into UTC: an anchor for each boot of the device, kept through restarts of the bridge."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import ceil, inf
from typing import Final

LOOKS_BACK_MS: Final = 600_000
SLOTS: Final = 20
MOST_OFF: Final = 0.01  # how far off a device's clock may run, our own choice: twice what a ceramic resonator's does


@dataclass(frozen=True)
class Heard:
    """One message of a device: its uptime, and when it arrived here."""

    since_boot_ms: int
    arrived_ms: int

    @property
    def began_ms(self) -> int:
        """Return when the device began, had the message not waited on its way."""
        return self.arrived_ms - self.since_boot_ms


@dataclass(frozen=True)
class DeviceTime:
    """What is known of a device's clock: when its uptime was 0, and the last uptime and time that were given out.

    `lately` has, of each half minute of the last ten, the message that waited least.
    """

    booted_ms: int
    since_boot_ms: int
    at_ms: int
    lately: tuple[Heard, ...] = field(default=(), compare=False)

    def moved(self, shift_ms: int) -> "DeviceTime":
        """Return it by a clock of ours that was moved."""
        lately = tuple(replace(one, arrived_ms=one.arrived_ms + shift_ms) for one in self.lately)
        return DeviceTime(self.booted_ms + shift_ms, self.since_boot_ms, self.at_ms + shift_ms, lately)


def place(
    known: DeviceTime | None,
    heard: Sequence[Heard],
    *,
    jitter_ms: int,
    looks_back_ms: int = LOOKS_BACK_MS,
    is_recalled: bool = False,
    said_since_ms: float = -inf,
) -> tuple[list[int], DeviceTime | None]:
    """Return the time of each message in Unix ms, and what to know next time.

    A message can be late, never early, so the earliest arrival of a boot tells best when the device booted. All
    messages at hand are looked at first, so those that come in one heap after an outage are dated by the last of
    them, which waited least. An anchor moves only when it is wrong by more than `jitter_ms`: steps stay the device's.
    It moves back at once, and on bit by bit if the device's clock runs slow: then every message of the last
    `looks_back_ms` seems to have waited. If it seems to be longer than that, the device has begun anew unheard, and
    the anchor moves at once. Times increase, but for a message that was overtaken on its way: it gets the time it was
    measured at. Of what is only recalled from an earlier run, a message is taken for one that was overtaken if it
    waited for less than `looks_back_ms`: the device may have begun anew while nobody listened. It has for certain if
    its first message would have been measured before `said_since_ms`.
    """
    overtaken = _overtaken(known, heard, looks_back_ms if is_recalled else inf)
    in_turn = [number for number in range(len(heard)) if number not in overtaken]
    boots = _split_by_boot([heard[number] for number in in_turn])
    goes_on = known if known is not None and boots and _goes_on(known, boots[0][0], said_since_ms) else None
    times_ms = [0] * len(heard)
    numbers = iter(in_turn)
    of_overtaken_ms = known.booted_ms if known is not None else 0
    for boot, booted_ms in zip(boots, _anchors(goes_on, boots, jitter_ms), strict=True):
        if goes_on is not None and boot is boots[0]:
            of_overtaken_ms = booted_ms
            lately, last_ms = goes_on.lately, goes_on.since_boot_ms
        else:
            lately, last_ms = (), boot[0].since_boot_ms
        for one in boot:
            lately = _look_back(lately, one, looks_back_ms)
            behind_ms = _behind_ms(booted_ms, lately, jitter_ms, looks_back_ms)
            a_step_ms = ceil(MOST_OFF * (one.since_boot_ms - last_ms))
            booted_ms += behind_ms if behind_ms > looks_back_ms else min(behind_ms, a_step_ms)
            last_ms = one.since_boot_ms
            at_ms = booted_ms + last_ms
            at_ms = at_ms if known is None else max(at_ms, known.at_ms + 1)
            known = DeviceTime(booted_ms, last_ms, at_ms, lately)
            times_ms[next(numbers)] = at_ms
    for number in overtaken:
        times_ms[number] = of_overtaken_ms + heard[number].since_boot_ms
    return times_ms, known


def _look_back(lately: tuple[Heard, ...], one: Heard, looks_back_ms: int) -> tuple[Heard, ...]:
    """Add a message; of each slot the one that waited least stays, and the first lies before what is looked at."""
    slot_ms = looks_back_ms // SLOTS
    if lately and lately[-1].arrived_ms // slot_ms == one.arrived_ms // slot_ms:
        lately = (*lately[:-1], min(lately[-1], one, key=lambda heard: heard.began_ms))
    else:
        lately = (*lately, one)
    until_ms = one.arrived_ms - looks_back_ms
    return lately[sum(heard.arrived_ms <= until_ms for heard in lately[1:]) :]


def _behind_ms(booted_ms: int, lately: Sequence[Heard], jitter_ms: int, looks_back_ms: int) -> int:
    """Return by how much an anchor is too early for all that came lately, 0 if that cannot be said.

    What comes faster than a clock can run was kept somewhere: it waits ever less, and says nothing of the clock.
    """
    first, last = lately[0], lately[-1]
    passed_ms = last.arrived_ms - first.arrived_ms
    is_backlog = first.began_ms - last.began_ms > MOST_OFF * passed_ms
    if passed_ms < looks_back_ms or is_backlog:
        return 0
    behind_ms = min(heard.began_ms for heard in lately) - booted_ms
    return behind_ms if behind_ms > jitter_ms else 0


def _overtaken(known: DeviceTime | None, heard: Sequence[Heard], most_waited_ms: float) -> set[int]:
    """Return which messages are older than others of the known boot that came before them.

    A device that began anew did so after its last word, and this one would have begun before it. `most_waited_ms`
    bounds how long what is older than the known boot's last word may have waited.
    """
    if known is None:
        return set()
    newest_ms = known.since_boot_ms
    overtaken = set()
    for number, one in enumerate(heard):
        if one.since_boot_ms >= newest_ms:
            newest_ms = one.since_boot_ms
            continue
        is_older = one.since_boot_ms < known.since_boot_ms
        if one.began_ms >= known.booted_ms + (min(newest_ms, most_waited_ms) if is_older else newest_ms):
            break
        overtaken.add(number)
    return overtaken


def _goes_on(known: DeviceTime, one: Heard, said_since_ms: float) -> bool:
    """Say whether a message is of the known boot: by its uptime, and by when it would have been measured."""
    step_ms = one.since_boot_ms - known.since_boot_ms
    return step_ms >= 0 and known.booted_ms + one.since_boot_ms + MOST_OFF * step_ms >= said_since_ms


def _split_by_boot(heard: Sequence[Heard]) -> list[list[Heard]]:
    """Split where the uptime goes down: there the device began anew."""
    boots: list[list[Heard]] = []
    for one in heard:
        if not boots or one.since_boot_ms < boots[-1][-1].since_boot_ms:
            boots.append([])
        boots[-1].append(one)
    return boots


def _anchors(known: DeviceTime | None, boots: Sequence[Sequence[Heard]], jitter_ms: int) -> list[int]:
    """Return when each boot began; one that was over before the next began said its last word before that."""
    anchors: list[int] = []
    next_booted_ms: int | None = None
    for boot in reversed(boots):
        booted_ms = min(one.began_ms for one in boot)
        if next_booted_ms is not None:
            booted_ms = min(booted_ms, next_booted_ms - boot[-1].since_boot_ms)
        anchors.append(booted_ms)
        next_booted_ms = booted_ms
    anchors.reverse()
    if known is not None:
        is_late = anchors[0] >= known.booted_ms - jitter_ms
        anchors[0] = known.booted_ms if is_late else anchors[0]
    return anchors
