"""Only the weights that the card names are used, and they come back as they went."""

from __future__ import annotations

import hashlib
import pickle
from dataclasses import replace

import pytest
import torch

from BrainAgeLib.errors import InstallationError
from BrainAgeLib.model.card import read_card
from BrainAgeLib.model.network import NetworkSettings
from BrainAgeLib.model.weights import FILE_NAME, load_weights, pack_weights
from Testing.library.model_folders import small_network, small_tissue_network


@pytest.fixture(scope="module")
def card(small_model):
    """Return the card of a small model."""
    return read_card(small_model)


def card_of(card, content):
    """Return the card with the checksum of other weights."""
    return replace(card, sha256=hashlib.sha256(content).hexdigest())


def test_weights_come_back_in_half_precision(small_model, card):
    weights = load_weights(small_model, card, "cpu")

    assert len(weights.networks) == len(weights.tissues) == 2
    both = [
        *zip(map(small_network, (1, 2)), weights.networks, strict=True),
        *zip(map(small_tissue_network, (1, 2)), weights.tissues, strict=True),
    ]
    for made, network in both:
        original = made.state_dict()
        assert not network.training
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                assert torch.equal(value, original[name].half().float()), name


def test_the_same_networks_give_the_same_bytes():
    one, other = (pack_weights([small_network(1), small_network(2)]) for _ in range(2))

    assert one == other
    assert one != pack_weights([small_network(2), small_network(1)])


@pytest.mark.parametrize("place", [0, 100, -1])
def test_one_flipped_bit_is_noticed(small_model, card, tmp_path, place):
    content = bytearray((small_model / FILE_NAME).read_bytes())
    content[place] ^= 1
    (tmp_path / FILE_NAME).write_bytes(content)

    with pytest.raises(InstallationError, match="are not those of the card") as caught:
        load_weights(tmp_path, card, "cpu")

    assert caught.value.hint == "install the model again"


def test_missing_weights_are_named(card, tmp_path):
    with pytest.raises(InstallationError, match=rf"{FILE_NAME} cannot be read"):
        load_weights(tmp_path, card, "cpu")


@pytest.mark.parametrize(
    "settings",
    [
        NetworkSettings(widths=(4, 8, 8, 16), heads=2),
        NetworkSettings(widths=(4, 8, 8), heads=2),
        NetworkSettings(widths=(4,), heads=2),
        NetworkSettings(widths=(4, 8, 8, 8), heads=2, bins=21),
        NetworkSettings(widths=(4, 8, 8, 8), heads=3),
        NetworkSettings(widths=(4, 8, 8, 8), heads=0),
    ],
)
def test_weights_of_another_network_do_not_fit(small_model, card, settings):
    with pytest.raises(InstallationError, match="do not fit the card"):
        load_weights(small_model, replace(card, network=settings), "cpu")


def test_fewer_networks_than_the_card_says_do_not_fit(small_model, card):
    with pytest.raises(InstallationError, match="do not fit the card"):
        load_weights(small_model, replace(card, networks=3), "cpu")


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
