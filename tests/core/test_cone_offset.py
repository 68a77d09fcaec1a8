from hypothesis import given, settings
from hypothesis import strategies as st
from recordings import made, noisy, watch_whole

from service.core.assess import assess
from service.core.watch import Watch
from service.core.witness import Offset

HIGH = {
    f"zone_{place}": noisy(made([0, 8, 8.3, 12], [30, 1215 + 4 * place, 1215, 400], every_s=30), seed=place)
    for place in range(3)
}


def progress(watch: Watch) -> dict[str, float]:
    summary = assess(HIGH, watch).firings[0].summary
    assert summary is not None
    return {one.channel: one.progress for one in summary.cones if one.cone == "6"}


def test_an_offset_moves_the_cones_of_its_own_channel_alone() -> None:
    plain, colder = progress(Watch()), progress(Watch(cone_offset={"zone_1": Offset(-15.0, 3.0)}))

    assert colder["zone_1"] < 0.7 * plain["zone_1"]
    assert (colder["zone_0"], colder["zone_2"]) == (plain["zone_0"], plain["zone_2"])


@given(st.permutations(list(HIGH)))
@settings(max_examples=4, deadline=None)
def test_the_order_of_the_channels_changes_nothing(order: list[str]) -> None:
    watch = Watch(target_cone="6")

    assert watch_whole({name: HIGH[name] for name in order}, watch) == watch_whole(HIGH, watch)
