"""What the models see of a scan: aligned where its slices cover the brain, worked out once."""

from __future__ import annotations

import pytest
import torch

from BrainAgeLib.template.harmonisation import harmonised
from BrainAgeLib.template.scan_maps import (
    LARGEST_HOLE_MM,
    covers_the_brain,
    maps_of_scan,
    volume_of_slices,
)
from BrainAgeLib.template.slices import SliceSet

pytestmark = pytest.mark.usefixtures("aligned_quickly")


def mean_level(maps):
    """Return something that a model may read in a scan."""
    return maps.volume.images.mean()[None]


def test_slices_that_cover_the_brain_are_aligned(noise_maps):
    assert noise_maps.covers_brain
    assert noise_maps.aligned.levels.shape == (1, *noise_maps.volume.images.shape)
    assert noise_maps.aligned.log_stretch.shape == (1, *noise_maps.volume.images.shape)
    assert noise_maps.aligned.displacement.shape[:2] == (1, 3)


def test_few_slices_are_not(noise_slices):
    few = SliceSet(noise_slices.images[:5], noise_slices.template[:5], noise_slices.planes[:5])

    maps = maps_of_scan(few)

    assert not maps.covers_brain
    assert maps.aligned is None


def test_maps_go_to_a_device_as_they_are(noise_slices):
    maps = maps_of_scan(noise_slices)
    worked_out = maps.features(mean_level)

    moved = maps.to("meta")

    assert moved.features(mean_level).device.type == "meta"
    assert moved.aligned.levels.device.type == moved.volume.seen.device.type == "meta"
    assert moved.slices.images.device.type == moved.acquired.images.device.type == "meta"
    assert moved.covers_brain
    assert maps.to("cpu") is maps
    assert maps.features(mean_level) is worked_out


def test_the_volume_is_harmonised_and_what_was_acquired_stays(noise_slices):
    maps = maps_of_scan(noise_slices)

    assert maps.slices is noise_slices
    assert torch.equal(maps.acquired.images, volume_of_slices(noise_slices).images)
    assert torch.equal(maps.volume.images, volume_of_slices(harmonised(noise_slices)).images)
    assert torch.equal(maps.volume.seen, maps.acquired.seen)


def test_what_is_read_in_a_scan_is_worked_out_once(noise_slices):
    maps, asked = maps_of_scan(noise_slices), []

    def features(_maps):
        asked.append(1)
        return torch.zeros(1)

    assert maps.features(features) is maps.features(features)
    assert asked == [1]


def test_no_slice_has_no_maps(noise_slices):
    with pytest.raises(ValueError, match="no slice"):
        maps_of_scan(
            SliceSet(noise_slices.images[:0], noise_slices.template[:0], noise_slices.planes[:0])
        )


def slices_at(heights, slope_y=0.0):
    """Return slices at these heights in the middle of the brain."""
    planes = torch.tensor([[height - 18.0 * slope_y, 0.0, slope_y] for height in heights])
    images = torch.zeros(len(heights), 76, 60)
    return SliceSet(images, images, planes)


WHOLE = [-40.0 + 6.0 * n for n in range(18)]  # up to 62 mm


@pytest.mark.parametrize(
    ("heights", "covers"),
    [
        (WHOLE, True),
        (WHOLE[::-1], True),
        ([-40.0 + 12.0 * n for n in range(10)], True),
        ([*WHOLE[:5], *WHOLE[6:]], True),  # one slice is missing
        ([*WHOLE[:5], *WHOLE[7:]], False),  # two are
        (WHOLE[1:], False),
        (WHOLE[:-1], False),
        ([20.0], False),
        ([-40.0, 62.0], False),
        ([-40.0 + LARGEST_HOLE_MM * n for n in range(9)], True),
    ],
)
@pytest.mark.parametrize("slope_y", [0.0, 0.2])
def test_slices_cover_the_brain_when_they_leave_no_hole_in_it(heights, covers, slope_y):
    assert covers_the_brain(slices_at(heights, slope_y)) == covers
