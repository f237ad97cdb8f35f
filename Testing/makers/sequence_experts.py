"""Fit what a trained model knows of T2w, FLAIR and enhanced T1 scans anew, and nothing else.

    python -m Testing.makers.sequence_experts --data BIDS... --run RUN --version VERSION
        [--shown-by NETWORK...] [--model MODEL_FOLDER]

Each BIDS holds people of one of the model's sites with tissue labels beside their scans
(sub-*_dseg.nii.gz). Their scans of other sequences are simulated into RUN/work, which takes some
12 seconds a person and goes on where it stopped; on each member's own people experts are fitted and
a network goes on from the member's, and the people of the largest site whom it has not seen say how
the ages are read; what is kept is trained on everybody. Writes sequence_experts.safetensors and the
part of card.json on other sequences, and RUN/out_of_fold.csv for the studies. A T1's ages and the
sha256 of the model stay, so VERSION has to tell the new model from the old; ``brainage train`` does
the same for new models. Begin in a new RUN once data or the model are others, or scans are shown or
models trained in another way. With NETWORKs, of ``template.sequences``, only what they show is
learnt anew, and all that is known of other sequences stays as it is; sets of sequences that hold
both are forgotten then, since they would need scans of all.
"""

from __future__ import annotations

import argparse
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from BrainAgeLib.codec import Source, from_plain, to_text
from BrainAgeLib.model.card import Card, read_card
from BrainAgeLib.model.ensemble import DEFAULT_MODEL
from BrainAgeLib.model.weights import Member, Own, counted, load_own, load_weights
from BrainAgeLib.resources import models_folder
from BrainAgeLib.template.sequences import READ, WEIGHTS, network_of
from BrainAgeLib.training.blend import blended, blends_of_sequences
from BrainAgeLib.training.fold import EVERYBODY, Fold
from BrainAgeLib.training.member import train_own
from BrainAgeLib.training.model_folder import sequence_calibrations, sha256_of_own, write_own
from BrainAgeLib.training.out_of_fold import (
    MAIN_PROTOCOL,
    SEQUENCE_OF,
    Row,
    rows_of_sequences,
    write_rows,
)
from BrainAgeLib.training.people import (
    Person,
    assign_folds,
    is_held_out,
    read_sites,
    sites_of,
)
from BrainAgeLib.training.settings import TrainingSettings
from BrainAgeLib.training.store import has_sequences, write_sequences
from BrainAgeLib.training.together import fit_together
from BrainAgeLib.whole_file import write_atomically

_SOURCE = Source("the settings of the card cannot be used", "train the model anew")


def settings_of(card: Card) -> TrainingSettings:
    """Return the settings that a model was trained with."""
    return from_plain(TrainingSettings, card.training.settings, _SOURCE)


def rows_of_t1(people: Sequence[Person], folds: np.ndarray, card: Card) -> list[Row]:
    """Return the T1 rows that the card was made of, as far as it keeps them: ages and predictions.

    These are of the largest site. Raises ValueError for other people than those of the card.
    """
    known, home = card.out_of_fold, sites_of(people)[0]
    at_home = [(p, fold) for p, fold in zip(people, folds, strict=True) if p.site == home]
    if [person.age_years for person, _ in at_home] != list(known.ages_years):
        raise ValueError("these are not the people of the card's largest site")
    return [
        Row(
            participant_id=person.participant_id,
            age_years=person.age_years,
            sex=person.sex,
            fold=int(fold),
            held_out=is_held_out(person.participant_id),
            protocol=MAIN_PROTOCOL,
            plane="axial",
            spacing_mm=6.0,
            tilt_degrees=0.0,
            slices=0,
            covers_brain=True,
            predicted_years=years,
            by_kind={},
        )
        for (person, fold), years in zip(at_home, known.predicted_years, strict=True)
    ]


def sequence_rows(
    members: Sequence[Member], folds: list[Fold], networks: Collection[str]
) -> list[Row]:
    """Return what each member, with its fold's own, says of the people whom it has not seen.

    These are people of the largest site, as those whom a card's figures are of.
    """
    rows = []
    for member, fold in zip(members, folds, strict=True):
        own, home = train_own(fold, member, networks), sites_of(fold.people)[0]
        for person in fold.validation:
            if person.site == home:
                rows += rows_of_sequences(member, own, person, fold.number, fold.folder)
        print(f"fold {fold.number + 1} of {len(folds)}", flush=True)
    return [row for row in rows if network_of(SEQUENCE_OF[row.protocol]) in networks]


def renewed(card: Card, t1: list[Row], rows: list[Row], own: Own) -> tuple[Card, list[Row]]:
    """Return the card with what is said of the rows' sequences anew, and all rows, blended.

    ``own``: the models of everybody, also those of sequences of which nothing is said anew; those
    that count are in the file that the card names.
    """
    names = {SEQUENCE_OF[row.protocol] for row in rows}
    known = card.calibration.sequences
    kept = {name: read for name, read in known.items() if name not in names}
    of_sequences = {n: parts for n, parts in card.blend.of_sequences.items() if n in kept}
    of_sequences |= blends_of_sequences(rows)
    blend = replace(card.blend, of_sequences=of_sequences)
    rows = sorted(t1 + blended(rows, blend), key=lambda row: (row.participant_id, row.protocol))
    read, coverage = sequence_calibrations(rows)
    read = {name: (kept | read)[name] for name in READ if name in kept | read}
    together, of_sets = fit_together(rows, read)
    sets = [one for one in card.calibration.together if not names & set(one.sequences)]
    together = (*sets, *together)
    calibration = replace(card.calibration, sequences=read, together=together)
    entries = [*card.calibration.classes, *(one.entry for one in kept.values())]
    entries += [one.entry for one in sets]
    intervals = {
        name: row
        for name, row in card.accuracy.interval.items()
        if any(name == entry.name for entry in entries)
    }
    accuracy = replace(card.accuracy, interval=intervals | coverage | of_sets)
    own_sha256 = sha256_of_own(counted(own, blend))
    parts = {"blend": blend, "calibration": calibration, "accuracy": accuracy}
    return replace(card, own_sha256=own_sha256, **parts), rows


def renew(
    data: Sequence[Path],
    run: Path,
    folder: Path,
    version: str,
    networks: Collection[str] = tuple(WEIGHTS),
) -> Card:
    """Do all of it; return the new card. The interval is not widened by real scans yet.

    ``networks``: of ``template.sequences``, whose sequences are learnt anew.
    """
    card, names = read_card(folder), [name for name in READ if network_of(name) in networks]
    if "network" not in card.blend.kinds:
        raise ValueError(f"the model in {folder} has no networks to go on from: train it anew")
    if version == card.version:
        raise ValueError(f"the model is {version} already: ages of other sequences will move")
    settings = settings_of(card)
    people, _ = read_sites(data)
    numbers = assign_folds(people, settings.folds, settings.seed)
    t1 = rows_of_t1(people, numbers, card)
    work = run / "work"
    (work / "scans").mkdir(parents=True, exist_ok=True)
    for person in people:
        if not has_sequences(person, work):
            write_sequences(person, work, settings.seed)
    # What it says of other sequences yet may be of a network that showed them otherwise.
    of_t1 = replace(card, calibration=replace(card.calibration, sequences={}, together=()))
    members = load_weights(folder, of_t1, "cpu").members
    everybody, *folds = (
        Fold(n, people, numbers, work, settings, "cpu", lambda *_: None)
        for n in (EVERYBODY, *range(settings.folds))
    )
    others = [name for name in READ if name not in names]
    own = {**load_own(folder, card, others), **train_own(everybody, members[0], networks)}
    rows = sequence_rows(members, folds, networks)
    card, rows = renewed(replace(card, version=version), t1, rows, own)
    write_own(counted(own, card.blend), folder)
    write_atomically(folder / "card.json", to_text(card).encode("utf-8"))
    write_rows(rows, run / "out_of_fold.csv")
    return card


def main() -> None:
    """Read the command line; write both files of the model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, nargs="+")
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--shown-by", choices=WEIGHTS, nargs="+", default=tuple(WEIGHTS))
    parser.add_argument("--model", type=Path, default=models_folder() / DEFAULT_MODEL)
    options = parser.parse_args()
    torch.set_num_threads(1)
    card = renew(options.data, options.run, options.model, options.version, options.shown_by)
    for name, read in card.calibration.sequences.items():
        print(name, card.blend.of_sequences.get(name), read.held_out)


if __name__ == "__main__":
    main()
