"""A card is read whole or refused in words."""

from __future__ import annotations

import copy
import json
import random

import pytest

from BrainAgeLib.codec import to_plain
from BrainAgeLib.errors import BrainAgeError, InputError, InstallationError
from BrainAgeLib.model.card import read_card
from BrainAgeLib.model.card_text import card_text
from BrainAgeLib.model.ensemble import DEFAULT_MODEL
from BrainAgeLib.records import NOTICE
from BrainAgeLib.resources import models_folder
from BrainAgeLib.training.calibration import CLASSES
from Testing.library.model_folders import BLEND, PEOPLE


@pytest.fixture(scope="module")
def text(small_model):
    """Return a whole card."""
    return json.loads((small_model / "card.json").read_text("utf-8"))


def test_a_whole_card(small_model, text):
    card = read_card(small_model)

    assert (card.name, card.version, card.sha256) == ("small", "4", text["sha256"])
    assert card.members == 2
    assert card.blend == BLEND
    assert card.age_range_years == (20.0, 88.0)
    assert card.calibration.interval_level == 0.9
    assert card.calibration.default_correction == "de-lange-cole"
    assert [entry.name for entry in card.calibration.classes] == [name for name, *_ in CLASSES]
    assert len(card.out_of_fold.ages_years) == len(card.out_of_fold.predicted_years) == PEOPLE
    assert to_plain(card) == text


@pytest.mark.parametrize(
    ("slice_count", "spacing_mm", "number"),
    [(24, 6.0, 0), (10, 7.0, 0), (10, 7.1, 1), (9, 6.0, 2), (5, 9.0, 2), (4, 6.0, 3), (1, 6.0, 3)],
)
def test_a_scan_belongs_to_the_first_class_that_it_meets(
    small_model, slice_count, spacing_mm, number
):
    card = read_card(small_model)

    assert card.class_of(slice_count, spacing_mm) is card.calibration.classes[number]


def test_the_last_class_takes_the_rest(small_model):
    card = read_card(small_model)

    assert card.class_of(0, 5000.0) is card.calibration.classes[-1]


def test_the_bundled_card_is_read():
    card = read_card(models_folder() / DEFAULT_MODEL)
    assert card.blend.kinds == ("network", "regional", "slices")
    assert card.blend.curve is not None
    assert card.accuracy.held_out["axial 5+1 mm"].people == 123
    assert set(card.ablation) == {"network", "regional"}


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
    "another version of the format": with_value("9", "card_version"),
    "no name": without("name"),
    "no checksum": without("sha256"),
    "no harmonisation": without("harmonisation"),
    "no blend": without("blend"),
    "a blend that is a word": with_value("half", "blend"),
    "a blend of nothing": with_value({}, "blend", "part_of_brain"),
    "a blend of less than all": with_value({"network": 0.4}, "blend", "whole_brain"),
    "a blend of less than nothing": with_value({"a": 1.5, "b": -0.5}, "blend", "whole_brain"),
    "a fraction that is null": with_value(None, "blend", "whole_brain", "network"),
    "a curve that falls": with_value(
        {"said_years": [30, 40], "age_years": [40, 30]}, "blend", "curve"
    ),
    "a curve of one point": with_value({"said_years": [1], "age_years": [1]}, "blend", "curve"),
    "half a curve": with_value({"said_years": [30, 40]}, "blend", "curve"),
    "a curve that is a word": with_value("steep", "blend", "curve"),
    "a field too many": with_value(1, "network_share"),
    "people without a prediction": with_value([50.0], "out_of_fold", "predicted_years"),
    "no training": without("training", "people"),
    "no members": with_value(0, "members"),
    "members that are a word": with_value("two", "members"),
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
    "content", [b"", b"{", b"[]", b"null", b'"card"', b"12", b"\xff\xfe\x00", b'{"name": "a"']
)
def test_what_is_no_card_at_all_is_a_fault_of_the_installation(tmp_path, content):
    (tmp_path / "card.json").write_bytes(content)

    with pytest.raises(InstallationError, match="is damaged"):
        read_card(tmp_path)


def test_a_folder_without_a_card_is_not_a_model(tmp_path):
    with pytest.raises(InputError, match=r"is not a model: it has no card\.json"):
        read_card(tmp_path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "../../etc/passwd"}, "name cannot be"),
        ({"name": "/absolute"}, "name cannot be"),
        ({"name": ".hidden"}, "name cannot be"),
        ({"name": ""}, "name cannot be"),
        ({"name": 7}, "name is 7, not text"),
        ({"name": "a\nb"}, "name cannot be"),
        ({"version": "1/2"}, "version cannot be"),
        ({"sha256": "0" * 63}, "sha256 cannot be"),
        ({"harmonisation": "../" + "0" * 61}, "harmonisation cannot be"),
        ({"members": 10**6}, "members cannot be"),
        ({"members": 2.5}, "not a whole number"),
        ({"members": True}, "not a whole number"),
        ({"age_range_years": [90, 20]}, "age_range_years cannot be"),
        ({"age_range_years": [0, 500]}, "age_range_years cannot be"),
        ({"notice": "\x1b]0;title\x07"}, "cannot be shown"),
        ({"notice": "x" * 20_000}, "too long"),
        ({"x\x00y": 1}, "cannot be shown"),
    ],
)
def test_what_no_card_may_say(text, tmp_path, changes, words):
    (tmp_path / "card.json").write_text(json.dumps(text | changes), "utf-8")

    with pytest.raises(InstallationError, match=f"is damaged: .*{words}"):
        read_card(tmp_path)


NONSENSE = (
    None,
    True,
    -1,
    10**9,
    10**30,
    1e308,
    "",
    "../..",
    "x" * 20_000,
    [],
    {},
    [[]],
    "\x1b[2J",
)


def mutated(text, chance):
    """Return a copy of a card with one value or name changed for nonsense, anywhere in it."""
    changed = copy.deepcopy(text)
    place = changed
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return changed
        key = chance.choice(keys)
        inner = place[key]
        if isinstance(inner, (dict, list)) and inner and chance.random() < 0.8:
            place = inner
            continue
        if isinstance(place, dict) and chance.random() < 0.3:
            del place[key]
        else:
            place[key] = chance.choice(NONSENSE)
        return changed


@pytest.mark.parametrize("folder", [None, DEFAULT_MODEL], ids=["new", "bundled"])
def test_mutated_cards_are_read_or_refused_in_words(small_model, tmp_path, folder):
    path = small_model if folder is None else models_folder() / folder
    text = json.loads((path / "card.json").read_text("utf-8"))
    chance = random.Random(5)
    text["out_of_fold"] = {
        name: value[:5] if isinstance(value, list) else value
        for name, value in text["out_of_fold"].items()
    }
    refused = 0
    for _ in range(200):
        (tmp_path / "card.json").write_text(json.dumps(mutated(text, chance)), "utf-8")
        try:
            read_card(tmp_path)
        except BrainAgeError as error:
            refused += 1
            assert "\n" not in error.message
            assert "\x1b" not in error.message
    assert refused > 100


def test_a_card_tells_what_it_must(small_model):
    card = read_card(small_model)
    text = card_text(card)

    assert text.startswith("small 4\n")
    assert NOTICE in text
    assert card.sha256[:16] in text
    assert "2 members of these kinds: network, regional, slices" in text
    assert f"network {card.training.parameters['network']:,}" in text
    assert "150 healthy people of 20 to 88 years (75 women, 75 men)" in text


def test_raw_errors_stand_beside_those_of_the_mean_age(small_model):
    lines = card_text(read_card(small_model)).splitlines()

    start = lines.index("    validation people, whom choices could look at:")
    row = next(line for line in lines[start:] if "axial 5+1 mm" in line)
    assert "MAE" in row
    assert "mean age alone" in row
    held_out = lines.index("    held-out people:")
    assert held_out > start
    assert any("axial 5+1 mm" in line for line in lines[held_out:])


def test_every_class_shows_its_coverage_and_width(small_model):
    card = read_card(small_model)
    text = card_text(card)

    for name, *_ in CLASSES:
        figures = card.accuracy.interval[name]
        line = next(line for line in text.splitlines() if f"    {name} " in line)
        assert f"covers {100 * figures.coverage:.1f} % of 150" in line
        assert f"mean width {figures.mean_width_years:.1f} years" in line
