"""The saliency map says, in years and with the right sign, where the age comes from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from BrainAgeLib.imaging.intensity import PRIOR_THRESHOLD
from BrainAgeLib.imaging.placed_scan import PlacedScan
from BrainAgeLib.imaging.registration import NOT_REGISTERED
from BrainAgeLib.imaging.slices import (
    GRID_FIRST_XY_MM,
    GRID_HEIGHT,
    GRID_SPACING_MM,
    GRID_WIDTH,
    SliceSet,
    heights_mm,
)
from BrainAgeLib.model import saliency
from BrainAgeLib.model.predict import log_probabilities
from BrainAgeLib.model.saliency import (
    TEMPLATE_GREY_MATTER,
    TEMPLATE_WHITE_MATTER,
    occlusion_map,
    template_as_image,
)
from Testing.library.model_folders import small_network

BOX_CENTER_MM = (-32.0, 10.0, 14.0)
BOX_HALF_MM = 9.0


def box_of(planes):
    """Return which pixels (..., slice, y, x) of slices lie in the box."""
    x = torch.arange(GRID_WIDTH) * GRID_SPACING_MM + GRID_FIRST_XY_MM[0]
    y = (torch.arange(GRID_HEIGHT) * GRID_SPACING_MM + GRID_FIRST_XY_MM[1])[:, None]
    z = heights_mm(planes)
    center = BOX_CENTER_MM
    return (
        ((x - center[0]).abs() < BOX_HALF_MM)
        & ((y - center[1]).abs() < BOX_HALF_MM)
        & ((z - center[2]).abs() < BOX_HALF_MM)
    )


class BoxNetwork:
    """Its age falls by 10 years when the brightness of the box rises by 1, and knows no more."""

    def __init__(self, slices):
        self.pixels = float(box_of(slices.planes).sum())

    def encode(self, images, template, planes):
        return (images * box_of(planes)).sum((2, 3))[..., None] / self.pixels

    def pool(self, tokens, present):
        assert present.all()
        return tokens.sum(1)

    def age_years(self, log_probabilities):
        return 50.0 - 10.0 * log_probabilities[:, 0]


class CountingNetwork(BoxNetwork):
    """It only counts the slices that it is shown."""

    def __init__(self):
        self.encoded = 0

    def encode(self, images, template, planes):
        self.encoded += images.shape[0] * images.shape[1]
        return images[..., :1, 0]


@pytest.fixture(scope="module")
def whole_scan(template, thick_brain):
    """Return the template's brain as the slices of a routine scan."""
    placed = PlacedScan(thick_brain, thick_brain.voxels > 25, NOT_REGISTERED)
    return placed.slices(template, "cpu")


@pytest.fixture(scope="module")
def slices(whole_scan):
    """Return the slices near the box."""
    near = (whole_scan.planes[:, 0] - BOX_CENTER_MM[2]).abs() < 40.0
    return chosen(whole_scan, near)


@pytest.fixture
def small_budget(monkeypatch):
    """Ask about fewer places, to be done sooner."""
    monkeypatch.setattr(saliency, "SLICES_TO_ENCODE", 300)


def chosen(slices, which):
    """Return some of the slices."""
    parts = (slices.images, slices.template, slices.planes, slices.source)
    return SliceSet(*(part[which] for part in parts))


def with_box_at(slices, level):
    """Return the template's brain with another brightness in the box."""
    box = box_of(slices.planes)
    return replace(slices, images=torch.where(box, level, template_as_image(slices)))


@pytest.mark.parametrize(("level", "sign"), [(0.0, 1.0), (1.4, -1.0)])
@pytest.mark.usefixtures("small_budget")
def test_a_planted_effect_is_found_in_its_place_with_its_sign(slices, level, sign):
    planted = with_box_at(slices, level)
    network = BoxNetwork(planted)

    years = sign * occlusion_map([network, network], planted)

    box = box_of(slices.planes)
    peak = torch.unravel_index(years.argmax(), years.shape)
    assert box[peak]
    # A blob covers the box only in part: its edges are soft.
    whole = 10.0 * float((planted.images - template_as_image(slices))[box].abs().mean())
    assert 0.25 * whole < years[peak] < whole
    assert years.min() >= -1e-4
    far = (heights_mm(slices.planes) - BOX_CENTER_MM[2]).abs() > BOX_HALF_MM + 24.0
    assert years[far].abs().max() < 1e-4


@pytest.mark.usefixtures("small_budget")
def test_a_brain_like_the_template_has_nothing_to_tell(slices):
    average = replace(slices, images=template_as_image(slices))

    years = occlusion_map([small_network(1)], average)

    assert years.abs().max() < 1e-4


@pytest.mark.usefixtures("small_budget")
def test_tissue_that_was_lost_counts(slices):
    """A place where a scan has nothing but the template has tissue is asked about."""
    planted = with_box_at(slices, 0.0)
    hollow = box_of(slices.planes).any(0)
    hollow = replace(planted, images=planted.images.masked_fill(hollow, 0.0))

    assert occlusion_map([BoxNetwork(hollow)], hollow).max() > 1.0


def test_the_template_looks_like_a_scan_of_it(slices):
    difference = (slices.images - template_as_image(slices)).abs()

    assert difference[slices.images > 0].mean() < 0.05


def test_levels_of_the_template(template):
    t1 = template.t1.voxels / 255.0

    grey = np.median(t1[template.grey_matter.voxels > PRIOR_THRESHOLD])
    white = np.median(t1[template.white_matter.voxels > PRIOR_THRESHOLD])

    assert grey == pytest.approx(TEMPLATE_GREY_MATTER, abs=0.001)
    assert white == pytest.approx(TEMPLATE_WHITE_MATTER, abs=0.001)


@pytest.mark.usefixtures("small_budget")
def test_other_weights_give_another_map(slices):
    inside = slices.images > 0
    one, other = (occlusion_map([small_network(n)], slices)[inside] for n in (1, 2))

    assert one.abs().max() > 0
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.9


@pytest.mark.usefixtures("small_budget")
def test_the_same_scan_gives_the_same_map(slices):
    networks = [small_network(1), small_network(2)]

    assert torch.equal(occlusion_map(networks, slices), occlusion_map(networks, slices))


@pytest.mark.parametrize("count", [1, 5])
def test_the_cost_does_not_depend_on_the_number_of_networks(whole_scan, count):
    networks = [CountingNetwork() for _ in range(count)]

    occlusion_map(networks, whole_scan)

    encoded = sum(network.encoded for network in networks)
    assert 1.0 < encoded / saliency.SLICES_TO_ENCODE < 1.3


@pytest.mark.usefixtures("small_budget")
def test_a_single_slice_has_a_map(slices):
    middle = len(slices) // 2
    one = chosen(slices, [middle])

    years = occlusion_map([small_network(1)], one)

    assert years.shape == (1, GRID_HEIGHT, GRID_WIDTH)
    assert years.isfinite().all()
    assert years.abs().max() > 0


@pytest.mark.usefixtures("small_budget")
def test_progress_rises_to_the_whole(slices):
    shares = []

    occlusion_map([small_network(1), small_network(2)], slices, shares.append)

    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert len(shares) > 4


@torch.inference_mode()
def test_the_network_predicts_through_the_same_two_steps(slices):
    network = small_network(1)
    present = torch.ones((1, len(slices)), dtype=torch.bool)

    tokens = network.encode(slices.images[None], slices.template[None], slices.planes[None])

    assert torch.equal(network.pool(tokens, present), log_probabilities(network, slices))
