"""Teaching the network of ``template.sequences``: scans of other sequences, and the steps.

It sees simulated scans of the people of ``sequence_scans`` and is to give the levels of the T1 that
they were made from. Nobody's age is looked at, and nobody who is held out is seen. It goes on from
the network of ``template.harmonisation``, which has learnt what a T1 looks like.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from BrainAgeLib.records import SequenceName
from BrainAgeLib.template.harmonisation import harmonising_network
from BrainAgeLib.template.sequences import READ, SequenceNetwork, brightness
from BrainAgeLib.training.harmonisation import Lesson, taught
from BrainAgeLib.training.sequence_scans import CutParts, scan_of

# Set by hand.
MIXTURE: dict[SequenceName, float] = {"T2w": 0.42, "FLAIR": 0.42, "T1w after contrast": 0.16}
ROUNDS = ((3000, 3e-3), (2500, 2e-3))  # steps and highest learning rate
SCANS_PER_STEP, SLICES_PER_SCAN = 2, 12
SEED = 4712
FIRST_LAYER = "down.0.0.weight"


def begun() -> SequenceNetwork:
    """Return the network of ``harmonisation`` that does not look at what is new to it yet."""
    network = SequenceNetwork()
    known = harmonising_network("cpu").state_dict()
    first = torch.zeros_like(network.state_dict()[FIRST_LAYER])
    first[:, : known[FIRST_LAYER].shape[1]] = known[FIRST_LAYER]
    network.load_state_dict({**known, FIRST_LAYER: first})
    return network


def teach(
    cuts: Sequence[CutParts], checkpoint: Path, on_progress: Callable[[int, float], None]
) -> SequenceNetwork:
    """Return a network taught on scans of these cut brains; go on from the checkpoint.

    ``on_progress`` hears how many steps are done, and the loss of the last one.
    """
    return taught(begun(), lambda step: lesson(cuts, step), ROUNDS, checkpoint, on_progress)


def lesson(cuts: Sequence[CutParts], step: int) -> Lesson:
    """Return the slices of a step: some of two scans, each half the time mirrored."""
    generator = np.random.default_rng([SEED, step])
    scans = [_slices(cuts, generator) for _ in range(SCANS_PER_STEP)]
    *seen, wanted = (torch.cat(values) for values in zip(*scans, strict=True))
    return Lesson(tuple(seen), wanted, seen[1])


def _slices(cuts: Sequence[CutParts], generator: np.random.Generator) -> tuple[torch.Tensor, ...]:
    """Return brightness, mask, template, sequence and wanted levels of slices of a random scan."""
    cut = cuts[int(generator.integers(len(cuts)))]
    sequence = READ[generator.choice(len(READ), p=[MIXTURE[name] for name in READ])]
    (image, mask), kept = scan_of(cut, sequence, generator)
    template = cut.template[:, kept]
    shown = brightness(image, mask, cut.points_mm[kept], template)
    count = min(SLICES_PER_SCAN, len(kept))
    chosen = torch.from_numpy(np.sort(generator.choice(len(kept), count, replace=False)))
    values = [shown, mask, template.transpose(0, 1), cut.wanted[kept]]
    values = [value[chosen] for value in values]
    if generator.random() < 0.5:
        values = [value.flip(-1) for value in values]
    *seen, wanted = values
    return *seen, torch.full((count,), READ.index(sequence)), wanted
