"""The age is a sum over places, and what is unlike anybody's pulls it nowhere."""

from __future__ import annotations

import pytest
import torch

from BrainAgeLib.model.brain_maps import CHANNELS, GROUPS, region_cells
from BrainAgeLib.model.regional import (
    BOXES,
    DAMPING,
    LEAST_CELLS,
    RegionalModel,
    experts,
)
from Testing.library.model_folders import EXPERTS, small_regional_model

CELLS = int(region_cells("cpu").sum())


@pytest.fixture(scope="module")
def model():
    """Return a model of four experts."""
    return small_regional_model(1)


def maps_of(seed, count=1, spread=0.3):
    """Return regional maps of noise around the model's center."""
    generator = torch.Generator().manual_seed(seed)
    return 0.3 + spread * (torch.rand(count, CHANNELS, CELLS, generator=generator) - 0.5)


def damped_offsets(model, maps):
    """Return what the experts' offsets add to the age of one scan."""
    total = 0.0
    for number in range(len(model.shares)):
        size = model.values(number, maps - model.center).square().sum() * model.inverse_size[number]
        total += float(model.shares[number] * model.offsets[number] * torch.exp(-DAMPING * size))
    return total


def test_experts_look_at_boxes_that_tile_the_brain():
    everyone = experts()

    assert {expert.channels.start for expert in everyone} == {g.start for g in GROUPS}
    assert all(len(expert.cells) >= LEAST_CELLS for expert in everyone)
    for group in GROUPS:
        looked_at = torch.zeros(CELLS)
        for expert in everyone:
            if expert.channels == group:
                looked_at[expert.cells] += 1
        # Once for each size of box; small rests of boxes are left out.
        assert looked_at.max() == len(BOXES)
        assert (looked_at == len(BOXES)).float().mean() > 0.98


def test_experts_keep_their_order():
    one = experts()
    experts.cache_clear()
    other = experts()

    assert all(torch.equal(a.cells, b.cells) for a, b in zip(one, other, strict=True))
    assert [a.channels for a in one] == [b.channels for b in other]


def test_the_brain_that_everybody_has_on_average_has_the_mean_age(model):
    age = float(model(model.center[None]))

    assert age == pytest.approx(50.0 + float((model.shares * model.offsets).sum()), abs=1e-4)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_weights_of_a_scan_add_up_to_its_age(model, seed):
    maps = maps_of(seed)
    weights = model.weights_of_scan(maps[0])

    total = (weights.double() * (maps[0] - model.center).double()).sum()

    age = float(model(maps))
    assert abs(float(total)) > 0.05
    assert age == pytest.approx(50.0 + float(total) + damped_offsets(model, maps), abs=1e-3)


def test_weights_lie_where_the_kept_experts_look(model):
    weights = model.weights_of_scan(maps_of(1)[0])

    looked_at = torch.zeros(CHANNELS, CELLS, dtype=torch.bool)
    everyone = experts()
    for number in EXPERTS:
        channels = list(range(CHANNELS))[everyone[number].channels]
        for channel in channels:
            looked_at[channel, everyone[number].cells] = True
    assert torch.equal(weights != 0, looked_at)


def test_a_scan_has_the_same_age_in_any_company(model):
    maps = maps_of(3, count=3)

    together = model(maps)

    alone = [float(model(maps[n : n + 1])) for n in range(3)]
    assert together.tolist() == pytest.approx(alone, abs=1e-4)
    assert len(set(alone)) == 3


def test_what_is_unlike_anybody_pulls_towards_the_mean_age(model):
    direction = maps_of(1) - model.center

    gaps = [
        abs(float(model(model.center + size * direction)) - float(model(model.center[None])))
        for size in (1.0, 300.0)
    ]

    # With few outliers the age moves on; with many it comes back, and never runs away.
    assert gaps[0] > 0
    assert abs(float(model(model.center + 300.0 * direction)) - 50.0) < 1e-3


def test_an_expert_without_a_share_says_nothing(model):
    silent = small_regional_model(1)
    silent.shares[2] = 0.0
    maps, changed = maps_of(1), maps_of(1)
    changed[:, GROUPS[2]] += 0.2  # only the third expert looks at stretching
    assert [experts()[n].channels for n in EXPERTS].count(GROUPS[2]) == 1

    assert torch.equal(silent(maps), silent(changed))
    assert not torch.equal(model(maps), model(changed))


def test_a_model_of_no_experts_says_the_mean_age():
    model = RegionalModel(0)
    model.mean_age_years.fill_(47.0)

    assert model(maps_of(1, count=2)).tolist() == [47.0, 47.0]


def test_a_model_is_put_together_as_it_was_taken_apart(model):
    packed = model.packed()

    other = RegionalModel.unpacked(packed)

    assert packed["weights"].shape == (model.parameter_count,)  # without what pads short rows
    assert torch.equal(other(maps_of(1)), model(maps_of(1)))
    assert not other.training


@pytest.mark.parametrize("count", [1, 500])
def test_weights_of_other_experts_are_refused(model, count):
    packed = model.packed() | {"shares": torch.ones(count)}

    with pytest.raises((RuntimeError, ValueError)):
        RegionalModel.unpacked(packed)
