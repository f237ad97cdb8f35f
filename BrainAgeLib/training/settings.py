"""What a training run can be told, with its defaults."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from BrainAgeLib.errors import InputError
from BrainAgeLib.model.network import NetworkSettings


@dataclass(frozen=True)
class TrainingSettings:
    """Settings of ``brainage train``; a JSON file with any of these names replaces the defaults.

    ``scans_per_person``: random thick-slice scans that are simulated of each person.
    ``slices_per_step``: how many slices of a scan one training step sees at most.
    ``folds``: cross-validation by person; the networks of all folds are the shipped ensemble.
    ``label_width_years``: standard deviation of the soft label.
    """

    name: str = "slice-set"
    seed: int = 2025
    folds: int = 5
    scans_per_person: int = 8
    epochs: int = 45
    people_per_step: int = 8
    slices_per_step: int = 12
    learning_rate: float = 1.5e-3
    weight_decay: float = 0.05
    warm_up_fraction: float = 0.1
    average_decay: float = 0.999
    label_width_years: float = 3.0
    age_loss_weight: float = 0.1
    slice_loss_weight: float = 0.5
    device: str = "auto"
    threads: int = 0
    network: NetworkSettings = field(default_factory=NetworkSettings)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, as they are written to the card."""
        return asdict(self) | {"network": self.network.as_dict()}


def read_settings(path: Path | None) -> TrainingSettings:
    """Return the defaults, with what a JSON file says instead.

    Raises InputError for a file that is no JSON object or names an unknown setting.
    """
    if path is None:
        return TrainingSettings()
    try:
        given = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"the settings {path} cannot be read: {error}") from error
    if not isinstance(given, dict):
        raise InputError(f"the settings {path} are not a JSON object")
    network = given.pop("network", {})
    known = {entry.name for entry in fields(TrainingSettings)}
    known_network = {entry.name for entry in fields(NetworkSettings)}
    unknown = (set(given) - known) | (set(network) - known_network)
    if unknown:
        raise InputError(
            f"unknown settings in {path}: {', '.join(sorted(unknown))}",
            f"known are {', '.join(sorted(known | known_network))}",
        )
    if "widths" in network:
        network["widths"] = tuple(network["widths"])
    return TrainingSettings(**given, network=NetworkSettings(**network))
