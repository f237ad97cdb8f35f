"""What the study of lesions measured, in figures and in the tables of the documentation."""

from __future__ import annotations

from collections.abc import Sequence
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
        "caught": _by_kind(planted),
        "focal": {
            f"{least} mm and more": _rate([row for row in focal if row["size"] >= least])
            for least in (20, 30, 40)
        },
        "right side": round(_right_sides(focal), 3),
        "heads": _heads([row for row in ill if row["group"] == HEADS]),
        "moves": _moves(ill, card),
        "unlike_training": _novelty([row for row in focal if row["size"] >= 30]),
    }


def _by_kind(rows: Rows) -> dict[str, Any]:
    return {
        lesion.kind: {
            f"{size:g}": _rate([row for row in rows if _is(row, lesion.kind, size)])
            for size in lesion.sizes
        }
        for lesion in LESIONS
    }


def _heads(rows: Rows) -> dict[str, int]:
    """Return in how many heads with a lesion this speaks, and in how many any other check does."""
    return {
        "scans": len(rows),
        "found": sum(row["distance"] > MOST_DISTANCE for row in rows),
        "found by others": sum(bool(set(row["codes"]) - {"one_sided"}) for row in rows),
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


def _right_sides(rows: Rows) -> float:
    """Return of what part of the lesions that are found the side is right."""
    found = [row for row in rows if row["distance"] > MOST_DISTANCE]
    return sum((row["side"] == "left") == row["is_left"] for row in found) / max(1, len(found))


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
    return [*_sound(figures), "", *_caught(figures), "", *_moved(figures)]


def _sound(figures: dict[str, Any]) -> list[str]:
    rows = [
        [name, f"{row['scans']} ({row['people']})", _percent(row["found"], row["scans"])]
        for name, row in figures["sound"].items()
        if row["scans"]
    ]
    return [
        "**Sides of sound scans**: how often `one_sided` speaks where there is no lesion. Nobody "
        f"of these rows is among the {figures['typical of']} people that it learnt from here.",
        "",
        table(["scans of", "scans (people)", "warned of"], rows),
    ]


def _moved(figures: dict[str, Any]) -> list[str]:
    head = ["distance", "scans", "mean move", "median size", "nine of ten by less than"]
    rows = []
    for row in figures["moves"]:
        low, high = row["distance"]
        rows.append(
            [
                f"{low:g} to {high:g}" if high else f"over {low:g}",
                str(row["scans"]),
                f"{row['mean_years']:+.1f} years",
                f"{row['median_years']:.1f} years",
                f"{row['most_of_ten_years']:.1f} years",
                f"{100 * row['within_usual']:.0f} %",
            ]
        )
    return [
        "**What a lesion does to the age**: raw age with it less that of the same scan without it, "
        "by the distance.",
        "",
        table([*head, "within half of the usual interval"], rows),
    ]


def _caught(figures: dict[str, Any]) -> list[str]:
    focal = ", ".join(
        f"{_percent(row['found'], row['scans'])} of those of {name}"
        for name, row in figures["focal"].items()
        if row["scans"]
    )
    side, unlike = figures["right side"], figures["unlike_training"]
    heads = figures["heads"]
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
        f"{100 * side:.0f} % of those that it finds. Of {unlike['scans']} of those of 30 mm "
        f"and more `unlike_training` notes {unlike['noted']} and warns of {unlike['warned']}.",
    ]
    if heads["scans"]:
        words[-1] += (
            f" In whole heads of other scanners, whose brains were extracted and registered with "
            f"the lesion, it finds {heads['found']} of {heads['scans']}; other checks of the gate "
            f"warn of {heads['found by others']}."
        )
    return words


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / max(1, whole):.1f} %"
