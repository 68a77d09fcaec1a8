from itertools import pairwise

import pytest

from service.core import cones


def test_end_points_rise_from_cone_to_cone_and_with_the_rate() -> None:
    at_60 = [cone.end_c[60.0] for cone in cones.table()]

    assert all(soft < hard for soft, hard in pairwise(at_60))
    assert all(sorted(cone.end_c.values()) == list(cone.end_c.values()) for cone in cones.table())


def test_the_chart_has_38_cones_and_leaves_out_what_orton_does_not_publish() -> None:
    assert len(cones.table()) == 38
    assert [cone.name for cone in cones.table() if 15.0 not in cone.end_c] == ["022", "021", "020"]


def test_an_unknown_cone_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'6a'"):
        cones.index_of("6a")
