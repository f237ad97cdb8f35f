from dataclasses import replace

import pytest
import torch
from BrainAgeLib.model.blobs import place_blobs
from BrainAgeLib.model.tissue_maps import tissue_maps
from BrainAgeLib.model.tissue_saliency import tissue_effects_years

from BrainAgeLib.imaging.slices import GRID_HEIGHT, GRID_WIDTH, SliceSet
from BrainAgeLib.model.saliency import occlusion_map, template_as_image
from Testing.library.model_folders import small_network, small_tissue_network


@pytest.fixture
def slices() -> SliceSet:
    """Return slices of smooth noise that cover the brain."""
    generator = torch.Generator().manual_seed(4)
    heights = torch.arange(-66.0, 79.0, 6.0)
    coarse = torch.rand(2, len(heights), 10, 8, generator=generator)
    images, template = torch.nn.functional.interpolate(coarse, (GRID_HEIGHT, GRID_WIDTH))
    planes = torch.stack([heights, torch.full_like(heights, 0.1), 0 * heights], 1)
    return SliceSet(1.2 * images, template, planes, torch.arange(len(heights)))


@torch.inference_mode()
def test_effects_are_those_of_asking_again_with_the_blob_replaced(slices):
    network, expected = small_tissue_network(1), template_as_image(slices)
    blobs = place_blobs(slices.images > 0, slices.planes, 26.0, (0.0, 0.0))
    effects = tissue_effects_years(network, slices, expected, blobs)
    before = network.age_years(tissue_maps(slices)[None])
    pairs = torch.nonzero((blobs.touched[:, None] & blobs.reach).any(2))[::40]

    assert len(pairs) >= 5
    assert effects.abs().max() > 0.01
    for column, blob in pairs.tolist():
        images = slices.images.clone()
        for one in torch.nonzero(blobs.reach[blob] & blobs.touched[column])[:, 0]:
            images[one] = torch.lerp(images[one], expected[one], blobs.profiles[column])
        after = network.age_years(tissue_maps(replace(slices, images=images))[None])
        assert float(effects[column, blob]) == pytest.approx(float(before - after), abs=1e-3)


def test_the_map_is_of_both_kinds_of_networks_together(slices):
    network, tissue = small_network(1), small_tissue_network(1)
    alone = occlusion_map([network], slices)
    other = occlusion_map([network], slices, None, [tissue], 1.0)

    mixed = occlusion_map([network], slices, None, [tissue], 0.25)

    assert (alone - other).abs().max() > 1e-3
    assert torch.allclose(mixed, 0.75 * alone + 0.25 * other, atol=1e-4)
