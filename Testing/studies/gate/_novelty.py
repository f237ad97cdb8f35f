"""How far the age moves on faulty scans unlike the training, and whether the interval holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from BrainAgeLib.gate.trust import MOST_NOVELTY, UNUSABLE_NOVELTY, USUAL_NOVELTY
from BrainAgeLib.model.card import Card
from Testing.studies.gate._rows import Row

EDGES = (0.0, USUAL_NOVELTY, MOST_NOVELTY, UNUSABLE_NOVELTY, np.inf)


def moves_by_novelty(rows: Sequence[Row], card: Card) -> list[dict[str, Any]]:
    """Return a row for each range of novelty: moves of the age against half the interval.

    Whole brains alone. A move is against the same scan without the fault.
    """
    sound = {
        row["scan"]: row["facts"]["trust"]["brain_age_years"]
        for row in rows
        if row["fault"] is None and row.get("facts")
    }
    faulty = [
        row["facts"]["coverage"] | row["facts"]["trust"] | {"before_years": sound[row["scan"]]}
        for row in rows
        if row["fault"] is not None and row.get("facts") and row["scan"] in sound
    ]
    faulty = [facts for facts in faulty if facts["novelty"] is not None]
    table = []
    for low, high in zip(EDGES, EDGES[1:], strict=False):
        mine = [facts for facts in faulty if low < facts["novelty"] <= high]
        if not mine:
            continue
        moves = np.array([abs(f["brain_age_years"] - f["before_years"]) for f in mine])
        halves = np.array([_half_width_years(facts, card) for facts in mine])
        wider = halves * np.maximum(1.0, [facts["novelty"] for facts in mine])
        table.append(
            {
                "novelty": [low, high if np.isfinite(high) else None],
                "scans": len(mine),
                "median_years": round(float(np.median(moves)), 1),
                "most_of_ten_years": round(float(np.quantile(moves, 0.9)), 1),
                "within_usual": round(float((moves <= halves).mean()), 3),
                "within_wider": round(float((moves <= wider).mean()), 3),
            }
        )
    return table


def _half_width_years(facts: dict[str, Any], card: Card) -> float:
    spacing = facts["acquisition"]["slice_spacing_mm"]
    entry = card.class_of(facts["slices_in_view"], spacing)
    return entry.half_width_years(facts["brain_age_years"])


def novelty_lines(table: list[dict[str, Any]]) -> list[str]:
    """Return the table for the documentation."""
    lines = [
        "**Unlike the training**: faulty scans of whole brains, refused or not, by their distance "
        "from the healthy training scans, and how often the age moved by less than half of the "
        "90 % interval, as it would be for any scan and widened by that distance.",
        "",
        "| distance | scans | age moves by (median) | nine of ten by less than | within the usual "
        "interval | within the widened |",
        "|---|---|---|---|---|---|",
    ]
    for row in table:
        low, high = row["novelty"]
        where = f"{low:g} to {high:g}" if high is not None else f"over {low:g}: refused"
        lines.append(
            f"| {where} | {row['scans']} | {row['median_years']} years | "
            f"{row['most_of_ten_years']} years | {100 * row['within_usual']:.0f} % | "
            f"{100 * row['within_wider']:.0f} % |"
        )
    return lines
