"""Rules on single probes: what a kiln cannot have done, the instrument did."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from service.core.fuels import STOKED
from service.core.ledger import Ledger
from service.core.probe import RATE_WINDOW_S, BinValue, Probe
from service.core.sensors.broken import ADVICE, Broken, is_broken, judge_fall, judge_faults
from service.core.sensors.frozen import judge_frozen
from service.core.sensors.jump import Jumps, judge_jump
from service.core.sensors.junction import (
    JUNCTIONS,
    judge_common_step,
    judge_junction,
    judge_lone_step,
    judge_uncompensated,
)
from service.core.sensors.noise import Noise, judge_noise
from service.core.sensors.silence import judge_silence
from service.core.sensors.timing import Repeats, judge_repeats
from service.core.standing import Standing

__all__ = ["DOUBTFUL", "Signs", "is_doubtful", "is_out", "judge"]

# While one of these is said of a channel, what it reads is not to be believed.
DOUBTFUL: Final = (*ADVICE, "thermocouple_frozen", "thermocouple_jump")


@dataclass(slots=True)
class Signs:
    """What the rules remember of one channel."""

    jumps: Jumps = field(default_factory=Jumps)
    broken: Broken = field(default_factory=Broken)
    noise: Noise = field(default_factory=Noise)
    repeats: Repeats = field(default_factory=Repeats)
    junction: Standing = field(default_factory=Standing)
    away_s: float | None = None  # when the channel last gave nothing to go by

    def is_settled(self, now_s: float) -> bool:
        """Say whether the channel could be believed for as long as its rate looks back."""
        return self.away_s is None or now_s - self.away_s >= RATE_WINDOW_S


def is_out(name: str, ledger: Ledger) -> bool:
    """Say whether a channel gives nothing to go by: silent, frozen or broken."""
    if not ledger.standing:
        return False
    return ledger.has(f"silent {name}") or ledger.has(f"frozen {name}") or is_broken(name, ledger)


def is_doubtful(name: str, signs: Signs, ledger: Ledger) -> bool:
    """Say whether what a channel reads now is not to be believed."""
    if signs.broken.fell_s is not None:
        return True
    if not ledger.standing:
        return False
    return ledger.has(f"jump {name}") or ledger.has(f"frozen {name}") or is_broken(name, ledger)


def judge(
    signs: Mapping[str, Signs],
    probes: Mapping[str, Probe],
    values: Mapping[str, BinValue | None],
    chamber: Mapping[str, Probe],
    now_s: float,
    *,
    fuel: str,
    is_firing: bool,
    to: Ledger,
) -> None:
    """Judge what each channel said in the bin that ends now [s]; the chamber's probes also by one another."""
    room = next((probes[name] for name in sorted(probes) if name.startswith(JUNCTIONS) and values[name]), None)
    junction_c = None if room is None else room.last_c
    for name, value in values.items():
        probe, own = probes[name], signs[name]
        judge_faults(name, own.broken, probe, now_s, is_firing=is_firing, to=to)
        had_fallen = own.broken.fell_s is not None
        judge_fall(name, own.broken, value, junction_c, now_s, fuel=fuel, is_firing=is_firing, to=to)
        is_explained = is_broken(name, to)
        judge_silence(name, probe, value, now_s, is_firing=is_firing, is_explained=is_explained, to=to)
        if own.broken.fell_s is None and not had_fallen and not name.startswith(JUNCTIONS):
            judge_jump(name, own.jumps, value, now_s, fuel=fuel, is_firing=is_firing, to=to)
        judge_junction(name, own.junction, value, now_s, to=to)
        judge_repeats(name, own.repeats, probe, value, now_s, to)
        if name in chamber and value is not None:
            if own.broken.fell_s is None:
                judge_frozen(name, probe, value, chamber, now_s, to=to)
            judge_noise(name, own.noise, probe, value, fuel=fuel, is_firing=is_firing, to=to)
    said = {name: value for name in chamber if (value := values[name]) is not None}
    judge_common_step(said, to=to)
    still = {name: value for name, value in said.items() if not to.has(f"noisy {name}")}
    if fuel not in STOKED:  # a stoked fire falls by a room's worth as often as it is stoked
        judge_lone_step(still, fuel, to=to)
    if not is_firing:
        judge_uncompensated({name: signs[name].junction for name in said}, said, junction_c, now_s, to=to)
