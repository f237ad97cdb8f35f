"""Where the age comes from: what each place adds to the age, compared with the mean brain.

The age is taken apart into places, whose sum is the age of the scan minus that of the mean brain of
the people the model was trained on. The regional models are sums over places as they are, but for
the experts' offsets, which have no place. The networks are taken apart by integrated gradients
(Sundararajan et al. 2017, arXiv 1703.01365) along the straight way from the mean brain to the scan.

Single places say little and are noisy; the map shows neighbourhoods. Its value at a place is by
how many years the age would change if the neighbourhood of about 2 cm there looked like that of
the mean brain: positive where the tissue makes the brain look older. Neighbourhoods overlap, so
the values of a map do not add up to the gap.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as functional

from BrainAgeLib.model.brain_maps import POOLED, region_cells, sided_maps
from BrainAgeLib.model.network import VolumeNetwork
from BrainAgeLib.model.predict import Member, ScanMaps, WholeBrain
from BrainAgeLib.model.regional_model import RegionalModel
from BrainAgeLib.model.slice_saliency import slices_saliency
from BrainAgeLib.template.alignment import resize_displacement, smooth, warp
from BrainAgeLib.template.grid import SPACING_MM
from BrainAgeLib.template.volume import TemplateVolume

# Of the integral, by the midpoint rule. Twelve steps change a map of 2 years by 0.04 at most.
WAY_STEPS = 4
NEIGHBOURHOOD_SIGMA_MM = 8.5  # a full width at half maximum of 20 mm
INVERSION_ROUNDS = 4

Advance = Callable[[float], None]


def saliency_map(
    members: Sequence[Member],
    maps: ScanMaps,
    network_share: float,
    mean_maps: torch.Tensor,
    advance: Advance | None = None,
) -> torch.Tensor:
    """Return the map of a scan (z, y, x) in years on the grid of ``template_volume``.

    ``mean_maps``: (3, z, y, x), the network's tissue maps of the mean brain. ``advance`` takes how
    much is done, 0-1. 0 where the scan shows nothing.
    """
    years = torch.zeros_like(maps.volume.images)
    for number, member in enumerate(members):
        if maps.whole is None:
            years += slices_saliency(member.slices, maps.slices)
        else:
            years += network_share * _of_network(member.network, maps.whole.network, mean_maps)
            years += (1 - network_share) * _of_regional_model(
                member.regional, maps.volume, maps.whole
            )
        if advance is not None:
            advance((number + 1) / len(members))
    return _neighbourhoods(years / len(members)) * maps.volume.seen


def _of_network(
    network: VolumeNetwork, maps: torch.Tensor, mean_maps: torch.Tensor
) -> torch.Tensor:
    """Return what each place (z, y, x) adds to the network's age."""
    seen = maps[:, 3:]
    start = torch.cat([mean_maps[None] * seen, seen], 1)
    shares = (torch.arange(WAY_STEPS, device=maps.device) + 0.5) / WAY_STEPS
    # All steps at once take half the time of one after the other.
    places = torch.lerp(start, maps, shares.view(-1, 1, 1, 1, 1))
    with torch.enable_grad():
        places = places.detach().requires_grad_(True)
        (gradients,) = torch.autograd.grad(network.age_years(places).sum(), places)
    return _spread_over_pixels(((maps - start)[0] * gradients.mean(0)).sum(0))


@torch.inference_mode()
def _of_regional_model(
    model: RegionalModel, volume: TemplateVolume, brain: WholeBrain
) -> torch.Tensor:
    """Return what each place (z, y, x) of the scan adds to the regional model's age."""
    weights = model.weights_of_scan(brain.regional[0])
    sides = sided_maps(volume.images[None], brain.fields)[:, 0]
    added = (0.5 * weights * (sides - model.center)).sum(1)
    cells = region_cells(str(added.device))
    halves = added.new_zeros((2, *cells.shape))
    halves[:, cells] = added
    whole = torch.cat([halves[0], halves[1].flip(-1)], -1)
    return _undo_alignment(_spread_over_pixels(whole), brain.fields)


def _spread_over_pixels(values: torch.Tensor) -> torch.Tensor:
    """Return pooled values (z, y, x) on the pixels that they stand for; the sum stays."""
    return functional.interpolate(values[None, None], scale_factor=(1, POOLED, POOLED))[
        0, 0
    ] / float(POOLED**2)


def _undo_alignment(values: torch.Tensor, fields: torch.Tensor) -> torch.Tensor:
    """Return values (z, y, x) at the places of the scan from those of the template."""
    forward = resize_displacement(fields, tuple(values.shape))
    backward = -forward
    for _ in range(INVERSION_ROUNDS):
        backward = -warp(forward, backward)
    return warp(values[None, None], backward)[0, 0]


def _neighbourhoods(values: torch.Tensor) -> torch.Tensor:
    """Return the sum over the neighbourhood of each place, with a Gaussian's soft edge."""
    sigmas = [NEIGHBOURHOOD_SIGMA_MM / spacing for spacing in SPACING_MM]
    places = float((2 * torch.pi) ** 1.5 * torch.tensor(sigmas).prod())
    return smooth(values, sigmas) * places
