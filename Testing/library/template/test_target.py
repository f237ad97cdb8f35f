"""The template as a scan shows it: in the levels of one, and where brains lie in it."""

from __future__ import annotations

import torch

from BrainAgeLib.template.grid import GRID_HEIGHT, GRID_WIDTH, HEIGHT_COUNT
from BrainAgeLib.template.placed_scan import PlacedScan
from BrainAgeLib.template.registration import NOT_REGISTERED
from BrainAgeLib.template.scan_maps import volume_of_slices
from BrainAgeLib.template.target import brain_region, template_target


def test_the_template_has_the_levels_of_a_normalised_scan(thick_brain, template):
    placed = PlacedScan(thick_brain, thick_brain.voxels > 25, NOT_REGISTERED)
    volume = volume_of_slices(placed.slices(template, "cpu"))

    target = template_target("cpu")

    assert target.shape == volume.images.shape == (HEIGHT_COUNT, GRID_HEIGHT, GRID_WIDTH)
    both = (volume.images > 0) & (target > 0)
    alike = torch.corrcoef(torch.stack([volume.images[both], target[both]]))[0, 1]
    assert alike > 0.8
    assert (volume.images - target)[both].abs().median() < 0.07


def test_the_region_of_brains_is_the_templates_brain_and_its_edge():
    region, brain = brain_region("cpu"), template_target("cpu") > 0.2

    assert region[brain].all()
    assert 1.0 < float(region.sum() / brain.sum()) < 1.6
