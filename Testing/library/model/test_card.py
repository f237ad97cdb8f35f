"""A card is read whole or refused in words."""

from __future__ import annotations

import copy
import json
from dataclasses import asdict

import pytest

from BrainAgeLib.errors import InputError, InstallationError
from BrainAgeLib.model.card import card_from_dict, read_card
from BrainAgeLib.training.interval_classes import CLASSES
from Testing.library.model_folders import NETWORK_SHARE, PEOPLE, SMALL_NETWORK


@pytest.fixture(scope="module")
def text(small_model):
    """Return the content of a whole card."""
    return json.loads((small_model / "card.json").read_text("utf-8"))


def test_a_whole_card(small_model, text):
    card = read_card(small_model)

    assert (card.name, card.version, card.sha256) == ("small", "4", text["sha256"])
    assert card.members == 2
    assert card.network == SMALL_NETWORK
    assert card.network_share == NETWORK_SHARE
    assert card.age_range_years == (20.0, 88.0)
    assert card.interval_level == 0.9
    assert card.default_correction == "de-lange-cole"
    assert [entry.name for entry in card.classes] == [name for name, *_ in CLASSES]
    assert len(card.reference.ages_years) == len(card.reference.predicted_years) == PEOPLE
    assert card.text == text


@pytest.mark.parametrize(
    ("slice_count", "spacing_mm", "number"),
    [(24, 6.0, 0), (10, 7.0, 0), (10, 7.1, 1), (9, 6.0, 2), (5, 9.0, 2), (4, 6.0, 3), (1, 6.0, 3)],
)
def test_a_scan_belongs_to_the_first_class_that_it_meets(text, slice_count, spacing_mm, number):
    card = card_from_dict(text)

    assert card.class_of(slice_count, spacing_mm) is card.classes[number]


def test_the_last_class_takes_the_rest(text):
    card = card_from_dict(text)

    assert card.class_of(0, 5000.0) is card.classes[-1]


def test_a_class_is_written_as_it_is_read(text):
    card = card_from_dict(text)

    again = json.loads(json.dumps([asdict(entry) for entry in card.classes]))

    assert again == text["calibration"]["classes"]


def without(*path):
    """Return a change that removes one entry."""

    def change(text):
        for name in path[:-1]:
            text = text[name]
        del text[path[-1]]

    return change


def with_value(value, *path):
    """Return a change that replaces one entry."""

    def change(text):
        for name in path[:-1]:
            text = text[name]
        text[path[-1]] = value

    return change


DAMAGES = {
    "no version of the format": without("card_version"),
    "another version of the format": with_value("1", "card_version"),
    "no name": without("name"),
    "no checksum": without("sha256"),
    "no network": without("network"),
    "a network that is a word": with_value("large", "network"),
    "no widths": without("network", "widths"),
    "widths that are a number": with_value(3, "network", "widths"),
    "layout channels that are a word": with_value("many", "network", "layout_channels"),
    "a dropout that is null": with_value(None, "network", "dropout"),
    "no members": with_value(0, "members"),
    "members that are a word": with_value("two", "members"),
    "no network share": without("network_share"),
    "a network share above 1": with_value(1.5, "network_share"),
    "a network share that is no number": with_value(float("nan"), "network_share"),
    "one end of the ages": with_value([20], "age_range_years"),
    "ages that are null": with_value(None, "age_range_years"),
    "no calibration": without("calibration"),
    "no class": with_value([], "calibration", "classes"),
    "a class without a factor": without("calibration", "classes", 0, "half_width_factor"),
    "a factor that is a word": with_value("wide", "calibration", "classes", 0, "half_width_factor"),
    "a class without expected errors": without("calibration", "classes", 0, "scales_years"),
    "an expected error too few": without("calibration", "classes", 0, "scales_years", 0),
    "expected errors at no age": with_value([], "calibration", "classes", 0, "scale_ages_years"),
    "ages that fall": with_value(90.0, "calibration", "classes", 0, "scale_ages_years", 0),
    "a class that is a list": with_value([], "calibration", "classes", 1),
    "a correction without a slope": without("calibration", "classes", 0, "corrections", 0, "slope"),
    "a correction with one age": with_value(
        [20], "calibration", "classes", 0, "corrections", 0, "age_range_years"
    ),
    "no reference": without("out_of_fold"),
    "a reference of words": with_value(["old"], "out_of_fold", "ages_years"),
    "a reference that is a list": with_value([1, 2], "out_of_fold"),
}


@pytest.mark.parametrize("change", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_card_is_a_fault_of_the_installation(tmp_path, text, change):
    damaged = copy.deepcopy(text)
    change(damaged)
    (tmp_path / "card.json").write_text(json.dumps(damaged), "utf-8")

    with pytest.raises(InstallationError, match=r"card\.json is damaged") as caught:
        read_card(tmp_path)

    assert caught.value.hint == "install the model again"


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b'"card"', b"12", b"\xff\xfe\x00", b'{"card_version": "2"'],
)
def test_what_is_no_card_at_all_is_a_fault_of_the_installation(tmp_path, content):
    (tmp_path / "card.json").write_bytes(content)

    with pytest.raises(InstallationError, match="is damaged"):
        read_card(tmp_path)


def test_a_folder_without_a_card_is_not_a_model(tmp_path):
    with pytest.raises(InputError, match=r"is not a model: it has no card\.json"):
        read_card(tmp_path)
