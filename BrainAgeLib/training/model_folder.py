"""The model folder: weights, and the card with everything measured out of fold."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from BrainAgeLib.model.calibration import (
    FITS,
    AcquisitionClass,
    conformal_factor,
    expected_errors,
)
from BrainAgeLib.model.card import CARD_VERSION, card_from_dict
from BrainAgeLib.model.predict import Member
from BrainAgeLib.model.weights import FILE_NAME, Weights, pack_weights
from BrainAgeLib.training.metrics import accuracy, exact_interval
from BrainAgeLib.training.out_of_fold import FEW_SLICES, MAIN_PROTOCOL, Row
from BrainAgeLib.training.settings import TrainingSettings

INTERVAL_LEVEL = 0.9
DEFAULT_CORRECTION = "de-lange-cole"
WIDE_SPACING_MM = 7.0
ANY_SPACING_MM = 1000.0
VERSION = "2"
SCALE_AGES_YEARS = (20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0)
# Name, least slices in view, most spacing, and the simulated scans that stand for the class.
CLASSES: tuple[tuple[str, int, float, str], ...] = (
    ("slices up to 7 mm apart", 10, WIDE_SPACING_MM, MAIN_PROTOCOL),
    ("slices more than 7 mm apart", 10, ANY_SPACING_MM, "axial 7+2 mm"),
    ("few slices", FEW_SLICES - 1, ANY_SPACING_MM, f"{FEW_SLICES} axial slices"),
    ("single slices", 0, ANY_SPACING_MM, "one axial slice"),
)


def write_model(
    output: Path,
    weights: Weights,
    network_share: float,
    rows: list[Row],
    settings: TrainingSettings,
) -> Path:
    """Write ``model.safetensors`` and ``card.json``; return the folder."""
    folder = output / settings.name
    folder.mkdir(parents=True, exist_ok=True)
    content = pack_weights(weights)
    sha256 = hashlib.sha256(content).hexdigest()
    card = make_card(weights.members, network_share, rows, settings, sha256)
    card_from_dict(json.loads(json.dumps(card)))  # what is written can be read
    (folder / FILE_NAME).write_bytes(content)
    text = json.dumps(card, indent=1, ensure_ascii=False)
    (folder / "card.json").write_text(text + "\n", "utf-8")
    return folder


def make_card(
    members: list[Member],
    network_share: float,
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
        "version": VERSION,
        "sha256": sha256,
        "notice": "Weights for research use only.",
        "members": len(members),
        "network_share": network_share,
        "network": settings.network.as_dict(),
        "age_range_years": [min(ages), max(ages)],
        "training": {
            "people": len(main),
            "sex": {sex: sum(row.sex == sex for row in main) for sex in ("F", "M")},
            "settings": settings.as_dict(),
            "parameters": {
                "network": sum(p.numel() for p in members[0].network.parameters()),
                "regional": int(sum((m.regional.weights != 0).sum() for m in members)),
            },
        },
        "calibration": {
            "interval_level": INTERVAL_LEVEL,
            "default_correction": DEFAULT_CORRECTION,
            "classes": [asdict(_fit_class(rows, *entry)) for entry in CLASSES],
        },
        "accuracy": _tables(rows),
        "parts": _parts(rows),
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
    ages, predicted = _columns(chosen)
    scales = expected_errors(predicted, predicted - ages, np.array(SCALE_AGES_YEARS))
    fitted_on = f"simulated {protocol} scans, out of fold"
    return AcquisitionClass(
        name,
        least_slices,
        most_spacing_mm,
        round(_factor(predicted, predicted - ages, scales), 4),
        SCALE_AGES_YEARS,
        tuple(round(float(scale), 3) for scale in scales),
        len(chosen),
        tuple(fit(ages, predicted, fitted_on) for fit in FITS.values()),
    )


def _factor(predicted: np.ndarray, errors: np.ndarray, scales: np.ndarray) -> float:
    spreads = np.interp(predicted, SCALE_AGES_YEARS, scales)
    return conformal_factor(errors, spreads, INTERVAL_LEVEL)


def _columns(rows: list[Row]) -> tuple[np.ndarray, np.ndarray]:
    """Return ages and predictions (row,) in years."""
    ages = np.array([row.age_years for row in rows])
    return ages, np.array([row.predicted_years for row in rows])


def _parts(rows: list[Row]) -> dict[str, Any]:
    """Return the raw error of network and regional model alone, for the people not locked."""
    judged = [row for row in rows if row.protocol == MAIN_PROTOCOL and not row.locked]
    return {
        "network": _accuracy([replace(r, predicted_years=r.network_years) for r in judged]),
        "regional": _accuracy(
            [
                replace(r, predicted_years=r.regional_years)
                for r in judged
                if not math.isnan(r.regional_years)
            ]
        ),
    }


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
    predicted = np.array([row.predicted_years for row in chosen])
    half_widths = np.zeros(len(chosen))
    for fold in np.unique(folds):
        others = folds != fold
        scales = expected_errors(predicted[others], errors[others], np.array(SCALE_AGES_YEARS))
        factor = _factor(predicted[others], errors[others], scales)
        half_widths[~others] = factor * np.interp(predicted[~others], SCALE_AGES_YEARS, scales)
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
