import numpy as np
import pytest
from recordings import HOUR_S, T0_S, findings, made, noisy

from service.core.findings import Finding, Severity
from service.core.live import LiveFiring, Watch
from service.core.series import QUALITIES, Chunk, Samples
from service.core.witness import PRIOR


def cooled_at(rate_c_per_h: float) -> dict[str, Samples]:
    """A bisque to 1000 °C that falls freely to 700 °C and then at this rate."""
    return {"top": noisy(made([0, 8, 10, 10 + 300 / rate_c_per_h], [25, 1000, 700, 400]), sd_c=0.4)}


def of_kind(kind: str, channels: dict[str, Samples], watch: Watch) -> list[Finding]:
    return [one for one in findings(channels, watch) if one.kind == kind]


@pytest.mark.parametrize(("rate", "said"), [(30, 0), (44, 0), (60, 1), (250, 1)])
def test_cooling_through_quartz_at_more_than_50_c_per_h_is_said_once(rate: float, said: int) -> None:
    assert len(of_kind("dunting_quartz", cooled_at(rate), Watch())) == said


def test_dunting_spans_the_window_and_brings_the_measured_rate_and_its_source() -> None:
    (dunting,) = of_kind("dunting_quartz", cooled_at(100), Watch())

    assert dunting.start_s == pytest.approx(T0_S + 10.5 * HOUR_S, abs=400)
    assert dunting.end_s == pytest.approx(T0_S + 12 * HOUR_S, abs=400)
    assert dunting.evidence["rate_c_per_h"] == pytest.approx(100, abs=15)
    assert dunting.evidence["rate_limit_c_per_h"] == 50
    assert "Fortuna" in str(dunting.evidence["limit_source"])
    assert dunting.probability is None


def test_a_dip_while_heating_is_no_dunting() -> None:
    channels = {"top": noisy(made([0, 5, 5.3, 9], [25, 640, 520, 1100]))}

    assert of_kind("dunting_quartz", channels, Watch()) == []


def fired_to(peak_c: float, *, start_c: float = 25.0) -> dict[str, Samples]:
    """The last 300 °C at 60 °C/h, as the chart of cones has it, then cooling."""
    hours = [0, 6, 11, 11 + (peak_c - 100) / 200]
    return {"top": noisy(made(hours, [start_c, peak_c - 300, peak_c, 100]))}


@pytest.mark.parametrize(
    ("peak_c", "kinds"),
    [
        (1200, ["underfired"]),
        (1205, ["underfired"]),
        (1212, []),  # what the cooling adds brings it within the model's error
        (1222, []),  # Orton's end point of cone 6
        (1245, ["overfired"]),  # that of cone 7 is 1239 °C
    ],
)
def test_ware_is_judged_by_the_target_cone_with_the_error_of_the_model(peak_c: float, kinds: list[str]) -> None:
    found = findings(fired_to(peak_c), Watch(target_cone="6"))

    assert [one.kind for one in found if one.kind in ("underfired", "overfired")] == kinds


def without(samples: Samples, from_h: float, to_h: float) -> Samples:
    """Return what a probe says whose wire is open from one hour to another."""
    open_wire = (samples.time_s > T0_S + from_h * HOUR_S) & (samples.time_s < T0_S + to_h * HOUR_S)
    quality = np.where(open_wire, QUALITIES.index("open"), 0).astype(np.uint8)
    return Samples(samples.time_s, np.where(open_wire, np.nan, samples.value), quality)


@pytest.mark.parametrize(("from_h", "to_h"), [(7.0, 13.0), (-1.0, 13.0)], ids=["opened on the way up", "came late"])
def test_a_probe_that_did_not_see_the_top_makes_no_cone_of_it(from_h: float, to_h: float) -> None:
    channels = fired_to(1225)
    live = LiveFiring(Watch(target_cone="6"))

    advance = live.advance(
        Chunk(
            T0_S + 16 * HOUR_S,
            {"top": without(channels["top"], from_h, to_h), "bottom": channels["top"]},
        )
    )

    assert [one.kind for one in advance.findings if one.kind == "underfired"] == []
    assert advance.status.cone_reached == "6"


@pytest.mark.parametrize(("peak_c", "kinds"), [(1190, ["underfired"]), (1205, []), (1238, []), (1255, ["overfired"])])
def test_before_any_witness_cone_nothing_is_said_within_the_doubt_of_the_cones(peak_c: float, kinds: list[str]) -> None:
    found = findings(fired_to(peak_c), Watch(target_cone="6", unlearnt=PRIOR))

    assert [one.kind for one in found if one.kind in ("underfired", "overfired")] == kinds


def test_underfiring_is_dated_by_the_peak_and_says_by_how_much() -> None:
    (under,) = of_kind("underfired", fired_to(1200), Watch(target_cone="6"))

    assert under.start_s == pytest.approx(T0_S + 11 * HOUR_S, abs=120)
    assert under.evidence["short_by_c"] == pytest.approx(13, abs=3)  # of 22: cooling did the rest


def test_a_firing_that_was_given_up_lacks_what_lay_between_its_peak_and_the_cone() -> None:
    (under,) = of_kind("underfired", fired_to(850), Watch(target_cone="6"))

    assert under.evidence["short_by_c"] == pytest.approx(1222 - 850, abs=5)


def test_candling_with_a_pause_is_no_underfiring() -> None:
    channels = {"top": noisy(made([0, 2, 6, 8, 10, 12, 17], [28, 150, 150, 80, 60, 150, 900]), sd_c=0.4)}

    assert of_kind("underfired", channels, Watch(target_cone="10")) == []


def test_an_underfiring_is_over_when_the_kiln_climbs_past_the_top_it_had_and_another_is_said_anew() -> None:
    channels = {"top": noisy(made([0, 8, 9, 12, 20], [28, 900, 700, 1100, 90]))}

    first, second = of_kind("underfired", channels, Watch(target_cone="10"))

    assert first.end_s == pytest.approx(T0_S + (9 + 3 * 200 / 400) * HOUR_S, abs=300)
    assert second.start_s == pytest.approx(T0_S + 12 * HOUR_S, abs=120)


def test_a_top_that_is_only_interrupted_takes_the_underfiring_back() -> None:
    channels = {"top": noisy(made([0, 8, 9, 10, 12, 18], [25, 1150, 1050, 1150, 1230, 90]))}

    (under,) = of_kind("underfired", channels, Watch(target_cone="6"))

    assert under.end_s is not None
    assert under.end_s < T0_S + 12.2 * HOUR_S


def test_overfiring_is_said_when_the_guard_cone_falls_not_after_the_firing() -> None:
    time_s, temp_c = made([0, 6, 12], [25, 950, 1310])
    rising = {"top": Samples(time_s, temp_c)}

    (over,) = of_kind("overfired", rising, Watch(target_cone="5"))

    assert (over.severity, over.evidence["guard_cone"], over.end_s) == (Severity.CRITICAL, "6", None)
    assert over.start_s == pytest.approx(T0_S + (6 + (1222 - 950) / 60) * HOUR_S, abs=240)


@pytest.mark.parametrize(("target", "said"), [(None, 0), ("10", 1)])
def test_what_was_said_of_a_target_ends_when_it_is_put_right_and_the_right_one_is_judged(
    target: str | None, said: int
) -> None:
    curve = noisy(made([0, 13, 14, 14.5, 18], [28, 1245, 1340, 1340, 800]))
    before = curve.time_s < T0_S + 13.3 * HOUR_S
    live = LiveFiring(Watch(target_cone="6"))
    early = live.advance(Chunk(float(curve.time_s[before][-1]), {"top": curve.where(before)})).findings
    live.watch = Watch(target_cone=target)
    late = live.advance(Chunk(float(curve.time_s[-1]), {"top": curve.where(~before)})).findings

    (wrong,) = [one for one in early if one.kind == "overfired"]
    ended, *true = [one for one in late if one.kind == "overfired"]
    assert (ended.key, ended.end_s is None) == (wrong.key, False)
    assert [(one.evidence["target_cone"], one.end_s) for one in true] == [("10", None)] * said


def test_a_firing_whose_heating_was_not_seen_is_not_called_underfired() -> None:
    channels = {"top": noisy(made([0, 0.5, 6], [1150, 1160, 200]))}

    assert of_kind("underfired", channels, Watch(target_cone="6")) == []


def test_a_top_that_nobody_saw_is_not_called_underfired() -> None:
    whole = noisy(made([0, 11, 12.4, 12.7, 15, 24], [28, 1150, 1290, 1290, 1000, 120]))
    hour = (whole.time_s - T0_S) / HOUR_S

    assert of_kind("underfired", {"top": whole.where((hour < 11) | (hour > 15))}, Watch(target_cone="10")) == []


def test_without_a_target_nobody_is_judged() -> None:
    found = findings(fired_to(1310), Watch(ware=frozenset({"bisqued"})))

    assert [one.kind for one in found] == ["dunting_quartz"]
