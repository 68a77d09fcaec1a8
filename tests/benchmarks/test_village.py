"""Some kilns for some seconds, so that the measurements keep working; docs/performance.md has the figures."""

from pathlib import Path

import pytest

from benchmarks import growth
from benchmarks.cut_off import cut_off
from benchmarks.restart import Outage, measure_restart
from benchmarks.viewers import Looking, measure_viewers


def test_people_who_look_on_see_every_kiln_in_time() -> None:
    measured = measure_viewers(Looking.at(20, 10, 1.0, turns=2, warm_up_s=1.0))

    assert measured.seen.lost == 0
    assert len(measured.cores) == 2
    assert measured.seen.events["points"] >= 20  # `kiln` comes when the analysis has looked, every 15 s of each
    assert max(measured.seen.late_s["points"]) < 10.0  # the goal is 2


def test_a_service_that_was_killed_shows_every_kiln_again_each_time() -> None:
    measured = measure_restart(Outage(kilns=20, kills=2, warm_up_s=1.0, before_s=1.0, away_s=0.2, breaks=0))

    assert len(measured.returns) == 2
    assert all(0 < came.answers_s < came.caught_up_s for came in measured.returns)
    assert measured.findings.total() == measured.alarms.total() == 0


def test_a_village_that_is_cut_off_is_told_of_it() -> None:
    first_s, last_s, alarms, pushes = cut_off(20)

    assert 0 < first_s < last_s
    assert (alarms, pushes) == (40, 20)


def test_what_one_more_firing_costs_is_told_and_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growth, "FIRING_S", 3600)
    monkeypatch.setattr(growth, "ROUNDS", 1)

    by_store = list(growth.stored([1, 7]))
    growth.plot([growth.AtLoad(1, 20_800, 20_800, 20_800, 10.0, 100.0, 500.0)], by_store, tmp_path / "growth.png")

    assert [one.readings for one in by_store] == [2 * 28_800, 4 * 28_800]
    assert all(one.store_us > 0 and one.chart_ms > 0 for one in by_store)
    assert (tmp_path / "growth.png").stat().st_size < 60_000
