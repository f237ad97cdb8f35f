"""What the study of lesions measured, in figures and in the tables of the documentation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from BrainAgeLib.gate.sides import MOST_DISTANCE
from BrainAgeLib.gate.trust import MOST_NOVELTY, USUAL_NOVELTY
from BrainAgeLib.model.calibration import LEAST_OF_WHOLE_BRAINS
from BrainAgeLib.model.card import Card
from Testing.studies._pages import table
from Testing.studies.gate._lesions import LESIONS
from Testing.studies.gate._one_sided import HEADS, HOME, OTHERS, RANDOM

Rows = Sequence[dict[str, Any]]
AGES_YEARS = {"under 40": (0, 40), "40 to 69": (40, 70), "70 and older": (70, 200)}
SPACING_MM = 6.0
EDGES = (0.0, MOST_DISTANCE, 2.0, 4.0, np.inf)
FOCAL = {lesion.kind: lesion.is_focal for lesion in LESIONS}
UNITS = {lesion.kind: lesion.unit for lesion in LESIONS}


def summary(rows: Rows, card: Card) -> dict[str, Any]:
    """Return all figures of the study. ``card``: of the model that said the ages."""
    sound = [row for row in rows if "lesion" not in row]
    ill = [row for row in rows if "lesion" in row]
    at_home = [row for row in sound if row["group"] == HOME]
    planted = [row for row in ill if row["group"] == HOME]
    focal = [row for row in planted if FOCAL[row["lesion"]]]
    return {
        "sound": {
            **{group: _rate([r for r in sound if r["group"] == group]) for group in _groups(sound)},
            **{f"{HOME}, {n}": _rate(_aged(at_home, *ends)) for n, ends in AGES_YEARS.items()},
            **_by(at_home, "protocol", f"{HOME}, "),
        },
        "caught": {
            lesion.kind: {
                f"{size:g}": _rate([r for r in planted if _is(r, lesion.kind, size)])
                for size in lesion.sizes
            }
            for lesion in LESIONS
        },
        "focal": {
            f"{least} mm and more": _rate([row for row in focal if row["size"] >= least])
            for least in (20, 30, 40)
        },
        "right side": round(_share(focal, lambda r: (r["side"] == "left") == r["is_left"]), 3)
        if focal
        else None,
        "heads": [
            {
                name: row[name]
                for name in ("lesion", "size", "distance", "codes", "brain_age_years")
                + ("sound_years",)
            }
            for row in ill
            if row["group"] == HEADS
        ],
        "moves": _moves(ill, card),
        "unlike_training": _novelty([row for row in focal if row["size"] >= 30]),
    }


def _groups(rows: Rows) -> list[str]:
    return [
        group for group in (HOME, RANDOM, OTHERS, HEADS) if any(r["group"] == group for r in rows)
    ]


def _aged(rows: Rows, low: float, high: float) -> Rows:
    return [row for row in rows if low <= row["age_years"] < high]


def _by(rows: Rows, field: str, before: str) -> dict[str, Any]:
    names = dict.fromkeys(row[field] for row in rows)
    return {f"{before}{n}": _rate([row for row in rows if row[field] == n]) for n in names}


def _is(row: dict[str, Any], kind: str, size: float) -> bool:
    return bool(row["lesion"] == kind and row["size"] == size)


def _share(rows: Rows, holds: Callable[[dict[str, Any]], bool]) -> float:
    found = [row for row in rows if row["distance"] > MOST_DISTANCE]
    return sum(map(holds, found)) / max(1, len(found))


def _rate(rows: Rows) -> dict[str, Any]:
    distances = np.array([row["distance"] for row in rows])
    return {
        "scans": len(rows),
        "people": len({row["person"] for row in rows}),
        "found": int((distances > MOST_DISTANCE).sum()),
        "median": round(float(np.median(distances)), 2) if len(rows) else None,
    }


def _novelty(rows: Rows) -> dict[str, int]:
    """Return of how many lesions the means over the whole brain say something."""
    known = [row["novelty"] for row in rows if row.get("novelty") is not None]
    return {
        "scans": len(known),
        "noted": sum(novelty > USUAL_NOVELTY for novelty in known),
        "warned": sum(novelty > MOST_NOVELTY for novelty in known),
    }


def _moves(rows: Rows, card: Card) -> list[dict[str, Any]]:
    """Return how far lesions move the age, by the distance, against half the training's interval.

    All rows are whole brains in slices 6 mm apart.
    """
    entry = card.class_of(LEAST_OF_WHOLE_BRAINS, SPACING_MM)
    rows = [row for row in rows if "brain_age_years" in row]
    result = []
    for low, high in zip(EDGES, EDGES[1:], strict=False):
        mine = [row for row in rows if low < row["distance"] <= high]
        moves = [row["brain_age_years"] - row["sound_years"] for row in mine]
        halves = [entry.half_width_years(row["brain_age_years"]) for row in mine]
        if moves:
            result.append(
                {
                    "distance": [low, high if np.isfinite(high) else None],
                    "scans": len(moves),
                    "within_usual": round(float(np.mean(np.abs(moves) <= np.array(halves))), 3),
                    "mean_years": round(float(np.mean(moves)), 1),
                    "median_years": round(float(np.median(np.abs(moves))), 1),
                    "most_of_ten_years": round(float(np.quantile(np.abs(moves), 0.9)), 1),
                }
            )
    return result


def markdown(figures: dict[str, Any]) -> list[str]:
    """Return the tables for the documentation."""
    return [
        "**Sides of sound scans**: how often `one_sided` speaks where there is no lesion. Nobody "
        f"of these rows is among the {figures['typical of']} people that it learnt from here.",
        "",
        table(
            ["scans of", "scans (people)", "warned of"],
            [
                [
                    name,
                    f"{row['scans']} ({row['people']})",
                    f"{_percent(row['found'], row['scans'])}",
                ]
                for name, row in figures["sound"].items()
                if row["scans"]
            ],
        ),
        "",
        *_caught(figures),
        "",
        "**What a lesion does to the age**: raw age with it less that of the same scan without it, "
        "by the distance.",
        "",
        table(
            [
                "distance",
                "scans",
                "mean move",
                "median size",
                "nine of ten by less than",
                "within half of the usual interval",
            ],
            [
                [
                    f"{low:g} to {high:g}" if high else f"over {low:g}",
                    str(row["scans"]),
                    f"{row['mean_years']:+.1f} years",
                    f"{row['median_years']:.1f} years",
                    f"{row['most_of_ten_years']:.1f} years",
                    f"{100 * row['within_usual']:.0f} %",
                ]
                for row in figures["moves"]
                for low, high in [row["distance"]]
            ],
        ),
    ]


def _caught(figures: dict[str, Any]) -> list[str]:
    focal = ", ".join(
        f"{_percent(row['found'], row['scans'])} of those of {name}"
        for name, row in figures["focal"].items()
        if row["scans"]
    )
    side, unlike = figures["right side"], figures["unlike_training"]
    heads = figures["heads"]
    found = sum(row["distance"] > MOST_DISTANCE for row in heads)
    words = [
        "**Simulated lesions found**, by kind and size, in routine scans of held-out people "
        "(found of all):",
        "",
        table(
            ["lesion", "found by size"],
            [
                [
                    kind,
                    ", ".join(
                        f"{size} {UNITS[kind]}: {row['found']} of {row['scans']}"
                        for size, row in sizes.items()
                        if row["scans"]
                    ),
                ]
                for kind, sizes in figures["caught"].items()
            ],
        ),
        "",
        f"Of masses, cavities, infarcts and missing parts it finds {focal}; the side is right in "
        f"{100 * (side or 0):.0f} % of those that it finds. Of {unlike['scans']} of those of 30 mm "
        f"and more `unlike_training` notes {unlike['noted']} and warns of {unlike['warned']}.",
    ]
    if heads:
        any_code = sum(bool(row["codes"]) or row["distance"] > MOST_DISTANCE for row in heads)
        words[-1] += (
            f" In whole heads of other scanners, whose brains were extracted and registered with "
            f"the lesion, it finds {found} of {len(heads)}; the gate as a whole speaks of "
            f"{any_code}."
        )
    return words


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / max(1, whole):.1f} %"
