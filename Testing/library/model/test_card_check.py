"""What a card from anywhere may not say."""

from __future__ import annotations

import copy
import json
import random

import pytest

from BrainAgeLib.errors import BrainAgeError, InstallationError
from BrainAgeLib.model.card import read_card
from BrainAgeLib.model.card_check import check_card
from BrainAgeLib.resources import installed_models, models_folder

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


@pytest.fixture(scope="module")
def text(small_model):
    """Return the content of a whole card."""
    return json.loads((small_model / "card.json").read_text("utf-8"))


def test_whole_cards_pass(text):
    check_card(text)
    for name in installed_models():
        read_card(models_folder() / name)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "../../etc/passwd"}, "name cannot be"),
        ({"name": "/absolute"}, "name cannot be"),
        ({"name": ".hidden"}, "name cannot be"),
        ({"name": ""}, "name cannot be"),
        ({"name": 7}, "name cannot be"),
        ({"name": "a\nb"}, "name cannot be"),
        ({"version": "1/2"}, "version cannot be"),
        ({"sha256": "0" * 63}, "sha256 cannot be"),
        ({"sha256": "../" + "0" * 61}, "sha256 cannot be"),
        ({"members": 10**6}, "members cannot be"),
        ({"members": 0}, "members cannot be"),
        ({"members": 2.5}, "no whole number"),
        ({"members": True}, "no whole number"),
        ({"network": {"widths": [10**6]}}, "a network cannot have"),
        ({"network": {"bins": 4096}}, "a network cannot have"),
        ({"age_range_years": [90, 20]}, "age_range_years cannot be"),
        ({"age_range_years": [0, 500]}, "age_range_years cannot be"),
        ({"data": "\x1b]0;title\x07"}, "cannot be shown"),
        ({"data": "x" * 20_000}, "too long"),
        ({"x\x00y": 1}, "cannot be shown"),
    ],
)
def test_what_no_card_may_say(text, changes, words):
    with pytest.raises(ValueError, match=words):
        check_card(text | changes)


def test_a_card_that_says_it_is_a_damaged_installation(text, tmp_path):
    (tmp_path / "card.json").write_text(json.dumps(text | {"name": "../x"}), "utf-8")

    with pytest.raises(InstallationError, match="is damaged"):
        read_card(tmp_path)


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


def test_mutated_cards_are_read_or_refused_in_words(text, tmp_path):
    chance = random.Random(5)
    text["out_of_fold"] = {
        name: value[:5] if isinstance(value, list) else value
        for name, value in text["out_of_fold"].items()
    }
    refused = 0
    for _ in range(400):
        (tmp_path / "card.json").write_text(json.dumps(mutated(text, chance)), "utf-8")
        try:
            read_card(tmp_path)
        except BrainAgeError as error:
            refused += 1
            assert "\n" not in error.message
            assert "\x1b" not in error.message
    assert refused > 200
