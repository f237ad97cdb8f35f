"""Write a model's card for people from its card.json.

    python -m Testing.makers.model_card [MODEL_FOLDER]

Writes ``README.md`` into the model folder and the first of its tables between the markers in the
project's README.md. Every figure comes from card.json, which ``brainage train`` wrote.
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path
from typing import Any

from BrainAgeLib.codec import to_plain
from BrainAgeLib.model.calibration import SequencesTogether
from BrainAgeLib.model.card import Card, read_card
from BrainAgeLib.model.card_text import shares_text
from BrainAgeLib.model.ensemble import DEFAULT_MODEL
from BrainAgeLib.resources import models_folder
from BrainAgeLib.statistics import Accuracy
from BrainAgeLib.training.settings import TrainingSettings
from Testing.studies._pages import PROJECT, write_part

README, MARK = PROJECT / "README.md", "model card"
COMMAND = "brainage train --data BIDS --output DIR"

SPLITS = {
    "By age, sex and largest tilt (axial 5+1 mm, all people)": "by_decade by_sex by_tilt",
    "By spacing and coverage (random protocol and contrast, all people)": "by_spacing by_coverage",
}


def first_tables(card: Card) -> str:
    """Return the errors by protocol and sequence, in Markdown."""
    accuracy = card.accuracy
    lines = [
        "Raw error in years on simulated scans of the scanner of the training, each person "
        "predicted by models that had not seen them. *Held out* are the fifth of the people that "
        "no choice looked at. Under 20 years there are too few to say anything.",
        "",
        *_header("scan"),
    ]
    for table, words in ((accuracy.validation, ""), (accuracy.held_out, ", held out")):
        lines += [_row(f"{name}{words}", row) for name, row in table.items() if row]
    return "\n".join(lines + _other_sequences(card) + _together(card))


def tables(card: Card) -> str:
    """Return all accuracy tables in Markdown."""
    accuracy = card.accuracy
    lines = [
        first_tables(card),
        "",
        "The kinds of models alone (axial 5+1 mm, people that choices could look at). In the age "
        f"of a whole brain they count with {_fractions(card)}:",
        "",
        *_header("kind"),
    ]
    lines += [_row(name, row) for name, row in card.ablation.items() if row]
    for words, splits in SPLITS.items():
        lines += ["", f"{words}:", "", *_header("group")]
        for split in splits.split():
            lines += [_row(name, row) for name, row in getattr(accuracy, split).items() if row]
    lines += [
        "",
        *_never_seen(card),
        "Intervals on the scanner of the training: 90 %, fitted on the other folds' people. The "
        "last column lists decades whose exact 95 % interval of the coverage leaves out 0.90.",
        "",
        "| class of scans | people | coverage | mean width (years) | decades off |",
        "|---|---|---|---|---|",
    ]
    for name, row in accuracy.interval.items():
        spans = {decade: entry.exact_interval for decade, entry in row.by_decade.items()}
        off = [decade for decade, (low, high) in spans.items() if not low <= 0.9 <= high]
        lines.append(
            f"| {name} | {row.people} | {100 * row.coverage:.1f} % | "
            f"{row.mean_width_years:.1f} | {', '.join(off) or 'none'} |"
        )
    return "\n".join(lines)


def _other_sequences(card: Card) -> list[str]:
    """Return what the card says of other sequences than T1, and how real ones widen intervals."""
    sequences = card.calibration.sequences
    if not sequences:
        return []
    lines = [
        "",
        "Other sequences, axial 5+1 mm, simulated from tissue labels of the same people, each with "
        "a curve of its own:",
        "",
        *_header("sequence"),
    ]
    for words, which in (("", "validation"), (", held out", "held_out")):
        for name, read in sequences.items():
            row = getattr(read, which)
            lines += [_row(f"{name}{words}", row)] if row else []
    lines += _own_models(card)
    widened = ", ".join(
        f"{name} {read.real_widening:.2f} ({read.real_scans})"
        for name, read in sequences.items()
        if read.real_scans
    )
    if widened:
        lines += [
            "",
            "Their intervals were fitted on simulated scans. On real ones, which may be farther "
            "from the T1 of their session, they are this many times as wide, besides the factor "
            "for scanners never seen (1.00: no wider; in brackets how many real scans told it): "
            f"{widened}.",
        ]
    return lines


def _own_models(card: Card) -> list[str]:
    """Return how models that were trained on a sequence's own scans count in its age."""
    of_sequences = card.blend.of_sequences
    own = filter(card.blend.has_own, of_sequences)
    shares = "; ".join(f"{name} {shares_text(of_sequences[name])}" for name in own)
    words = (
        "*Own experts* were fitted on simulated scans of that sequence alone, shown as a T1; the "
        "*own network* is one of a T1, trained further on those of all sequences that one network "
        f"shows. How much each counts in the age: {shares}."
    )
    return ["", words] if shares else []


def _together(card: Card) -> list[str]:
    """Return what the card says of several sequences of one session, and which sets it lacks.

    Sets of those sequences alone whose ages the card reads; nothing where it knows no set.
    """
    known = card.calibration.together
    if not known:
        return []
    lines = [
        "",
        "Several sequences of one session: the mean of their raw ages, weighted by fractions that "
        "people who are not held out chose, where it errs less than the best of them alone, by "
        "more than chance (95 % bootstrap interval over these people). "
        "Simulated scans of the same people as above; real scans of a session may err more alike.",
        "",
        *_header("sequences (how much each counts)"),
    ]
    for words, which in (("", "validation"), (", held out", "held_out")):
        for one in known:
            parts = ", ".join(f"{name} {part:g}" for name, part in one.fractions.items())
            row = getattr(one, which)
            lines += [_row(f"{parts}{_without(one)}{words}", row)] if row else []
    names = ("T1w", *card.calibration.sequences)
    sets = [each for n in range(2, len(names) + 1) for each in itertools.combinations(names, n)]
    nothing = [" + ".join(each) for each in sets if card.calibration.together_of(each) is None]
    if nothing:
        why = "no sure gain, or too few people"
        lines += ["", f"Not known together: {'; '.join(nothing)} ({why})."]
    return lines


def _without(one: SequencesTogether) -> str:
    """Return which sequence of a set adds nothing."""
    rest = [name for name in one.sequences if name not in one.fractions]
    return f" ({', '.join(rest)} adds nothing)" if rest else ""


def _never_seen(card: Card) -> list[str]:
    """Return what the card says of scanners that the model never saw, and a blank line."""
    lines = []
    for name, row in card.accuracy.left_out.items():
        if row is not None:
            low, high = row.mae_interval_years
            lines.append(
                f"- {name}, by the model without that site: {row.people} people, raw MAE "
                f"**{row.mae_years:.2f}** ({low:.2f}-{high:.2f}), mean error "
                f"{row.mean_error_years:+.2f}"
            )
    if lines:
        lines.append(
            "- these are the training's own scans and places; whole predictions of the same "
            "people, from the file on, are the table of other scanners in the project's README"
        )
    unseen = card.calibration.unseen_scanner
    if unseen is not None:
        lines.append(
            f"- the interval is {unseen.whole_head:.2f} times as wide as the tables say for whole "
            f"heads and {unseen.stripped:.2f} times for stripped brains"
        )
    return ["Sites and scanners that the model never saw, in years:", "", *lines, ""] * bool(lines)


def _fractions(card: Card) -> str:
    words = shares_text(card.blend.whole_brain)
    if card.blend.curve is None:
        return words
    return words + (
        "; a curve by age, fitted on the same people, then takes back part of the leaning towards "
        "the middle"
    )


def _changed(settings: dict[str, Any]) -> str:
    """Return the settings that are not the defaults."""
    usual = to_plain(TrainingSettings())
    unimportant = ("device", "threads")
    changed = ", ".join(
        f"{name} {value}"
        for name, value in settings.items()
        if name not in unimportant and usual.get(name) != value
    )
    return f"not the defaults: {changed}" if changed else "the defaults"


def _header(first: str) -> list[str]:
    return [
        f"| {first} | people | MAE (95 % interval) | RMSE | r | mean error | slope | "
        "MAE of the mean age |",
        "|---|---|---|---|---|---|---|---|",
    ]


def _row(name: str, row: Accuracy) -> str:
    low, high = row.mae_interval_years
    return (
        f"| {name} | {row.people} | **{row.mae_years:.2f}** ({low:.2f}-{high:.2f}) | "
        f"{row.rmse_years:.2f} | {row.r:.3f} | {row.mean_error_years:+.2f} | "
        f"{row.slope:.2f} | {row.mean_age_mae_years:.2f} |"
    )


def card_page(card: Card) -> str:
    """Return the whole card in Markdown."""
    training = card.training
    whole, part = (", ".join(k) for k in (card.blend.whole_brain, card.blend.part_of_brain))
    parameters = ", ".join(f"{kind} {count:,}" for kind, count in training.parameters.items())
    low, high = card.age_range_years
    return f"""# {card.name} {card.version}

{card.notice} Not a medical device.

- **What:** {card.members} members, one for each fold of the cross-validation, of these kinds of
  models: {whole} for whole brains, {part} for a few slices. Parameters
  of a member: {parameters}; sha256 of the weights `{card.sha256}`.
- **Trained on:** {training.people} healthy adults of {low:.0f} to {high:.0f} years
  ({training.sex["F"]} women, {training.sex["M"]} men), brain extracted 3D scans:
  - nearly all of the Cam-CAN study (Shafto et al. 2014, doi 10.1186/s12883-014-0204-1; Taylor et
    al. 2017, doi 10.1016/j.neuroimage.2015.09.018): MPRAGE on one Siemens 3T scanner in Cambridge,
    UK, at 2 mm. Its terms allow research use;
  - 30 of OASIS-1 (Marcus et al. 2007, doi 10.1162/jocn.2007.19.9.1498; terms: research), Siemens
    Vision 1.5T, stripped along labels of the MICCAI 2012 challenge (CC BY-NC 3.0, credit
    Neuromorphometrics);
  - 10 of IXI (brain-development.org, CC BY-SA 3.0), three scanners of London, two of 1.5T and one
    of 3T.

  None of their images is in this project.
- **Made by:** `{COMMAND}` of its time, with the settings in
  card.json ({_changed(training.settings)});
  [more of it, and exceptions](../../../docs/model.md#how-the-shipped-networks-were-trained).
- **Limits:** nearly all of one British site and one scanner, healthy people, {low:.0f} to
  {high:.0f} years. Thick slices are simulated. Real 2D scans of other scanners and of patients can
  be off by more than these tables say.

{tables(card)}
"""


def main() -> None:
    """Write both places."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=models_folder() / DEFAULT_MODEL)
    folder = parser.parse_args().folder
    card = read_card(folder)
    (folder / "README.md").write_text(card_page(card), "utf-8")
    write_part(README, MARK, first_tables(card))


if __name__ == "__main__":
    main()
