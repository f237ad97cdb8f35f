"""A model's card as readable lines, for a terminal."""

from __future__ import annotations

from collections.abc import Mapping

from BrainAgeLib.model.card import OWN_EXPERTS, OWN_NETWORK, Card
from BrainAgeLib.records import NOTICE
from BrainAgeLib.statistics import Accuracy

WORDS = {OWN_EXPERTS: "own experts", OWN_NETWORK: "own network"}  # of kinds; others as they are


def card_text(card: Card) -> str:
    """Return the card as readable lines."""
    training = card.training
    low, high = card.age_range_years
    parameters = ", ".join(f"{kind} {count:,}" for kind, count in training.parameters.items())
    lines = [
        f"{card.name} {card.version}",
        f"  {NOTICE}",
        f"  Weights: research use only; sha256 {card.sha256[:16]}…",
        f"  {card.members} members of these kinds: {', '.join(card.blend.kinds)}",
        *(f"  {name} scans: {shares_text(of)}" for name, of in card.blend.of_sequences.items()),
        f"  Parameters: {parameters}",
        f"  Trained on {training.people} healthy people of {low:.0f} to {high:.0f} years "
        f"({training.sex.get('F', 0)} women, {training.sex.get('M', 0)} men)",
        "  Raw error, out of fold, simulated scans (years):",
    ]
    return "\n".join([*lines, *_errors(card), *_together(card), *_intervals(card)])


def shares_text(fractions: Mapping[str, float]) -> str:
    """Return how much each kind counts in an age, in words."""
    return ", ".join(
        f"{100 * fraction:.0f} % {WORDS.get(kind, kind)}" for kind, fraction in fractions.items()
    )


def _errors(card: Card) -> list[str]:
    lines: list[str] = []
    others = card.calibration.sequences.items()
    for words, table in (
        (
            "validation people, whom choices could look at",
            card.accuracy.validation | {name: read.validation for name, read in others},
        ),
        (
            "held-out people",
            card.accuracy.held_out | {name: read.held_out for name, read in others},
        ),
    ):
        lines.append(f"    {words}:")
        width = max(map(len, table), default=0)
        lines += [f"      {name:{width}}  {_figures(row)}" for name, row in table.items() if row]
    return lines


def _together(card: Card) -> list[str]:
    """Return what several sequences of one session say together, where they gain by it."""
    lines = []
    for one in card.calibration.together:
        parts = ", ".join(f"{name} {part:g}" for name, part in one.fractions.items())
        lines.append(f"    {' + '.join(one.sequences)} (counting {parts}):")
        for words, row in (("validation", one.validation), ("held out", one.held_out)):
            lines += [f"      {words:10}  {_figures(row)}"] if row else []
    if not lines and card.calibration.sequences:
        return ["  Several sequences of one session: no set of them is surely better together"]
    return ["  Several sequences of one session, raw error (years):", *lines] if lines else []


def _intervals(card: Card) -> list[str]:
    level = 100 * card.calibration.interval_level
    lines = [f"  {level:g} % interval, fitted on other folds' people:"]
    for name, row in card.accuracy.interval.items():
        lines.append(
            f"    {name:28} covers {100 * row.coverage:.1f} % of {row.people}, "
            f"mean width {row.mean_width_years:.1f} years"
        )
    unseen = card.calibration.unseen_scanner
    if unseen is not None:
        lines.append(
            "    on scanners never seen as many times as wide: whole heads "
            f"{unseen.whole_head:.2f}, stripped brains {unseen.stripped:.2f}"
        )
    lines += [
        f"    on real {name} scans {read.real_widening:.2f} times as wide besides"
        for name, read in card.calibration.sequences.items()
        if read.real_widening > 1
    ]
    return lines


def _figures(row: Accuracy) -> str:
    low, high = row.mae_interval_years
    return (
        f"n {row.people:3}  MAE {row.mae_years:5.2f} ({low:.2f} to {high:.2f})  "
        f"r {row.r:.3f}  mean error {row.mean_error_years:+.2f}  "
        f"mean age alone {row.mean_age_mae_years:.2f}"
    )
