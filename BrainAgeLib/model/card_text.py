"""A model card for people, made from ``card.json`` alone."""

from __future__ import annotations

from typing import Any

from BrainAgeLib.model.card import Card
from BrainAgeLib.records import NOTICE


def card_text(card: Card) -> str:
    """Return the card as readable lines."""
    training = card.text["training"]
    low, high = card.age_range_years
    lines = [
        f"{card.name} {card.version}",
        f"  {NOTICE}",
        f"  Weights: research use only; sha256 {card.sha256[:16]}…",
        f"  {card.members} members, each of "
        f"a network of {training['parameters']['network']:,} parameters, a regional model and a "
        "slice model",
        f"  Trained on {training['people']} healthy people of {low:.0f} to {high:.0f} years "
        f"({training['sex']['F']} women, {training['sex']['M']} men)",
        "  Raw error, out of fold, simulated scans (years):",
    ]
    for group, words in (
        ("open", "people that choices could look at"),
        ("locked", "locked people"),
    ):
        lines.append(f"    {words}:")
        table = card.text["accuracy"][group]
        width = max(map(len, table), default=0)
        lines += [f"      {name:{width}}  {_figures(row)}" for name, row in table.items() if row]
    lines.append("  90 % interval, fitted on other folds' people:")
    for name, row in card.text["accuracy"]["interval"].items():
        lines.append(
            f"    {name:28} covers {100 * row['coverage']:.1f} % of {row['people']}, "
            f"mean width {row['mean_width_years']:.1f} years"
        )
    return "\n".join(lines)


def _figures(row: dict[str, Any]) -> str:
    low, high = row["mae_interval_years"]
    return (
        f"n {row['people']:3}  MAE {row['mae_years']:5.2f} ({low:.2f} to {high:.2f})  "
        f"r {row['r']:.3f}  mean error {row['mean_error_years']:+.2f}  "
        f"mean age alone {row['mean_age_mae_years']:.2f}"
    )
