"""Rules on the ware: the strictest limit that holds for it, said with its source."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recordings import HOUR_S, T0_S, findings, made, noisy, watch_in_pieces, watch_whole

from service.core.defect_rules import WARE, rules
from service.core.findings import Finding, Severity
from service.core.live import Watch
from service.core.series import Samples

RAW = frozenset({"raw"})
THICK = frozenset({"raw", "thick"})


def heated_at(rate_c_per_h: float, from_c: float, to_c: float) -> dict[str, Samples]:
    """A kiln at 40 °C/h, but between two temperatures at another rate."""
    slow = 40.0
    hours = np.cumsum([0, (from_c - 25) / slow, (to_c - from_c) / rate_c_per_h, (1100 - to_c) / slow])
    return {"top": noisy(made(hours.tolist(), [25, from_c, to_c, 1100]), sd_c=0.4)}


def of_kind(kind: str, channels: dict[str, Samples], ware: frozenset[str] = frozenset()) -> list[Finding]:
    return [one for one in findings(channels, Watch(ware=ware)) if one.kind == kind]


@pytest.mark.parametrize(
    ("kind", "rate", "ware", "severity"),
    [
        ("steam_explosion", 60, RAW, None),
        ("steam_explosion", 60, THICK, Severity.INFO),  # a little beyond
        ("steam_explosion", 90, THICK, Severity.WARNING),
        ("steam_explosion", 120, RAW, Severity.WARNING),
        ("steam_explosion", 120, frozenset(), None),  # nobody said that it is raw
        ("steam_explosion", 330, frozenset(), Severity.INFO),
        ("steam_explosion", 330, frozenset({"bisqued"}), None),
        ("dehydroxylation_cracks", 150, RAW, None),
        ("dehydroxylation_cracks", 270, RAW, Severity.WARNING),
        ("dehydroxylation_cracks", 90, THICK, Severity.WARNING),
        ("dehydroxylation_cracks", 250, frozenset(), None),
        ("black_core", 90, RAW, None),
        ("black_core", 180, RAW, Severity.WARNING),
        ("black_core", 150, frozenset(), None),
        ("black_core", 320, frozenset(), Severity.INFO),
    ],
)
def test_the_limit_goes_by_what_is_known_of_the_ware(
    kind: str, rate: float, ware: frozenset[str], severity: Severity | None
) -> None:
    windows = {"steam_explosion": (40, 250), "dehydroxylation_cracks": (440, 700), "black_core": (690, 900)}

    found = of_kind(kind, heated_at(rate, *windows[kind]), ware)

    assert [one.severity for one in found] == ([] if severity is None else [severity])


def test_a_finding_says_what_was_measured_where_and_by_whom_the_limit_is() -> None:
    (steam,) = of_kind("steam_explosion", heated_at(120, 40, 250), RAW)

    assert steam.evidence["rate_c_per_h"] == pytest.approx(120, abs=12)
    assert (steam.evidence["rate_limit_c_per_h"], steam.evidence["other_limit_c_per_h"]) == (67.0, 167.0)
    assert (steam.evidence["window_from_c"], steam.evidence["window_to_c"]) == (50.0, 121.0)
    assert "Bartlett" in str(steam.evidence["limit_source"])
    assert steam.start_s == pytest.approx(T0_S + (15 / 40 + 10 / 120) * HOUR_S, abs=1800)
    assert steam.end_s is not None


def test_a_limit_that_has_ended_is_no_other_opinion() -> None:
    (steam,) = of_kind("steam_explosion", heated_at(300, 140, 240), RAW | {"thick"})

    assert steam.evidence["rate_limit_c_per_h"] == 167.0
    assert "other_limit_c_per_h" not in steam.evidence


def test_what_gets_worse_becomes_serious() -> None:
    hours = np.cumsum([0, 1, 0.85, 2, 10])
    (steam,) = of_kind("steam_explosion", {"top": noisy(made(hours.tolist(), [25, 40, 115, 240, 1000]), sd_c=0.3)}, RAW)

    assert steam.severity is Severity.INFO  # 88 °C/h is little beyond 67
    hours = np.cumsum([0, 1, 0.3, 0.3, 0.6, 10])
    (steam,) = of_kind(
        "steam_explosion", {"top": noisy(made(hours.tolist(), [25, 40, 65, 110, 240, 1000]), sd_c=0.3)}, RAW
    )
    assert steam.severity is Severity.WARNING


def test_saw_teeth_of_stoking_are_not_the_ware() -> None:
    time_s, temp_c = made([0, 3, 10, 20, 60], [25, 150, 700, 1200, 60])
    since_s = time_s - time_s[0]
    teeth = np.where(since_s < 20 * HOUR_S, 60 * np.sin(since_s * 2 * np.pi / 3000), 0.0)
    channels = {"top": Samples(time_s, np.maximum(temp_c + teeth, 25.0))}

    of_coal = {
        one.kind for one in findings(channels, Watch(fuel="coal", ware=RAW)) if one.severity is not Severity.INFO
    }
    assert of_coal.isdisjoint({"steam_explosion", "dehydroxylation_cracks", "black_core", "dunting_quartz"})


def test_a_slow_way_down_is_only_a_fault_of_glossy_ware() -> None:
    cooled = {"top": noisy(made([0, 8, 15, 20], [25, 1220, 800, 300]), sd_c=0.4)}

    assert of_kind("micro_crystals", cooled) == []
    (dull,) = of_kind("micro_crystals", cooled, frozenset({"glossy"}))
    assert dull.evidence["rate_c_per_h"] == pytest.approx(60, abs=12)


def test_a_gust_of_heat_of_two_minutes_is_no_finding() -> None:
    hours = [0, 2, 2 + 2 / 60, 4, 20]
    channels = {"top": noisy(made(hours, [25, 90, 94, 172, 1000]), sd_c=0.2)}

    assert of_kind("steam_explosion", channels, RAW) == []


def test_unknown_ware_is_refused() -> None:
    with pytest.raises(ValueError, match="porcelain"):
        Watch(ware=frozenset({"porcelain"}))


def test_every_rule_names_the_source_of_its_every_limit() -> None:
    for rule in rules():
        for limit in rule.limits:
            assert len(limit.source) > 10
        assert rule.holds(WARE) == () or rule.not_of == frozenset()


@given(ware=st.frozensets(st.sampled_from([one for one in WARE if one != "bisqued"])))
def test_the_more_is_known_the_stricter_it_gets(ware: frozenset[str]) -> None:
    for rule in rules():
        least, most = rule.holds(frozenset()), rule.holds(ware)
        assert set(least) <= set(most)


@settings(max_examples=20, deadline=None)
@given(cuts=st.lists(st.floats(0, 12 * HOUR_S), max_size=12))
def test_cuts_and_restarts_change_nothing(cuts: list[float]) -> None:
    channels = {"top": noisy(made([0, 1, 4, 6, 12], [25, 250, 950, 1000, 300]), sd_c=0.4)}
    watch = Watch(ware=THICK)

    assert watch_in_pieces(channels, watch, [T0_S + cut for cut in cuts]) == watch_whole(channels, watch)
