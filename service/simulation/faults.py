"""What goes wrong with the instruments of a simulated kiln, at known times."""

from dataclasses import dataclass

import numpy as np

from service.core.series import FloatArray, Samples

FAULT_KINDS = (
    "thermocouple_open",
    "thermocouple_shorted",
    "thermocouple_frozen",
    "thermocouple_jump",
    "thermocouple_noisy",
    "thermocouple_drift",
    "cold_junction_fault",
    "sensor_silent",
    "clock_jump",
    "duplicate_readings",
)


@dataclass(frozen=True)
class Fault:
    """One fault of one probe.

    Parameters
    ----------
    kind : str
        As the finding it should lead to.
    channel : str
        The probe.
    start_s, duration_s : float or None
        After the beginning of the firing; None is drawn by the seed: a start while heating, 10 to 120 min long. [s]
    size : float or None
        Of a jump, drift, noise or cold-junction error [°C], or a clock jump [s]; None is a usual one.
    """

    kind: str
    channel: str = "top"
    start_s: float | None = None
    duration_s: float | None = None
    size: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in FAULT_KINDS:
            msg = f"kind must be one of {', '.join(FAULT_KINDS)}, not {self.kind!r}"
            raise ValueError(msg)


def measured(temp_c: FloatArray, resolution_c: float, noise_c: float, rng: np.random.Generator) -> FloatArray:
    """Return what an instrument shows of a true curve: white and 1/f noise, then its steps."""
    n = len(temp_c)
    spectrum = np.fft.rfft(rng.normal(0, 1, n))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    spectrum[0] = 0
    pink = np.fft.irfft(spectrum, n)
    pink *= noise_c / max(float(pink.std()), 1e-9)
    shown: FloatArray = np.round((temp_c + rng.normal(0, noise_c, n) + pink) / resolution_c) * resolution_c
    return shown


def apply(fault: Fault, samples: Samples, start_s: float, end_s: float, rng: np.random.Generator) -> Samples:
    """Return the readings with a fault between two Unix times [s]."""
    time_s, value = samples.time_s.copy(), samples.value.copy()
    inside = (time_s >= start_s) & (time_s < end_s)
    size = fault.size
    match fault.kind:
        case "thermocouple_open":
            value[inside] = np.nan
        case "thermocouple_shorted":
            value[inside] = rng.normal(30, 0.3, inside.sum()).round(1)  # two wires touch at the head: it reads the room
        case "thermocouple_frozen":
            value[inside] = value[inside][0] if inside.any() else np.nan
        case "thermocouple_jump":
            value[inside] += 60.0 if size is None else size
        case "thermocouple_noisy":
            value[inside] += rng.normal(0, 15.0 if size is None else size, inside.sum())
        case "thermocouple_drift":
            lasted = (time_s[inside] - start_s) / (end_s - start_s)
            value[inside] -= (30.0 if size is None else size) * lasted
        case "cold_junction_fault":
            value[inside] -= 25.0 if size is None else size
        case "sensor_silent":
            return Samples(time_s[~inside], value[~inside])
        case "clock_jump":
            time_s[time_s >= start_s] += 1800.0 if size is None else size
        case "duplicate_readings":
            twice = np.sort(np.concatenate([np.arange(len(time_s)), np.flatnonzero(inside)]))
            return Samples(time_s[twice], value[twice])
    return Samples(time_s, value)
