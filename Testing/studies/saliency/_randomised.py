"""Models whose weights are drawn anew, all at once or from the top down (Adebayo et al. 2018)."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import torch
from torch import nn

from BrainAgeLib.model.network import VolumeNetwork
from BrainAgeLib.model.weights import Member
from Testing.studies.saliency._run import Run, brain_of, likeness

ALL = "everything, all members together"


def randomised(run: Run, number: int) -> dict:
    """Compare the map of one person with the maps of the models as more and more is random."""
    maps, own = run.main_maps(number), run.member(number)
    brain = brain_of(maps.acquired)
    found: dict[str, dict[str, float]] = {}
    with torch.random.fork_rng():
        torch.manual_seed(number)
        trained = run.map_of([own], maps, "network")[brain]
        for name, network in cascade(own["network"]):
            other = run.map_of([{"network": network}], maps, "network")
            found[f"network: {name}"] = likeness(trained, other[brain])
        trained = run.map_of([own], maps, "regional")[brain]
        shuffled = copy.deepcopy(own)
        _shuffle_shares(shuffled["regional"])
        found["experts: their shares"] = likeness(
            trained, run.map_of([shuffled], maps, "regional")[brain]
        )
        _draw_weights(shuffled["regional"])
        found["experts: and their weights"] = likeness(
            trained, run.map_of([shuffled], maps, "regional")[brain]
        )
        everybody = [randomised_member(member) for member in run.weights.members]
        trained = run.map_of(run.weights.members, maps)[brain]
        found[ALL] = likeness(trained, run.map_of(everybody, maps)[brain])
    return found


def cascade(trained: VolumeNetwork) -> Iterator[tuple[str, VolumeNetwork]]:
    """Yield the network with its last layer drawn anew, then also the one before, and so on."""
    network = copy.deepcopy(trained).eval()
    kinds = (nn.Linear, nn.Conv3d, nn.BatchNorm3d)
    layers = [(name, module) for name, module in network.named_modules() if type(module) in kinds]
    for name, module in reversed(layers):
        module.reset_parameters()
        if not isinstance(module, nn.BatchNorm3d):  # goes with the layer that it follows
            yield f"down to {name}", network


def randomised_member(trained: Member) -> Member:
    """Return a network as before its training, and experts with random weights and shares."""
    known = trained["network"]
    network = VolumeNetwork(known.settings).to(known.age_scale_years.device)
    for name in ("age_center_years", "age_scale_years"):
        getattr(network, name).copy_(getattr(known, name))
    regional = copy.deepcopy(trained["regional"])
    _shuffle_shares(regional)
    _draw_weights(regional)
    slices = copy.deepcopy(trained["slices"])
    _draw_weights(slices)
    return {"network": network.eval(), "regional": regional, "slices": slices}


def _shuffle_shares(regional: nn.Module) -> None:
    regional.shares.copy_(regional.shares[torch.randperm(len(regional.shares))])


def _draw_weights(model: nn.Module) -> None:
    """Draw experts' weights, as large as they were; places that none looks at stay empty."""
    weights = model.weights
    drawn = torch.randn(weights.shape).to(weights.device)
    weights.copy_(drawn * weights.std(1, keepdim=True) * (weights != 0))
