"""Brains with a lesion of a known place, and models of which is known what they look at."""

from __future__ import annotations

from dataclasses import replace

import torch

from BrainAgeLib.model.brain_maps import network_maps, regional_maps
from BrainAgeLib.model.network import VolumeNetwork
from BrainAgeLib.model.regional import RegionalModel, experts
from BrainAgeLib.model.slices import SliceModel
from BrainAgeLib.model.weights import Member
from BrainAgeLib.template.alignment import LEVELS, aligned
from BrainAgeLib.template.scan_maps import ScanMaps, TemplateVolume
from BrainAgeLib.template.slice_alignment import template_planes
from BrainAgeLib.template.slices import SliceSet
from BrainAgeLib.training.simulate import as_slices
from Testing.library.model_folders import SMALL_NETWORK
from Testing.library.stored_scans import stored_scan

LEFT = (slice(17, 23), slice(24, 32), slice(42, 50))  # z, y, x; x grows to the left
BOX = 2  # the expert whose box holds this place of either side
RIGHT = (*LEFT[:2], slice(10, 18))


def scan_of(images, fields=None, seen=None):
    """Return what the models see of a volume; ``fields``: its alignment, none by default."""
    seen = torch.ones_like(images, dtype=torch.bool) if seen is None else seen
    volume = TemplateVolume(images * seen, seen)
    fields = torch.zeros(1, 3, *LEVELS[-1].shape) if fields is None else fields
    # Of a whole brain nobody looks at the slices themselves.
    slices = as_slices(stored_scan(1), "cpu")
    return ScanMaps(slices, volume, volume, True, aligned(volume.images[None], fields))


def with_lesion(target, where=LEFT, level=0.1):
    """Return the template with other tissue at one place."""
    images = target.clone()
    images[where] = level
    return images


class MoreFluidIsOlder(VolumeNetwork):
    """Its age is that of the fluid in view, a year for so many pixels."""

    def __init__(self):
        super().__init__(SMALL_NETWORK)

    def ages_years(self, maps):
        return 50.0 + 0.05 * maps[:, 0].sum((1, 2, 3))


def fluid_regional_model(target):
    """Return a regional model that is older where a box on both sides has more fluid."""
    model = RegionalModel(1)
    model.numbers[0] = BOX
    nothing_moves = torch.zeros(1, 3, *LEVELS[-1].shape)
    model.center.copy_(regional_maps(aligned(target[None], nothing_moves))[0])
    cells = len(experts()[BOX].cells)
    assert experts()[BOX].channels == slice(0, 3)
    model.weights[0, :cells] = 0.1  # of its three tissues, fluid comes first
    model.shares.fill_(1.0)
    model.inverse_size.fill_(1e-5)
    model.mean_age_years.fill_(50.0)
    return model


def fluid_member(mean: torch.Tensor) -> Member:
    """Return a member that is older the more fluid it sees than the mean brain has."""
    regional = fluid_regional_model(mean)
    return {"network": MoreFluidIsOlder(), "regional": regional, "slices": SliceModel()}


def maps_of_mean(brain):
    """Return the network's tissue maps of a mean brain."""
    return network_maps(TemplateVolume(brain, torch.ones_like(brain, dtype=torch.bool)))[:3]


def slices_at(heights_mm, seed=1, slope_y=0.0):
    """Return slices of noise at these heights in the middle of the brain."""
    generator = torch.Generator().manual_seed(seed)
    planes = torch.tensor([[height - 18.0 * slope_y, 0.0, slope_y] for height in heights_mm])
    images = torch.rand(len(planes), 76, 60, generator=generator)
    return SliceSet(images, images * 0, planes)


def template_slices(heights_mm, slope_y=0.0):
    """Return slices of the template at these heights, as it was: alignment moves them little."""
    slices = slices_at(heights_mm, slope_y=slope_y)
    return replace(slices, images=template_planes(slices.planes), is_harmonised=True)
