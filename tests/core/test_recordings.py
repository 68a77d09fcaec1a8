"""The measured firings: what a potter sees on their curves, and nothing else."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recordings import glass_kiln, two_probe_firing, until, watch_in_pieces, watch_whole

from service.core.assess import assess
from service.core.findings import Finding, Severity
from service.core.live import EndCause, Watch
from service.core.series import Samples

PARIS = ZoneInfo("Europe/Paris")


def local(time_s: float | None) -> str:
    return "" if time_s is None else datetime.fromtimestamp(time_s, UTC).astimezone(PARIS).strftime("%H:%M:%S")


@pytest.fixture(scope="module")
def high_fire() -> list[Finding]:
    (firing,) = assess(two_probe_firing(), Watch(fuel="lpg")).firings
    return firing.findings


def test_the_high_fire_is_one_firing_from_its_first_reading_through_all_gaps() -> None:
    (firing,) = assess(two_probe_firing(), Watch()).firings

    assert local(firing.start_s) == "11:26:31"
    assert (firing.end_s, firing.cause) == (None, None)
    assert firing.summary is not None
    assert firing.summary.peak_c == 1283
    assert local(firing.summary.peak_s) == "17:47:45"
    assert firing.summary.max_spread_c == 92


def test_each_gap_of_more_than_five_minutes_is_a_silence_of_each_probe(high_fire: list[Finding]) -> None:
    for channel in ("top", "bottom"):
        silences = [one for one in high_fire if (one.kind, one.channel) == ("sensor_silent", channel)]

        assert [(local(one.start_s), local(one.end_s)) for one in silences] == [
            ("12:22:15", "13:09:56"),
            ("15:31:52", "16:03:14"),
            ("16:03:14", "16:10:39"),
            ("17:49:39", "17:54:52"),
            ("20:28:05", "22:07:25"),
        ]
        assert {one.severity for one in silences} == {Severity.CRITICAL}


def test_the_only_other_finding_is_the_92_c_between_top_and_bottom_on_cooling(high_fire: list[Finding]) -> None:
    (uneven,) = [one for one in high_fire if one.kind != "sensor_silent"]

    assert uneven.kind == "uneven_heating"
    assert uneven.evidence["phase"] == "cooling"
    assert uneven.evidence["spread_c"] == 92
    assert (uneven.evidence["hot_channel"], uneven.evidence["cold_channel"]) == ("top", "bottom")
    assert "17:54:52" <= local(uneven.start_s) <= "17:56:00"
    assert "18:20:00" <= local(uneven.end_s) <= "18:40:00"


def told(channels: dict[str, Samples], watch: Watch, bins_from_s: float) -> list[tuple]:
    """Return the cone that each firing reached, and what was found."""
    firings = assess(channels, replace(watch, bins_from_s=bins_from_s)).firings
    return [
        (one.summary and one.summary.cone_reached, Counter((found.kind, found.channel) for found in one.findings))
        for one in firings
    ]


@pytest.mark.parametrize("bins_from_s", [7.0, 14.0, 21.0, 28.0])
def test_wherever_the_bins_begin_a_potter_is_told_the_same(bins_from_s: float) -> None:
    assert told(two_probe_firing(), Watch(target_cone="6"), bins_from_s) == told(
        two_probe_firing(), Watch(target_cone="6"), 0.0
    )
    assert told(glass_kiln(), Watch(fuel="electric"), bins_from_s) == told(glass_kiln(), Watch(fuel="electric"), 0.0)


@pytest.mark.parametrize(
    ("target", "kinds"),
    [("6", {"overfired", "over_temperature"}), ("9", {"overfired"}), ("10", set()), ("12", {"underfired"})],
)
def test_the_high_fire_reached_cone_10_and_is_judged_by_it(target: str, kinds: set[str]) -> None:
    (firing,) = assess(two_probe_firing(), Watch(target_cone=target)).firings

    assert firing.summary is not None
    assert firing.summary.cone_reached == "10"
    assert {one.kind for one in firing.findings} - {"sensor_silent", "uneven_heating"} == kinds


def test_the_glass_kiln_is_one_firing_that_cooled_through_restarts_and_hours_without_readings() -> None:
    (firing,) = assess(glass_kiln(), Watch(fuel="electric")).firings

    assert firing.cause is EndCause.COOLED
    assert firing.summary is not None
    assert firing.summary.peak_c == pytest.approx(823, abs=1)
    assert [(one.kind, one.severity) for one in firing.findings] == [
        ("steam_explosion", Severity.INFO),  # up to 500 °C/h: nothing for raw clay, and there is only glass in it
        ("steam_explosion", Severity.INFO),
        ("dunting_quartz", Severity.WARNING),
        ("sensor_silent", Severity.CRITICAL),
    ]


FIRINGS = (
    (two_probe_firing(), Watch(target_cone="12")),
    (glass_kiln(), Watch(fuel="electric", target_cone="022")),
)


@pytest.mark.parametrize(("channels", "watch"), FIRINGS)
@given(data=st.data())
@settings(max_examples=8, deadline=None)
def test_cuts_and_restarts_change_nothing_on_measured_firings(
    channels: dict, watch: Watch, data: st.DataObject
) -> None:
    first_s = min(float(samples.time_s[0]) for samples in channels.values())
    cuts_s = data.draw(st.lists(st.floats(first_s, until(channels)), max_size=12))

    assert watch_in_pieces(channels, watch, cuts_s) == watch_whole(channels, watch)
