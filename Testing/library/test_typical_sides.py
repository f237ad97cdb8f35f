"""A model that was trained before learns what healthy people's sides are, and nothing else."""

from __future__ import annotations

import torch

from BrainAgeLib.model.ensemble import load_ensemble
from BrainAgeLib.training.stored_maps import write_maps
from Testing.library.model_folders import write_small_model
from Testing.library.stored_scans import quick_alignment, stored_scan
from Testing.makers.typical_sides import put_into


def test_a_model_learns_healthy_sides_and_keeps_its_members(tmp_path):
    folder = write_small_model(tmp_path)
    before = load_ensemble(str(folder))
    members = before.weights("cpu").members
    with quick_alignment():
        write_maps(tmp_path / "sub-01_maps.npz", [stored_scan(21, seed=1)])

    assert put_into(folder, [tmp_path / "sub-01_maps.npz"]) == 1

    after = load_ensemble(str(folder))
    assert after.card.sha256 != before.card.sha256
    assert before.weights("cpu").sides is None
    assert after.weights("cpu").sides is not None
    for mine, other in zip(members, after.weights("cpu").members, strict=True):
        for kind, model in mine.items():
            values = other[kind].state_dict()
            assert all(torch.equal(v, values[n]) for n, v in model.state_dict().items()), kind
