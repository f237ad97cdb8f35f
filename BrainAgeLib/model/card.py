"""The card of a model: what it was trained on, how well it does, how it is calibrated.

Imports nothing that takes time: which models there are is known without what it takes to run one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from BrainAgeLib.codec import Source, read_json
from BrainAgeLib.errors import InputError, InstallationError
from BrainAgeLib.model.calibration import AcquisitionClass
from BrainAgeLib.model.card_check import check_card
from BrainAgeLib.records import Correction, Reference

CARD_VERSION = "2"
STAGES = 4
MOST = 2048  # channels of a stage; ten times what the bundled model has


@dataclass(frozen=True)
class NetworkSettings:
    """The shape of a network. ``widths``: channels of the stages."""

    widths: tuple[int, ...] = (24, 32, 64, 96)
    layout_channels: int = 16
    dropout: float = 0.3

    def __post_init__(self) -> None:
        """Raise ValueError for a network that cannot be."""
        if len(self.widths) != STAGES or not all(0 < width <= MOST for width in self.widths):
            raise ValueError(f"widths cannot be {list(self.widths)}")
        if not 0 < self.layout_channels <= MOST:
            raise ValueError(f"layout_channels cannot be {self.layout_channels}")
        if not 0 <= self.dropout <= 1:
            raise ValueError(f"dropout cannot be {self.dropout}")


@dataclass(frozen=True)
class Card:
    """The part of ``card.json`` that the program acts on; ``text`` is all of it.

    ``sha256`` is that of ``model.safetensors``. ``members``: of the ensemble.
    ``network_share``: of the networks in the age of a whole brain, 0-1. ``classes`` are tried in
    order.
    """

    name: str
    version: str
    sha256: str
    age_range_years: tuple[float, float]
    members: int
    network_share: float
    network: NetworkSettings
    interval_level: float
    default_correction: str
    classes: tuple[AcquisitionClass, ...]
    reference: Reference
    text: dict[str, Any]

    def class_of(self, slice_count: int, spacing_mm: float) -> AcquisitionClass:
        """Return the class of a scan with this many slices in view; the last one takes the rest."""
        for candidate in self.classes:
            enough = slice_count >= candidate.least_slices
            if enough and spacing_mm <= candidate.most_spacing_mm:
                return candidate
        return self.classes[-1]


def read_card(folder: Path) -> Card:
    """Read ``card.json`` of a model folder.

    Raises InputError when the folder holds no model, InstallationError when the card is damaged.
    """
    path = folder / "card.json"
    if not path.is_file():
        raise InputError(f"{folder} is not a model: it has no card.json")
    source = Source(
        f"the model card {path} is damaged", "install the model again", InstallationError
    )
    text = read_json(path, source)
    try:
        check_card(text)
        return card_from_dict(text)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise source.refuse(repr(error)) from error


def card_from_dict(text: dict[str, Any]) -> Card:
    """Return the card of plain values; KeyError, TypeError or ValueError when they do not fit."""
    if text["card_version"] != CARD_VERSION:
        raise ValueError(f"card_version is {text['card_version']!r}, not {CARD_VERSION!r}")
    calibration = text["calibration"]
    classes = tuple(_class_from_dict(entry) for entry in calibration["classes"])
    if not classes:
        raise ValueError("the calibration has no class")
    members = int(text["members"])
    if members < 1:
        raise ValueError("the ensemble has no member")
    network_share = float(text["network_share"])
    if not 0 <= network_share <= 1:
        raise ValueError("the network share is not between 0 and 1")
    reference = Reference(
        tuple(float(age) for age in text["out_of_fold"]["ages_years"]),
        tuple(float(age) for age in text["out_of_fold"]["predicted_years"]),
        str(text["out_of_fold"]["described_as"]),
    )
    low, high = text["age_range_years"]
    return Card(
        str(text["name"]),
        str(text["version"]),
        str(text["sha256"]),
        (float(low), float(high)),
        members,
        network_share,
        _network_from_dict(text["network"]),
        float(calibration["interval_level"]),
        str(calibration["default_correction"]),
        classes,
        reference,
        text,
    )


def _network_from_dict(entry: dict[str, Any]) -> NetworkSettings:
    widths = tuple(int(width) for width in entry["widths"])
    return NetworkSettings(widths, int(entry["layout_channels"]), float(entry["dropout"]))


def _class_from_dict(entry: dict[str, Any]) -> AcquisitionClass:
    corrections = tuple(
        Correction(
            method=str(item["method"]),
            fitted_on=str(item["fitted_on"]),
            people=int(item["people"]),
            age_range_years=(float(item["age_range_years"][0]), float(item["age_range_years"][1])),
            slope=float(item["slope"]),
            intercept=float(item["intercept"]),
        )
        for item in entry["corrections"]
    )
    ages = tuple(float(age) for age in entry["scale_ages_years"])
    scales = tuple(float(scale) for scale in entry["scales_years"])
    if not ages or len(ages) != len(scales) or list(ages) != sorted(set(ages)):
        raise ValueError("the expected errors do not fit their ages")
    return AcquisitionClass(
        str(entry["name"]),
        int(entry["least_slices"]),
        float(entry["most_spacing_mm"]),
        float(entry["half_width_factor"]),
        ages,
        scales,
        int(entry["people"]),
        corrections,
    )
