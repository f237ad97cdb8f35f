"""The model folder: weights, and the card with everything measured out of fold."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from BrainAgeLib.model.calibration import (
    FITS,
    AcquisitionClass,
    conformal_factor,
)
from BrainAgeLib.model.card import CARD_VERSION, card_from_dict
from BrainAgeLib.model.network import SliceSetNetwork
from BrainAgeLib.model.tissue_maps import TissueNetwork
from BrainAgeLib.model.weights import FILE_NAME, pack_weights
from BrainAgeLib.statistics.accuracy import accuracy
from BrainAgeLib.statistics.proportions import exact_interval
from BrainAgeLib.training.out_of_fold import FEW_SLICES, MAIN_PROTOCOL, Row
from BrainAgeLib.training.settings import TrainingSettings

INTERVAL_LEVEL = 0.9
DEFAULT_CORRECTION = "de-lange-cole"
WIDE_SPACING_MM = 7.0
ANY_SPACING_MM = 1000.0
# Name, least slices in view, most spacing, and the simulated scans that stand for the class.
CLASSES: tuple[tuple[str, int, float, str], ...] = (
    ("slices up to 7 mm apart", 10, WIDE_SPACING_MM, MAIN_PROTOCOL),
    ("slices more than 7 mm apart", 10, ANY_SPACING_MM, "axial 7+2 mm"),
    ("few slices", FEW_SLICES - 1, ANY_SPACING_MM, f"{FEW_SLICES} axial slices"),
    ("single slices", 0, ANY_SPACING_MM, "one axial slice"),
)


def write_model(
    output: Path,
    networks: list[SliceSetNetwork],
    tissues: list[TissueNetwork],
    tissue_share: float,
    rows: list[Row],
    settings: TrainingSettings,
) -> Path:
    """Write ``model.safetensors`` and ``card.json``; return the folder."""
    folder = output / settings.name
    folder.mkdir(parents=True, exist_ok=True)
    weights = pack_weights(networks, tissues)
    sha256 = hashlib.sha256(weights).hexdigest()
    card = make_card(networks, tissue_share, rows, settings, sha256)
    card_from_dict(json.loads(json.dumps(card)))  # what is written can be read
    (folder / FILE_NAME).write_bytes(weights)
    text = json.dumps(card, indent=1, ensure_ascii=False)
    (folder / "card.json").write_text(text + "\n", "utf-8")
    return folder


def make_card(
    networks: list[SliceSetNetwork],
    tissue_share: float,
    rows: list[Row],
    settings: TrainingSettings,
    sha256: str,
) -> dict[str, Any]:
    """Return the card's content; every figure comes from out-of-fold rows."""
    main = [row for row in rows if row.protocol == MAIN_PROTOCOL]
    ages = [row.age_years for row in main]
    return {
        "card_version": CARD_VERSION,
        "name": settings.name,
        "version": "1",
        "sha256": sha256,
        "notice": "Weights for research use only.",
        "networks": len(networks),
        "tissue_share": tissue_share,
        "network": settings.network.as_dict(),
        "age_range_years": [min(ages), max(ages)],
        "training": {
            "people": len(main),
            "sex": {sex: sum(row.sex == sex for row in main) for sex in ("F", "M")},
            "settings": settings.as_dict(),
            "parameters": sum(p.numel() for p in networks[0].parameters()),
        },
        "calibration": {
            "interval_level": INTERVAL_LEVEL,
            "default_correction": DEFAULT_CORRECTION,
            "classes": [asdict(_fit_class(rows, *entry)) for entry in CLASSES],
        },
        "accuracy": _tables(rows),
        "out_of_fold": {
            "described_as": "healthy people, each predicted by a network that had not seen them, "
            f"from a simulated {MAIN_PROTOCOL} scan",
            "ages_years": [row.age_years for row in main],
            "predicted_years": [round(row.predicted_years, 1) for row in main],
        },
    }


def _fit_class(
    rows: list[Row], name: str, least_slices: int, most_spacing_mm: float, protocol: str
) -> AcquisitionClass:
    chosen = [row for row in rows if row.protocol == protocol]
    ages, predicted, spreads = (
        np.array([getattr(row, field) for row in chosen])
        for field in ("age_years", "predicted_years", "spread_years")
    )
    fitted_on = f"simulated {protocol} scans, out of fold"
    return AcquisitionClass(
        name,
        least_slices,
        most_spacing_mm,
        round(conformal_factor(predicted - ages, spreads, INTERVAL_LEVEL), 4),
        len(chosen),
        tuple(fit(ages, predicted, fitted_on) for fit in FITS.values()),
    )


def _tables(rows: list[Row]) -> dict[str, Any]:
    """Return raw accuracy by protocol, for the people that choices saw and the locked fifth."""
    protocols = list(dict.fromkeys(row.protocol for row in rows))
    tables: dict[str, Any] = {}
    for group, locked in (("open", False), ("locked", True)):
        mine = [row for row in rows if row.locked == locked]
        tables[group] = {
            protocol: _accuracy([row for row in mine if row.protocol == protocol])
            for protocol in protocols
        }
    main = [row for row in rows if row.protocol == MAIN_PROTOCOL]
    tables["by_decade"] = _split(main, lambda row: f"{int(row.age_years // 10 * 10)}s")
    tables["by_sex"] = _split(main, lambda row: row.sex)
    tables["interval"] = {name: _coverage(rows, protocol) for name, _, _, protocol in CLASSES}
    return tables


def _split(rows: list[Row], key: Callable[[Row], str]) -> dict[str, Any]:
    names = sorted({key(row) for row in rows})
    return {name: _accuracy([row for row in rows if key(row) == name]) for name in names}


def _accuracy(rows: list[Row]) -> dict[str, Any] | None:
    ages = [row.age_years for row in rows]
    if len(set(ages)) < 3:
        return None
    figures = asdict(accuracy(ages, [row.predicted_years for row in rows]))
    return {
        name: [round(v, 3) for v in value] if isinstance(value, tuple) else round(value, 3)
        for name, value in figures.items()
    }


def _coverage(rows: list[Row], protocol: str) -> dict[str, Any]:
    """Return how often the interval holds the age when the other folds' people fit it."""
    chosen = [row for row in rows if row.protocol == protocol]
    folds = np.array([row.fold for row in chosen])
    errors = np.array([row.predicted_years - row.age_years for row in chosen])
    spreads = np.array([row.spread_years for row in chosen])
    half_widths = np.zeros(len(chosen))
    for fold in np.unique(folds):
        others = folds != fold
        factor = conformal_factor(errors[others], spreads[others], INTERVAL_LEVEL)
        half_widths[~others] = factor * spreads[~others]
    covered = np.abs(errors) <= half_widths
    low, high = exact_interval(int(covered.sum()), len(covered))
    by_decade = {}
    decades = np.array([int(row.age_years // 10 * 10) for row in chosen])
    for decade in np.unique(decades):
        mine = covered[decades == decade]
        limits = exact_interval(int(mine.sum()), len(mine))
        by_decade[f"{decade}s"] = {
            "people": len(mine),
            "coverage": round(float(mine.mean()), 3),
            "exact_interval": [round(limits[0], 3), round(limits[1], 3)],
        }
    return {
        "people": len(chosen),
        "coverage": round(float(covered.mean()), 3),
        "exact_interval": [round(low, 3), round(high, 3)],
        "mean_width_years": round(float(2 * half_widths.mean()), 2),
        "by_decade": by_decade,
    }
