"""The ensemble's raw age for one set of slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from BrainAgeLib.imaging.slices import SliceSet, mirrored
from BrainAgeLib.model.network import SliceSetNetwork
from BrainAgeLib.model.tissue_maps import TissueNetwork, covers_the_brain, tissue_maps


@dataclass(frozen=True)
class RawAge:
    """What the ensemble says of one scan, in years.

    ``spread_years`` is the standard deviation of the mixture of the networks' distributions, which
    holds what each leaves open and what they disagree about. ``members_years``: the age by each
    member.
    """

    age_years: float
    spread_years: float
    members_years: tuple[float, ...]


@torch.inference_mode()
def predict_age(
    networks: Sequence[SliceSetNetwork],
    slices: SliceSet,
    tissues: Sequence[TissueNetwork] = (),
    tissue_share: float = 0.0,
) -> RawAge:
    """Return the raw age: the mean over members and over the scan and its mirror image.

    Each member is a network of slices and, with a share of ``tissue_share`` in the member's age,
    its tissue network, where the slices cover the brain. Raises ValueError for an empty set.
    """
    if len(slices) == 0:
        raise ValueError("there is no slice to predict from")
    members = []
    for network in networks:
        views = [log_probabilities(network, view) for view in (slices, mirrored(slices))]
        members.append(torch.cat(views).exp().mean(0))
    distributions = torch.stack(members).double().cpu()
    bins = networks[0].bin_ages_years.double().cpu()
    ages = distributions @ bins
    mixture = distributions.mean(0)
    mean = mixture @ bins
    variance = mixture @ (bins - mean) ** 2
    if tissues and covers_the_brain(slices):
        maps = tissue_maps(slices)[None]
        others = torch.cat([tissue.age_years(maps) for tissue in tissues]).double().cpu()
        ages = (1 - tissue_share) * ages + tissue_share * others
    return RawAge(float(ages.mean()), float(variance.sqrt()), tuple(ages.tolist()))


def log_probabilities(network: SliceSetNetwork, slices: SliceSet) -> torch.Tensor:
    """Return one network's log probabilities (1, bin) for a set of slices."""
    present = torch.ones((1, len(slices)), dtype=torch.bool, device=slices.images.device)
    return network(slices.images[None], slices.template[None], slices.planes[None], present)
