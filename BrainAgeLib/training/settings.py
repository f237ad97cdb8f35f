"""What a training run can be told, with its defaults."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from BrainAgeLib.errors import InputError
from BrainAgeLib.model.card import NetworkSettings

MOST = 1e9
# Numbers that are not named here are 0 or more.
LIMITS: dict[str, tuple[float, float]] = {
    "folds": (2, MOST),
    "scans_per_person": (2, MOST),
    "steps": (1, MOST),
    "people_per_step": (2, MOST),
    "warm_up_fraction": (0, 1),
    "average_decay": (0, 1),
    "augmentation": (0, 10),
    "mixing": (0.01, MOST),
    "widths": (1, MOST),
    "layout_channels": (1, MOST),
    "dropout": (0, 1),
}


@dataclass(frozen=True)
class TrainingSettings:
    """Settings of ``brainage train``; a JSON file with any of these names replaces the defaults.

    ``scans_per_person``: random thick-slice scans that are simulated of each person.
    ``steps``: of the network.
    ``folds``: cross-validation by person; the models of all folds are the shipped ensemble.
    ``augmentation``: how strongly brains are changed in each step, see ``augment``.
    ``mixing``: parameter of the beta distribution by which pairs of brains are mixed.
    """

    name: str = "thick-slice"
    seed: int = 2025
    folds: int = 8
    scans_per_person: int = 10
    steps: int = 3000
    people_per_step: int = 32
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    warm_up_fraction: float = 0.05
    average_decay: float = 0.998
    augmentation: float = 1.0
    mixing: float = 0.4
    device: str = "auto"
    threads: int = 0
    network: NetworkSettings = field(default_factory=NetworkSettings)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, as they are written to the card."""
        return asdict(self) | {"network": self.network.as_dict()}


def read_settings(path: Path | None) -> TrainingSettings:
    """Return the defaults, with what a JSON file says instead.

    Raises InputError for a file that is no JSON object, names an unknown setting or gives one a
    value that it cannot have.
    """
    if path is None:
        return TrainingSettings()
    try:
        given = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"the settings {path} cannot be read: {error}") from error
    network = given.pop("network", {}) if isinstance(given, dict) else None
    if not isinstance(network, dict):
        raise InputError(f"the settings {path} are not a JSON object")
    known = {entry.name for entry in fields(TrainingSettings)}
    known_network = {entry.name for entry in fields(NetworkSettings)}
    unknown = (set(given) - known) | (set(network) - known_network)
    if unknown:
        raise InputError(
            f"unknown settings in {path}: {', '.join(sorted(unknown))}",
            f"known are {', '.join(sorted(known | known_network))}",
        )
    _check(given, TrainingSettings(), path)
    _check(network, NetworkSettings(), path)
    if "widths" in network:
        network["widths"] = tuple(network["widths"])
        if len(network["widths"]) != len(NetworkSettings().widths):
            raise InputError(f"in {path} widths must be {len(NetworkSettings().widths)} numbers")
    return TrainingSettings(**given, network=NetworkSettings(**network))


def _check(given: dict[str, Any], defaults: object, path: Path) -> None:
    """Raise InputError for a value that cannot be, before hours are spent on it."""
    for name, value in given.items():
        if not _can_be(name, value, type(getattr(defaults, name))):
            raise InputError(f"in {path} {name} cannot be {json.dumps(value)}")


def _can_be(name: str, value: object, kind: type) -> bool:
    if kind is str:  # the name becomes a folder
        return isinstance(value, str) and value not in ("", "..") and Path(value).name == value
    if kind is tuple:
        return isinstance(value, list) and value != [] and all(_can_be(name, n, int) for n in value)
    if isinstance(value, bool) or not isinstance(value, (int, float) if kind is float else int):
        return False
    low, high = LIMITS.get(name, (0, MOST))
    return low <= value <= high
