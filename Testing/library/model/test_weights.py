"""Only the weights that the card names are used, and they come back as they went."""

from __future__ import annotations

import hashlib
import pickle
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load, save

from BrainAgeLib.errors import InstallationError
from BrainAgeLib.model.card import Blend, read_card
from BrainAgeLib.model.sides import TypicalSides, sides_of
from BrainAgeLib.model.weights import (
    FILE_NAME,
    KINDS,
    MEAN_MAPS,
    Weights,
    load_weights,
    pack_weights,
)
from BrainAgeLib.template.scan_maps import TemplateVolume
from BrainAgeLib.template.target import template_target
from Testing.library.model_folders import small_weights


@pytest.fixture(scope="module")
def card(small_model):
    """Return the card of a small model."""
    return read_card(small_model)


@pytest.fixture(scope="module")
def made():
    """Return the weights that the small model was made of."""
    return small_weights()


def card_of(card, content):
    """Return the card with the checksum of other weights."""
    return replace(card, sha256=hashlib.sha256(content).hexdigest())


@pytest.mark.parametrize("part", KINDS)
def test_weights_come_back_with_matrices_in_half_precision(small_model, card, made, part):
    weights = load_weights(small_model, card, "cpu")

    assert len(weights.members) == len(made.members) == 2
    for mine, other in zip(made.members, weights.members, strict=True):
        original, module = mine[part].state_dict(), other[part]
        assert not module.training
        assert original.keys() == module.state_dict().keys()
        for name, value in module.state_dict().items():
            if name.endswith("num_batches_tracked"):  # of training alone
                continue
            kept = original[name]
            if kept.is_floating_point() and kept.numel() > 1000:
                kept = kept.half().float()
            assert torch.allclose(value, kept, atol=1e-5), name  # the order of sums may differ
            assert value.dtype == original[name].dtype


def test_what_is_inverted_comes_back_whole(small_model, card, made):
    """Rounded to half precision, a matrix of experts that are much alike is another one."""
    for mine, other in zip(
        made.members, load_weights(small_model, card, "cpu").members, strict=True
    ):
        assert torch.equal(other["slices"].covariance, mine["slices"].covariance)


def test_experts_that_were_never_fitted_stay_finite(made):
    member = made.members[0]
    member["slices"].covariance[3, 3] = 1e6
    packed = load(pack_weights(Weights([member], made.mean_maps, made.typical)))
    member["slices"].covariance[3, 3] = 250.0

    assert packed["0.slices.covariance"][3, 3] == 1e6


def test_the_mean_brain_comes_back(small_model, card, made):
    found = load_weights(small_model, card, "cpu").mean_maps

    assert torch.equal(found, made.mean_maps.half().float())


def test_healthy_peoples_sides_come_back_and_need_not_be_there(small_model, card, made, tmp_path):
    assert load_weights(small_model, card, "cpu").sides is None

    sides = sides_of(TemplateVolume(template_target("cpu"), template_target("cpu") > -1))
    known = TypicalSides(sides, torch.full_like(sides[0], 0.25))
    content = pack_weights(replace(made, sides=known))
    (tmp_path / FILE_NAME).write_bytes(content)

    found = load_weights(tmp_path, card_of(card, content), "cpu").sides
    assert torch.equal(found.center, known.center.half().float())
    assert torch.equal(found.unit, known.unit)


def test_the_same_members_give_the_same_bytes(made):
    turned = Weights(made.members[::-1], made.mean_maps, made.typical)

    assert pack_weights(made) == pack_weights(small_weights())
    assert pack_weights(made) != pack_weights(turned)


@pytest.mark.parametrize("place", [0, 100, -1])
def test_one_flipped_bit_is_noticed(small_model, card, tmp_path, place):
    content = bytearray((small_model / FILE_NAME).read_bytes())
    content[place] ^= 1
    (tmp_path / FILE_NAME).write_bytes(content)

    with pytest.raises(InstallationError, match="are not those of the card") as caught:
        load_weights(tmp_path, card, "cpu")

    assert caught.value.hint == "install the model again, or train it again with this version"


def test_missing_weights_are_named(card, tmp_path):
    with pytest.raises(InstallationError, match=rf"{FILE_NAME} cannot be read"):
        load_weights(tmp_path, card, "cpu")


@pytest.mark.parametrize("kind", ["regional", "kernel"])
def test_weights_without_a_kind_of_the_card_do_not_fit(small_model, card, tmp_path, kind):
    tensors = load((small_model / FILE_NAME).read_bytes())
    content = save({name: t for name, t in tensors.items() if ".regional." not in name})
    (tmp_path / FILE_NAME).write_bytes(content)
    other = replace(card_of(card, content), blend=Blend({kind: 1.0}, {"slices": 1.0}))

    with pytest.raises(InstallationError, match="do not fit the card"):
        load_weights(tmp_path, other, "cpu")


def test_kinds_that_the_card_does_not_name_are_not_loaded(small_model, card):
    other = replace(card, blend=Blend({"network": 1.0}, {"slices": 1.0}))

    for member in load_weights(small_model, other, "cpu").members:
        assert list(member) == ["network", "slices"]


def test_fewer_members_than_the_card_says_do_not_fit(small_model, card):
    with pytest.raises(InstallationError, match="do not fit the card"):
        load_weights(small_model, replace(card, members=3), "cpu")


@pytest.mark.parametrize(
    "missing", [MEAN_MAPS, "0.regional.weights", "1.network.head.1.weight", "1.slices.covariance"]
)
def test_weights_that_lack_a_part_do_not_fit(small_model, card, tmp_path, missing):
    tensors = load((small_model / FILE_NAME).read_bytes())
    del tensors[missing]
    content = save(tensors)
    (tmp_path / FILE_NAME).write_bytes(content)

    with pytest.raises(InstallationError, match="do not fit the card"):
        load_weights(tmp_path, card_of(card, content), "cpu")


class Trap:
    """Sets a mark when it is unpickled."""

    sprung = False

    def __reduce__(self):
        return (setattr, (Trap, "sprung", True))


def test_a_pickle_is_never_run(card, tmp_path):
    content = pickle.dumps(Trap())
    (tmp_path / FILE_NAME).write_bytes(content)

    with pytest.raises(InstallationError, match="do not fit the card"):
        load_weights(tmp_path, card_of(card, content), "cpu")

    assert not Trap.sprung


def test_a_pytorch_checkpoint_is_never_run(card, tmp_path):
    torch.save({"0.trap": Trap()}, tmp_path / FILE_NAME)

    with pytest.raises(InstallationError, match="do not fit the card"):
        load_weights(tmp_path, card_of(card, (tmp_path / FILE_NAME).read_bytes()), "cpu")

    assert not Trap.sprung
