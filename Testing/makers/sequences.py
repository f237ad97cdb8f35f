"""Teach the network that shows T2-weighted and FLAIR slices as a T1.

    python -m Testing.makers.sequences --data BIDS --work FOLDER

BIDS holds brain-extracted 3D T1 scans of one scanner, loosely stripped, with sub-*_dseg.nii.gz
beside them (1 fluid, 2 grey, 3 white matter); held-out people are not looked at. FOLDER, empty at
first, keeps the cut brains and the training's state: a run that was killed goes on. On one
processor core it takes some 40 minutes. Writes Resources/Template/sequences.safetensors and prints
its checksum, which belongs into ``template/sequences.py``. Models that learn from other sequences
have to be trained anew on what comes of it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from BrainAgeLib.template.sequences import WEIGHTS_NAME
from BrainAgeLib.training.people import Person, is_held_out, read_people
from BrainAgeLib.training.sequence_scans import CutParts, cut_person
from BrainAgeLib.training.sequence_teaching import SEED, teach
from BrainAgeLib.training.store import simulator_of
from BrainAgeLib.whole_file import written_atomically
from Testing.makers.harmonisation import run


def all_cuts(data: Path, work: Path) -> list[CutParts]:
    """Return the cut brains of all who have labels and are not held out; each is made once."""
    folder = work / "cuts"
    folder.mkdir(parents=True, exist_ok=True)
    result: list[CutParts] = []
    for person in read_people(data):
        if person.labels is not None and not is_held_out(person.participant_id):
            result += cuts_of(person, folder, work)
    return result


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
    run(__doc__, WEIGHTS_NAME, all_cuts, teach)


if __name__ == "__main__":
    main()
