"""Training of the network that reads scans of other sequences alone, shown as a T1.

The networks of a T1 err more on what a network makes of another sequence, since they have not seen
what it gets wrong. One that goes on on such scans has.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import torch

from BrainAgeLib.model.network import VolumeNetwork
from BrainAgeLib.model.weights import Member
from BrainAgeLib.records import SequenceName
from BrainAgeLib.training.fold import Fold
from BrainAgeLib.training.network import Course, fit_network
from BrainAgeLib.training.network_data import WholeScans
from BrainAgeLib.training.people import site_weights
from BrainAgeLib.training.sequence_scans import SEQUENCE_SCANS


def fit(
    fold: Fold, name: str, sequences: Collection[SequenceName], member: Member
) -> VolumeNetwork:
    """Train the network of some sequences of a fold; go on from its checkpoint, of this name.

    It goes on from the T1's network of the fold's ``member``, in as many steps as that one's and
    on these people's scans of the sequences alone.
    """
    people = fold.with_sequences
    mine = [n for n, (sequence, *_) in enumerate(SEQUENCE_SCANS) if sequence in sequences]
    volumes = fold.maps_of_sequences("volumes")[:, mine].to(fold.device)
    scans = WholeScans(volumes, fold.settings.augmentation)
    drawn = np.repeat(np.arange(len(people)), site_weights(people).astype(int))
    begun = VolumeNetwork(fold.settings.network).filled(member["network"].packed())
    return fit_network(
        lambda chosen: scans(torch.from_numpy(drawn)[chosen]),
        np.array([person.age_years for person in people])[drawn],
        Course(
            fold.settings,
            fold.settings.seed + fold.number,
            fold.folder / f"{name}.pt",
            fold.device,
            lambda done, loss: fold.say(
                f"{' and '.join(sequences)} of", done, fold.settings.steps, f"loss {loss:.3f}"
            ),
        ),
        begun.train(),
    )
