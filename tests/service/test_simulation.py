"""The simulated kilns do what kilns do, and what is injected stands where the truth says."""

import time

import numpy as np
import pytest

from service.core.series import FloatArray, Samples
from service.demo.recordings import serial_firing
from service.simulation import Deviation, Fault, KilnKind, SimulatedFiring, random_firing, simulate
from service.simulation.heat import Heat
from service.simulation.kilns import draw_kiln

HOUR_S = 3600.0


def heating(firing: SimulatedFiring, channel: str = "top") -> FloatArray:
    value: FloatArray = firing.channels[channel].value[firing.time_s <= firing.heating_until_s]
    return value


def within(samples: Samples, start_s: float, end_s: float) -> FloatArray:
    value: FloatArray = samples.value[(samples.time_s >= start_s) & (samples.time_s < end_s)]
    return value


@pytest.mark.parametrize("kind", list(KilnKind))
def test_the_same_seed_gives_the_same_firing_and_another_seed_another(kind: KilnKind) -> None:
    one, again, other = simulate(kind, seed=7), simulate(kind, seed=7), simulate(kind, seed=8)

    np.testing.assert_array_equal(one.channels["top"].value, again.channels["top"].value)
    assert other.channels["top"].value[:500].tolist() != one.channels["top"].value[:500].tolist()
    assert one.is_simulated


def test_what_goes_in_stays_in_the_kiln_or_leaves_it() -> None:
    kiln = draw_kiln(KilnKind.LPG, np.random.default_rng(1))
    heat = Heat(kiln, 25.0, [25.0, 25.0], [25.0, 25.0], 25.0)
    put_in_j = lost_j = 0.0

    for _ in range(3600):
        heat.step(10.0, 0.5 * kiln.power_w, 0.5 * kiln.power_w, 10.0)
        put_in_j += 10.0 * kiln.power_w
        lost_j += 10.0 * heat.lost_w

    assert heat.stored_j() == pytest.approx(put_in_j - lost_j, rel=1e-9)
    assert 0 < lost_j < put_in_j


@pytest.mark.parametrize("kind", list(KilnKind))
@pytest.mark.parametrize("seed", range(4))
def test_the_ware_follows_the_plan_and_cools_by_itself(kind: KilnKind, seed: int) -> None:
    firing = simulate(kind, seed=seed)

    planned_c = max(target_c for _, target_c, _ in firing.schedule)
    assert firing.true_ware_c.max() == pytest.approx(
        planned_c, abs=65 if kind in ("coal", "wood") else 20
    )  # a shovelful stays in
    assert firing.true_ware_c[-1] < 80
    assert 8 * HOUR_S < firing.heating_until_s - firing.time_s[0] < 26 * HOUR_S


@pytest.mark.parametrize("kind", [KilnKind.COAL, KilnKind.WOOD])
def test_stoking_makes_saw_teeth_as_large_as_in_the_recording_of_a_wood_kiln(kind: KilnKind) -> None:
    teeth: list[float] = []
    for seed in range(6):
        firing = simulate(kind, seed=seed)
        last = heating(firing)[-4 * 360 :]
        trend = np.poly1d(np.polyfit(np.arange(len(last)), last, 2))(np.arange(len(last)))
        low, high = np.percentile(last - trend, [3, 97])
        teeth.append(float(high - low))

    assert 100 < float(np.median(teeth)) < 180


def test_an_lpg_curve_has_no_saw_teeth() -> None:
    last = heating(simulate("lpg", seed=1))[-2 * 360 : -360]
    trend = np.poly1d(np.polyfit(np.arange(len(last)), last, 3))(np.arange(len(last)))

    assert np.abs(last - trend).max() < 20


def test_a_bottle_that_runs_out_lets_the_kiln_cool_until_it_is_changed() -> None:
    empty = Deviation("heat_lost", start_s=7 * HOUR_S, duration_s=HOUR_S)
    firing = simulate("lpg", seed=3, deviations=[empty])

    (truth,) = firing.truth
    fell = within(firing.channels["top"], truth.start_s, truth.end_s)
    after = within(firing.channels["top"], truth.end_s, truth.end_s + HOUR_S)
    assert truth.kind == "heat_lost"
    assert truth.end_s - truth.start_s == HOUR_S
    assert fell[-1] < fell[0] - 60
    assert after[-1] > fell[-1] + 30


@pytest.mark.parametrize(
    ("kind", "sees"),
    [
        ("thermocouple_open", lambda bad, good: bool(np.isnan(bad).all())),
        ("thermocouple_shorted", lambda bad, good: bool((bad < 50).all())),
        ("thermocouple_frozen", lambda bad, good: bool(np.ptp(bad) == 0)),
        ("thermocouple_jump", lambda bad, good: float(np.median(bad - good)) == pytest.approx(60)),
        ("thermocouple_noisy", lambda bad, good: float((bad - good).std()) == pytest.approx(15, rel=0.2)),
        ("thermocouple_drift", lambda bad, good: float((good - bad)[-1]) == pytest.approx(30, abs=1)),
        ("cold_junction_fault", lambda bad, good: float(np.median(bad - good)) == pytest.approx(-25)),
        ("sensor_silent", lambda bad, good: not len(bad)),
        ("clock_jump", lambda bad, good: len(bad) < len(good)),
        ("duplicate_readings", lambda bad, good: len(bad) == 2 * len(good)),
    ],
)
def test_a_fault_stands_where_the_truth_says_and_nowhere_before(kind: str, sees: object) -> None:
    fault = Fault(kind, "top", start_s=5 * HOUR_S, duration_s=HOUR_S)
    good, bad = simulate("lpg", seed=5), simulate("lpg", seed=5, faults=[fault])

    (truth,) = bad.truth
    between = [within(one.channels["top"], truth.start_s, truth.end_s) for one in (bad, good)]
    before = [within(one.channels["top"], 0.0, truth.start_s) for one in (bad, good)]
    assert callable(sees)
    assert sees(*between)
    np.testing.assert_array_equal(*before)
    np.testing.assert_array_equal(bad.channels["bottom"].value, good.channels["bottom"].value)


@pytest.mark.parametrize(
    ("kind", "goes"),
    [
        ("stalled", lambda rate: float(np.abs(rate).max()) < 40),
        ("runaway", lambda rate: float(rate.max()) > 250),
        ("heat_lost", lambda rate: float(rate.min()) < -40),
        ("steam_explosion", lambda rate: float(rate.max()) > 150),
        ("black_core", lambda rate: float(rate.max()) > 200),
        ("dunting_quartz", lambda rate: float(rate.min()) < -150),
    ],
)
def test_a_deviation_shows_in_the_ware_between_its_times(kind: str, goes: object) -> None:
    firing = simulate("electric", seed=12, deviations=[Deviation(kind)])

    (truth,) = firing.truth
    inside = (firing.time_s >= truth.start_s + 600) & (firing.time_s <= truth.end_s)
    rate = np.diff(firing.true_ware_c[inside][::6]) * 60
    assert truth.kind == kind
    assert callable(goes)
    assert goes(rate)


def test_it_ends_hotter_cooler_longer_shorter_and_later_than_planned_when_told_so() -> None:
    as_planned = simulate("electric", seed=2)

    def strayed(kind: str) -> SimulatedFiring:
        return simulate("electric", seed=2, deviations=[Deviation(kind)])

    peak_c = as_planned.true_ware_c.max()
    assert strayed("overfired").true_ware_c.max() > peak_c + 35
    assert strayed("underfired").true_ware_c.max() < peak_c - 40
    assert strayed("hold_long").heating_until_s > as_planned.heating_until_s + 1800
    assert strayed("hold_short").heating_until_s < as_planned.heating_until_s - 300
    assert strayed("behind_schedule").heating_until_s > as_planned.heating_until_s + 2 * HOUR_S


def test_uneven_heating_drives_the_zones_apart() -> None:
    firing = simulate("electric", seed=2, deviations=[Deviation("uneven_heating")])

    (truth,) = firing.truth
    apart = within(firing.channels["top"], truth.end_s - 600, truth.end_s) - within(
        firing.channels["bottom"], truth.end_s - 600, truth.end_s
    )
    assert float(np.median(apart)) > 40


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match="thermocouple_open"):
        Fault("broken")
    with pytest.raises(ValueError, match="runaway"):
        Deviation("bad luck")
    with pytest.raises(ValueError, match="gas"):
        simulate("gas", seed=1)


def test_twelve_hours_are_made_in_well_under_half_a_second() -> None:
    begun = time.process_time()
    random_firing(4, "lpg")

    assert time.process_time() - begun < 0.5


def test_rates_of_heating_and_cooling_and_the_spread_are_like_those_of_a_measured_high_firing() -> None:
    lines = [line.payload.decode().strip().split(";") for line in serial_firing()]
    at_s = np.array([line.at.timestamp() for line in serial_firing()])
    top_c, bottom_c = np.array([[float(part) for part in line[1:]] for line in lines]).T
    up_c_per_h = _rate_between(at_s, top_c, 900, 1150)
    spread_c = float(np.percentile(np.abs(top_c - bottom_c), 90))

    made = [simulate("lpg", seed=seed, target_cone="8") for seed in range(8)]

    rates = [_rate_between(one.time_s, one.channels["top"].value, 900, 1150) for one in made]
    spreads = [
        float(np.percentile(np.abs(one.channels["top"].value - one.channels["bottom"].value), 90)) for one in made
    ]
    assert min(rates) / 2 < up_c_per_h < 2 * max(rates)
    assert min(spreads) / 3 < spread_c < 3 * max(spreads)
    for one in made:
        cooling = one.true_ware_c[one.time_s > one.heating_until_s + HOUR_S]
        drops = -np.diff(cooling[::360])
        assert drops[0] > 2 * drops[-1]  # as anything that cools


def _rate_between(time_s: FloatArray, temp_c: FloatArray, low_c: float, high_c: float) -> float:
    from_s, to_s = time_s[np.argmax(temp_c >= low_c)], time_s[np.argmax(temp_c >= high_c)]
    return float((high_c - low_c) / (to_s - from_s) * HOUR_S)
