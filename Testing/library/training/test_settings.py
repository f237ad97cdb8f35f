"""What a training run can be told."""

from __future__ import annotations

import json

import pytest

from BrainAgeLib.codec import to_plain
from BrainAgeLib.errors import InputError
from BrainAgeLib.model.network import NetworkSettings
from BrainAgeLib.training.settings import TrainingSettings, read_settings


def written(folder, content):
    """Write a settings file; return its path."""
    path = folder / "settings.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def test_no_file_means_the_defaults():
    assert read_settings(None) == TrainingSettings()


def test_a_file_replaces_what_it_names(tmp_path):
    path = written(tmp_path, {"folds": 3, "network": {"widths": [4, 8, 8, 8], "dropout": 0.1}})

    settings = read_settings(path)

    assert settings.folds == 3
    assert settings.network == NetworkSettings(widths=(4, 8, 8, 8), dropout=0.1)
    assert settings.steps == TrainingSettings().steps


def test_settings_are_written_as_they_are_read(tmp_path):
    settings = TrainingSettings(
        name="mine", version="2", steps=3, network=NetworkSettings(widths=(4, 8, 8, 8))
    )

    assert read_settings(written(tmp_path, to_plain(settings))) == settings


@pytest.mark.parametrize(
    ("content", "unknown"),
    [
        ({"step": 3}, "'step'"),
        ({"network": {"depth": 4}}, r"'network\.depth'"),
        ({"Steps": 3, "widths": [4]}, "'Steps', 'widths'"),
    ],
)
def test_an_unknown_setting_is_named_with_those_that_are_known(tmp_path, content, unknown):
    with pytest.raises(InputError, match=f"the settings .* cannot have {unknown}") as caught:
        read_settings(written(tmp_path, content))

    assert "scans_per_person" in caught.value.hint


@pytest.mark.parametrize("content", ["", "{", "folds: 3", b"\xff\xfe".decode("latin-1")])
def test_what_is_no_json_cannot_be_read(tmp_path, content):
    with pytest.raises(InputError, match="cannot be used"):
        read_settings(written(tmp_path, content))


def test_a_missing_file_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_settings(tmp_path / "nowhere.json")


@pytest.mark.parametrize("content", ["[]", "3", "null"])
def test_settings_are_an_object(tmp_path, content):
    with pytest.raises(InputError, match="holds no object"):
        read_settings(written(tmp_path, content))


@pytest.mark.parametrize(
    "content",
    [
        {"folds": "five"},
        {"folds": 1},
        {"folds": 0},
        {"steps": 0},
        {"steps": 2.5},
        {"scans_per_person": 1},
        {"people_per_step": 1},
        {"mixing": 0},
        {"average_decay": 1.5},
        {"learning_rate": "fast"},
        {"learning_rate": -1},
        {"name": ""},
        {"name": "../elsewhere"},
        {"name": 3},
        {"version": "1/2"},
        {"version": "1 beta"},
        {"name": "my model"},
        {"network": "large"},
        {"network": {"widths": 4}},
        {"network": {"widths": []}},
        {"network": {"widths": [8, 0]}},
        {"network": {"widths": [4, 8]}},
        {"network": {"layout_channels": 0}},
        {"network": {"dropout": 2}},
        {"folds": True},
        {"learning_rate": float("nan")},
        {"warm_up_fraction": -1},
    ],
)
def test_a_value_that_cannot_be_is_refused_before_hours_are_spent(tmp_path, content):
    with pytest.raises(InputError):
        read_settings(written(tmp_path, content))
