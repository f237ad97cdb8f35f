"""Teach a network that shows slices of other sequences as a T1.

    python -m Testing.makers.sequences --network NETWORK --data BIDS... --work FOLDER

NETWORK is ``t2w_flair`` of T2w and FLAIR scans, or ``enhanced`` of a T1 after contrast agent. The
first BIDS holds brain-extracted 3D T1 scans of one scanner, loosely stripped, with
sub-*_dseg.nii.gz beside them (1 fluid, 2 grey, 3 white matter), each further one those of another
scanner, best at 1 mm; held-out people are not looked at. FOLDER, empty at first, keeps the cut
brains and the training's state: a run of the same data that was killed goes on. On one processor
core it takes some 60 minutes. Writes the network's file in Resources/Template and prints its
checksum, which belongs into ``template/sequences.py``. Models that learn from other sequences have
to be trained anew on what comes of it.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from BrainAgeLib.template.sequences import WEIGHTS
from BrainAgeLib.training.people import Person, is_held_out, read_sites
from BrainAgeLib.training.sequence_scans import CutParts, cut_person
from BrainAgeLib.training.sequence_teaching import SEED, teach
from BrainAgeLib.training.store import simulator_of
from BrainAgeLib.whole_file import written_atomically
from Testing.makers.harmonisation import write_taught


def all_cuts(data: Sequence[Path], work: Path) -> list[list[CutParts]]:
    """Return the cut brains of each dataset's people; each is made once.

    These are all who have labels and are not held out. Raises ValueError for a dataset without
    such people, InputError for a person who is in two of them.
    """
    folder = work / "cuts"
    folder.mkdir(parents=True, exist_ok=True)
    people = [
        person
        for person in read_sites(data)[0]
        if person.labels is not None and not is_held_out(person.participant_id)
    ]
    sites = {
        path: [person for person in people if person.site == path.resolve().name] for path in data
    }
    for path, mine in sites.items():
        if not mine:
            raise ValueError(f"{path} has nobody with labels who is not held out")
    return [
        [cut for person in mine for cut in cuts_of(person, folder, work)] for mine in sites.values()
    ]


def cuts_of(person: Person, folder: Path, work: Path) -> list[CutParts]:
    """Return one person's cut brains; ``work`` keeps the registration, ``folder`` what is cut."""
    path = folder / f"{person.participant_id}.npz"
    if not path.exists():
        cuts = cut_person(person, simulator_of(person, work), SEED)
        arrays = {f"values{n}": cut.values for n, cut in enumerate(cuts)}
        arrays |= {f"planes{n}": cut.planes for n, cut in enumerate(cuts)}
        with written_atomically(path) as unfinished:
            np.savez(unfinished, allow_pickle=False, **arrays)
    with np.load(path, allow_pickle=False) as kept:
        count = len(kept.files) // 2
        return [CutParts(kept[f"values{n}"], kept[f"planes{n}"]) for n in range(count)]


def main() -> None:
    """Cut the brains, teach the network and write its file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", choices=WEIGHTS, required=True)
    parser.add_argument("--data", type=Path, required=True, nargs="+")
    parser.add_argument("--work", type=Path, required=True)
    options = parser.parse_args()
    name, _ = WEIGHTS[options.network]
    cuts = all_cuts(options.data, options.work)
    write_taught(name, options.work, cuts, partial(teach, options.network))


if __name__ == "__main__":
    main()
