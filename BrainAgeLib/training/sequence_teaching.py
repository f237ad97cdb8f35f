"""Teaching a network of ``template.sequences``: scans of other sequences, and the steps.

It sees simulated scans of the people of ``sequence_scans`` and is to give what the models would
read of the T1 that they were made from. Labels of one scanner at 2 mm are softer than real pixels:
people of other sites, with finer labels, are shown besides. Nobody's age is looked at, and nobody
who is held out is seen. It goes on from the network of ``template.harmonisation``, which has learnt
what a T1 looks like.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as functional

from BrainAgeLib.records import SequenceName
from BrainAgeLib.template.harmonisation import harmonising_network
from BrainAgeLib.template.sequences import READ, SequenceNetwork, brightness
from BrainAgeLib.training.harmonisation import (
    Lesson,
    loss_of,
    near_what_counts,
    taught,
    tissues_off,
)
from BrainAgeLib.training.sequence_scans import CutParts, scan_of

# Set by hand.
# Of what each network is shown. The bundled ones are older than this: docs/model.md.
MIXTURES: dict[str, dict[SequenceName, float]] = {
    "t2w_flair": {"T2w": 0.5, "FLAIR": 0.5},
    "enhanced": {"T1w after contrast": 1.0},
}
ROUNDS = ((3000, 3e-3), (2500, 2e-3))  # steps and highest learning rate
SCANS_PER_STEP, SLICES_PER_SCAN = 2, 12
SHARE_OF_OTHERS = 0.3  # of the scans that are of other sites than the first
AMOUNT_WEIGHT = 2.0  # of the amounts' error beside that of each place
AMOUNT_PIXELS = 6  # the side of a square of amounts, 15 mm
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
    name: str,
    sites: Sequence[Sequence[CutParts]],
    checkpoint: Path,
    on_progress: Callable[[int, float], None],
) -> SequenceNetwork:
    """Return a network taught on scans of the cut brains of sites; go on from the checkpoint.

    ``name``: of ``MIXTURES``. ``on_progress`` hears how many steps are done, and the loss of the
    last one.
    """
    mixture = MIXTURES[name]
    return taught(
        begun(),
        lambda step: lesson(mixture, sites, step),
        ROUNDS,
        checkpoint,
        on_progress,
        error_of=loss_with_amounts,
    )


def loss_with_amounts(
    levels: torch.Tensor, wanted: torch.Tensor, images: torch.Tensor
) -> torch.Tensor:
    """Return the loss of ``harmonisation``, and how far the amounts of tissue around are off.

    An age is read from how much of each tissue there is about a place. In a pixel of two tissues
    another contrast leaves a doubt; single pixels err least when all of them lean to the likelier
    tissue, and then the amounts are off. Arguments (slice, y, x), see ``harmonisation.loss_of``.
    """
    near = near_what_counts(wanted, images)[:, None]
    amounts = _around(tissues_off(levels, wanted) * near).abs().sum()
    return loss_of(levels, wanted, images) + AMOUNT_WEIGHT * amounts / _around(near).sum()


def _around(values: torch.Tensor) -> torch.Tensor:
    """Return the means (slice, channel, row, column) of squares that overlap by half.

    At the edges of the picture, where no brain is, some places are in fewer of them or in none.
    """
    return functional.avg_pool2d(values, AMOUNT_PIXELS, AMOUNT_PIXELS // 2)


def lesson(
    mixture: Mapping[SequenceName, float], sites: Sequence[Sequence[CutParts]], step: int
) -> Lesson:
    """Return the slices of a step: some of two scans, each half the time mirrored."""
    generator = np.random.default_rng([SEED, step])
    scans = [_slices(mixture, _drawn(sites, generator), generator) for _ in range(SCANS_PER_STEP)]
    *seen, wanted = (torch.cat(values) for values in zip(*scans, strict=True))
    return Lesson(tuple(seen), wanted, seen[1])


def _drawn(
    sites: Sequence[Sequence[CutParts]], generator: np.random.Generator
) -> Sequence[CutParts]:
    """Return one of the sites: the first, or with ``SHARE_OF_OTHERS`` one of the others."""
    if len(sites) == 1 or generator.random() >= SHARE_OF_OTHERS:
        return sites[0]
    return sites[1 + int(generator.integers(len(sites) - 1))]


def _slices(
    mixture: Mapping[SequenceName, float],
    cuts: Sequence[CutParts],
    generator: np.random.Generator,
) -> tuple[torch.Tensor, ...]:
    """Return brightness, mask, template, sequence and wanted levels of slices of a random scan."""
    cut = cuts[int(generator.integers(len(cuts)))]
    sequence = READ[generator.choice(len(READ), p=[mixture.get(name, 0.0) for name in READ])]
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
