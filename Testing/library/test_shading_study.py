"""The study of shading changes scans by what it says, and counts what came of it."""

from __future__ import annotations

import numpy as np
import pytest

from BrainAgeLib.scan.geometry import Volume
from Testing.studies.network.shading import AS_IT_IS, changed, depth_mm, summary


@pytest.fixture(scope="module")
def ball():
    """Return a bright ball of 60 mm radius in slices of 6 mm."""
    k, j, i = np.indices((24, 70, 70))
    distance_mm = np.sqrt(
        (6.0 * (k - 11.5)) ** 2 + (2.0 * (j - 34.5)) ** 2 + (2.0 * (i - 34.5)) ** 2
    )
    return Volume(
        np.where(distance_mm < 60, 100.0, 0.0).astype(np.float32), np.diag([2.0, 2.0, 6.0, 1.0])
    )


def test_depth_is_counted_in_mm_from_the_surface(ball):
    depth = depth_mm(ball, 50.0)

    assert float(depth[ball.voxels == 0].max()) < 3.0
    # Counted from the middle of the outermost voxels, which are 6 mm high.
    assert 48.0 < float(depth.max()) <= 60.0


def test_changes_are_those_that_are_named(ball):
    scans = dict(changed(ball))

    assert np.array_equal(scans[AS_IT_IS], ball.voxels)
    for name, times in (("edge twice as bright", 2), ("edge three times as bright", 3)):
        assert float(scans[name].max()) == pytest.approx(100.0 * times, rel=0.1)
        assert float(scans[name][12, 34, 34]) == pytest.approx(100.0, rel=0.01)
    assert float(scans["waves of 15 %"].max()) == pytest.approx(115.0, rel=0.02)
    inside = ball.voxels > 0
    assert float(scans["gamma 0.7"][inside].std()) == pytest.approx(0.0, abs=1e-3)
    assert float(scans["noise of 8 %"][inside].std()) == pytest.approx(8.0, rel=0.1)
    assert not scans["noise of 8 %"][~inside].any()
    assert float(scans["blurred by 1.2 mm"][inside].min()) < 90.0
    assert not scans["blurred by 1.2 mm"][~inside].any()


def test_the_table_says_how_far_ages_moved_and_leaves_out_who_has_none():
    rows = [
        {"person": person, "strip": "head", "what": what, "age": age, "verdict": "pass"}
        for person, ages in {"a": ("30", "33"), "b": ("40", "41"), "c": ("50", "")}.items()
        for what, age in zip((AS_IT_IS, "edge twice as bright"), ages, strict=True)
    ]

    text = summary(rows)

    assert "head, 3 people: years" in text
    assert "| as it is | +0.0 | 0.0 | +0.0 | 3 of 3 |" in text
    assert "| edge twice as bright | +2.0 | 1.4 | +3.0 | 2 of 2 |" in text
