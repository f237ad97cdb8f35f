from dataclasses import replace

import pytest
import torch
from BrainAgeLib.model.tissue_maps import (
    HEIGHTS_MM,
    TissueNetwork,
    covers_the_brain,
    tissue_maps,
)

from BrainAgeLib.imaging.slices import GRID_HEIGHT, GRID_WIDTH, SliceSet, mirrored
from BrainAgeLib.model.predict import predict_age
from Testing.library.model_folders import MAP_VALUES, small_network, small_tissue_network

CSF, GREY_MATTER, WHITE_MATTER = range(3)


def flat_slices(heights_mm: list[float], level: float) -> SliceSet:
    """Return slices of one brightness at these heights."""
    images = torch.full((len(heights_mm), GRID_HEIGHT, GRID_WIDTH), level)
    planes = torch.tensor([[height, 0.0, 0.0] for height in heights_mm])
    return SliceSet(images, images.clone(), planes, torch.arange(len(heights_mm)))


def by_tissue(slices: SliceSet) -> torch.Tensor:
    """Return the maps as (tissue, height, cell)."""
    return tissue_maps(slices).reshape(3, len(HEIGHTS_MM), -1)


WHOLE = [float(height) for height in range(-66, 79, 6)]


@pytest.mark.parametrize(("level", "tissue"), [(0.1, CSF), (0.7, GREY_MATTER), (1.0, WHITE_MATTER)])
def test_brightness_tells_the_tissue(level, tissue):
    maps = by_tissue(flat_slices(WHOLE, level))

    assert torch.allclose(maps[tissue], torch.ones_like(maps[tissue]), atol=1e-5)
    assert torch.allclose(maps.sum(0), torch.ones_like(maps[0]), atol=1e-5)


def test_a_slice_counts_where_it_is():
    slices = flat_slices(WHOLE, 1.0)
    dark = WHOLE.index(12.0)
    slices.images[dark] = 0.0

    csf = by_tissue(slices)[CSF].mean(1)

    assert int(csf.argmax()) == min(
        range(len(HEIGHTS_MM)), key=lambda n: abs(HEIGHTS_MM[n] - WHOLE[dark])
    )
    assert csf[0] < 1e-3
    assert csf[-1] < 1e-3


def test_left_and_right_are_the_same():
    slices = flat_slices(WHOLE, 0.7)
    slices.images[:, :, : GRID_WIDTH // 2] = 1.0
    slices.planes[:, 1] = 0.1

    assert torch.allclose(tissue_maps(slices), tissue_maps(mirrored(slices)), atol=1e-5)


@pytest.mark.parametrize(
    ("heights_mm", "covered"),
    [
        (WHOLE, True),
        (WHOLE[10:], False),
        (WHOLE[:12], False),
        (WHOLE[:10] + WHOLE[13:], False),
        ([18.0], False),
    ],
)
def test_coverage(heights_mm, covered):
    assert covers_the_brain(flat_slices(heights_mm, 0.7)) == covered


def test_the_share_mixes_both_ages_only_where_the_brain_is_covered():
    network, tissue = small_network(1), small_tissue_network(1)
    slices = flat_slices(WHOLE, 0.8)
    alone = predict_age([network], slices).age_years
    other = float(tissue.age_years(tissue_maps(slices)[None]))

    mixed = predict_age([network], slices, [tissue], 0.25).age_years

    assert abs(alone - other) > 1
    assert mixed == pytest.approx(0.75 * alone + 0.25 * other, abs=1e-3)
    few = replace(slices, images=slices.images[:3], template=slices.template[:3])
    few = replace(few, planes=slices.planes[:3], source=slices.source[:3])
    assert predict_age([network], few, [tissue], 0.25) == predict_age([network], few)


def test_only_kept_values_count():
    kept = torch.zeros(MAP_VALUES, dtype=torch.bool)
    kept[:5] = True
    network = TissueNetwork(kept)
    maps = torch.rand(2, MAP_VALUES)
    changed = maps.clone()
    changed[:, 5:] += 1

    assert torch.equal(network.age_years(maps), network.age_years(changed))
    changed[:, 0] += 1
    assert not torch.equal(network.age_years(maps), network.age_years(changed))
