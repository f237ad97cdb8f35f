"""Small models with random weights: everything that a model folder has, but no knowledge."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from BrainAgeLib.model.brain_maps import POOLED
from BrainAgeLib.model.calibration import (
    AcquisitionClass,
    AgeCurve,
    SequenceCalibration,
    SequencesTogether,
)
from BrainAgeLib.model.card import OWN_EXPERTS, OWN_NETWORK, Blend, Card
from BrainAgeLib.model.network import NetworkSettings, VolumeNetwork
from BrainAgeLib.model.novelty import TOLD, Typical
from BrainAgeLib.model.regional import RegionalModel
from BrainAgeLib.model.slices import HEIGHTS, SliceModel
from BrainAgeLib.model.weights import Member, Own, Weights
from BrainAgeLib.records import Correction, SequenceName
from BrainAgeLib.template.grid import GRID_HEIGHT, GRID_WIDTH, HEIGHT_COUNT
from BrainAgeLib.template.sequences import sha256_of_network
from BrainAgeLib.training.blend import blended, blends_of_sequences
from BrainAgeLib.training.calibration import CLASSES
from BrainAgeLib.training.model_folder import write_model
from BrainAgeLib.training.out_of_fold import MAIN_PROTOCOL, SEQUENCE_PROTOCOLS, Row
from BrainAgeLib.training.people import is_held_out
from BrainAgeLib.training.settings import TrainingSettings

SMALL_NETWORK = NetworkSettings(widths=(4, 4, 8, 8), layout_channels=2)
VOLUME_SHAPE = (HEIGHT_COUNT, GRID_HEIGHT, GRID_WIDTH)
MAP_SHAPE = (HEIGHT_COUNT, GRID_HEIGHT // POOLED, GRID_WIDTH // POOLED)
FOLDS = 2
PEOPLE = 150  # a percentile needs 100 people
# One expert of each group of channels, in different boxes.
EXPERTS = (0, 30, 50, 87)
WHOLE_BRAIN_CLASSES = 2


def blend_of(network: float) -> Blend:
    """Return a blend with this fraction of the networks."""
    return Blend({"network": network, "regional": 1 - network}, {"slices": 1.0})


BLEND = blend_of(0.4)


def small_network(seed: int) -> VolumeNetwork:
    """Return an untrained network whose weights depend on the seed alone."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = VolumeNetwork(SMALL_NETWORK)
        _normalise(network)
    network.age_center_years.fill_(50.0)
    network.age_scale_years.fill_(18.0)
    return network.eval()


@torch.no_grad()
def _normalise(network: VolumeNetwork) -> None:
    """Let normalisation know noise; with the numbers that it starts with nothing comes through."""
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm3d):
            module.momentum = 1.0
    network(torch.rand(4, 4, *MAP_SHAPE))


def small_regional_model(seed: int) -> RegionalModel:
    """Return a regional model of four experts whose weights depend on the seed alone."""
    generator = torch.Generator().manual_seed(seed)
    model = RegionalModel(len(EXPERTS))
    model.numbers.copy_(torch.tensor(EXPERTS))
    model.center.fill_(0.3)
    for number in range(len(EXPERTS)):
        seen = model.values(number, torch.zeros(1, *model.center.shape)).shape[1]
        model.weights[number, :seen] = 0.2 * torch.randn(seen, generator=generator)
    model.offsets.copy_(torch.randn(len(EXPERTS), generator=generator))
    model.shares.copy_(torch.tensor([0.5, 0.4, 0.3, 0.2]))
    model.inverse_size.fill_(1e-3)
    model.mean_age_years.fill_(50.0)
    return model.eval()


def small_slice_model(seed: int) -> SliceModel:
    """Return a slice model whose weights depend on the seed alone; its experts are much alike."""
    generator = torch.Generator().manual_seed(seed)
    model = SliceModel()
    model.center.fill_(0.3)
    model.weights.copy_(0.2 * torch.randn(model.weights.shape, generator=generator))
    model.inverse_size.fill_(1e-3)
    for name in ("base", "slopes", "offsets", "mean_said"):
        getattr(model, name).copy_(torch.randn(HEIGHTS, generator=generator))
    model.covariance.copy_(200.0 + 50.0 * torch.eye(HEIGHTS))
    model.with_age.fill_(200.0)
    model.mean_age_years.fill_(50.0)
    return model.eval()


def small_member(seed: int) -> Member:
    """Return a member whose three models depend on the seed alone."""
    return {
        "network": small_network(seed),
        "regional": small_regional_model(seed),
        "slices": small_slice_model(seed),
    }


def small_weights() -> Weights:
    """Return two small members and a mean brain of noise."""
    generator = torch.Generator().manual_seed(9)
    mean_maps = torch.rand((3, *MAP_SHAPE), generator=generator)
    typical = Typical(torch.full((len(TOLD),), 0.4), torch.eye(len(TOLD)), 3.0)
    return Weights([small_member(seed) for seed in (1, 2)], mean_maps, typical)


def out_of_fold_rows(people: int = PEOPLE) -> list[Row]:
    """Return made-up predictions of people from 20 to 88 years, of every protocol of a card."""
    generator = np.random.default_rng(3)
    rows = []
    for number, age in enumerate(np.linspace(20.0, 88.0, people)):
        name = f"sub-{number:03}"
        for place, (_, _, _, protocol) in enumerate(CLASSES):
            network, regional = 0.85 * age + 8.0 + generator.normal(0, 5.0, 2)
            is_whole = place < WHOLE_BRAIN_CLASSES
            by_kind = {"network": float(network), "regional": float(regional)}
            rows.append(
                Row(
                    participant_id=name,
                    age_years=float(age),
                    sex="FM"[number % 2],
                    fold=number % FOLDS,
                    held_out=is_held_out(name),
                    protocol=protocol,
                    plane="axial",
                    spacing_mm=6.0,
                    tilt_degrees=3.0,
                    slices=24,
                    covers_brain=is_whole,
                    predicted_years=0.0,
                    by_kind=by_kind if is_whole else {"slices": float(network)},
                )
            )
    return blended(rows, BLEND)


def with_sequence_rows(
    rows: list[Row], off_years: float = 10.0, own: Collection[SequenceName] = ()
) -> list[Row]:
    """Return made-up rows and those of other sequences, by so much too old, before any curve.

    ``own``: the sequences whose own models speak as well: experts with half the error of the
    network, and a network of their own that is half as far off to the other side.
    """
    main = [row for row in rows if row.protocol == MAIN_PROTOCOL]
    others = [
        replace(
            row,
            protocol=protocol,
            predicted_years=row.predicted_years + off_years,
            by_kind={kind: years + off_years for kind, years in row.by_kind.items()},
        )
        for protocol in SEQUENCE_PROTOCOLS.values()
        for row in main
    ]
    speaking = {SEQUENCE_PROTOCOLS[sequence] for sequence in own}
    for row in others:
        if row.protocol in speaking:
            half = (row.by_kind["network"] - row.age_years) / 2
            row.by_kind.update(
                {OWN_EXPERTS: row.age_years + half, OWN_NETWORK: row.age_years - half / 2}
            )
    return rows + others


def write_small_model(output: Path, name: str = "small") -> Path:
    """Write a model folder of two small members; return it."""
    settings = TrainingSettings(name=name, version="4", folds=FOLDS, network=SMALL_NETWORK)
    return write_model(output, small_weights(), BLEND, out_of_fold_rows(), settings)


def knowing_model(output: Path) -> Path:
    """Write a model folder whose card knows other sequences; return it."""
    settings = TrainingSettings(name="knowing", version="4", folds=FOLDS, network=SMALL_NETWORK)
    rows = with_sequence_rows(out_of_fold_rows(200))
    return write_model(output, small_weights(), BLEND, rows, settings)


def owning_model(output: Path) -> Path:
    """Write a model folder of which T2w and FLAIR scans have models of their own; return it."""
    settings = TrainingSettings(name="owning", version="4", folds=FOLDS, network=SMALL_NETWORK)
    rows = with_sequence_rows(out_of_fold_rows(200), own=("T2w", "FLAIR"))
    blend = replace(BLEND, of_sequences=blends_of_sequences(rows))
    weights = replace(small_weights(), own=small_own())
    return write_model(output, weights, blend, blended(rows, blend), settings)


def small_own(seed: int = 21) -> Own:
    """Return own models of T2w and FLAIR, which share a network; seeds 0, 10 and 20 beyond this."""
    network = small_network(seed + 20)
    return {
        name: {OWN_EXPERTS: small_regional_model(seed + 10 * n), OWN_NETWORK: network}
        for n, name in enumerate(("T2w", "FLAIR"))
    }


def flat_class(name: str, half_width_years: float) -> AcquisitionClass:
    """Return a class whose interval is as wide at every age, and whose line takes off 2 years."""
    line = Correction("de-lange-cole", name, PEOPLE, (20.0, 88.0), 0.0, 2.0)
    scales = (half_width_years, half_width_years)
    return AcquisitionClass(name, 10, 7.0, 1.0, (20.0, 88.0), scales, PEOPLE, (line,))


def knowing_sets(card: Card) -> Card:
    """Return a card that knows T2w and FLAIR, with half intervals of 8, 10 and 12 years, and sets.

    Of T1w and T2w, half interval 6; and of all three, to which FLAIR adds nothing, half 5.
    """
    curve = AgeCurve((0.0, 100.0), (0.0, 100.0))
    sequences = {
        name: SequenceCalibration(curve, flat_class(name, half), sha256_of_network(name), 1.0, 0)
        for name, half in (("T2w", 10.0), ("FLAIR", 12.0))
    }
    fractions = {"T1w": 0.75, "T2w": 0.25}
    errors = card.accuracy.validation[MAIN_PROTOCOL], card.accuracy.held_out[MAIN_PROTOCOL]
    sets = (
        SequencesTogether(("T1w", "T2w"), fractions, flat_class("pair", 6.0), *errors),
        SequencesTogether(("T1w", "T2w", "FLAIR"), fractions, flat_class("three", 5.0), *errors),
    )
    classes = (flat_class("usual", 8.0), *card.calibration.classes[1:])
    calibration = replace(
        card.calibration, classes=classes, sequences=sequences, together=sets, unseen_scanner=None
    )
    return replace(card, calibration=calibration)
