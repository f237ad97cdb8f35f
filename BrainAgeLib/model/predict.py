"""The ensemble's raw age for one set of slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from BrainAgeLib.imaging.slices import SliceSet, mirrored
from BrainAgeLib.model.network import SliceSetNetwork


@dataclass(frozen=True)
class RawAge:
    """What the ensemble says of one scan, in years.

    ``spread_years`` is the standard deviation of the mixture of all members' distributions, which
    holds what each member leaves open and what they disagree about. ``members_years``: the age by
    each member.
    """

    age_years: float
    spread_years: float
    members_years: tuple[float, ...]


@torch.inference_mode()
def predict_age(networks: Sequence[SliceSetNetwork], slices: SliceSet) -> RawAge:
    """Return the raw age: the mean over members and over the scan and its mirror image.

    Raises ValueError for an empty set of slices.
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
    age = mixture @ bins
    variance = mixture @ (bins - age) ** 2
    return RawAge(float(age), float(variance.sqrt()), tuple(ages.tolist()))


def log_probabilities(network: SliceSetNetwork, slices: SliceSet) -> torch.Tensor:
    """Return one network's log probabilities (1, bin) for a set of slices."""
    present = torch.ones((1, len(slices)), dtype=torch.bool, device=slices.images.device)
    return network(slices.images[None], slices.template[None], slices.planes[None], present)
