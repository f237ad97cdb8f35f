"""Training of one network that reads scans of other sequences, shown as a T1, and nothing else.

What they are shown as has errors of its own. It goes on from a T1's network, on such scans alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from BrainAgeLib.model.kind import AgeModel
from BrainAgeLib.model.network import VolumeNetwork
from BrainAgeLib.records import SequenceName
from BrainAgeLib.training.fold import Fold
from BrainAgeLib.training.network import course_of, fit_on, going_on
from BrainAgeLib.training.network_data import WholeScans
from BrainAgeLib.training.sequence_scans import SEQUENCE_SCANS


def fit(fold: Fold, name: str, sequences: Sequence[SequenceName], t1: AgeModel) -> VolumeNetwork:
    """Train the network of some sequences on a fold's people; go on from its checkpoint.

    ``name``: of its checkpoint. ``t1``: the T1's network that it goes on from; where the fold is to
    say how good it is, one that has not seen the fold's own people either.
    """
    mine = [n for n, (sequence, *_) in enumerate(SEQUENCE_SCANS) if sequence in sequences]
    volumes = fold.maps_of_sequences("volumes")[:, mine].to(fold.device)
    scans = WholeScans(volumes, fold.settings.augmentation)
    course = course_of(fold, name, f"train {' and '.join(sequences)} of")
    return fit_on(fold.with_sequences, scans, course, going_on(fold.settings, t1))
