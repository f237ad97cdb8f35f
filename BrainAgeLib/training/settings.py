"""What a training run can be told, with its defaults."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path

from BrainAgeLib.codec import Source, read
from BrainAgeLib.model.card import NAME
from BrainAgeLib.model.network import NetworkSettings

# Lowest and highest; numbers that are not named here are 0 or more.
LIMITS: dict[str, tuple[float, float]] = {
    "folds": (2, 1e9),
    "scans_per_person": (2, 1e9),
    "steps": (1, 1e9),
    "people_per_step": (2, 1e9),
    "warm_up_fraction": (0, 1),
    "average_decay": (0, 1),
    "augmentation": (0, 10),
    "mixing": (0.01, 1e9),
}


@dataclass(frozen=True)
class TrainingSettings:
    """Settings of ``brainage train``; a JSON file with any of these names replaces the defaults.

    The defaults were chosen in trials on one fold (docs/model.md) or, where these say nothing, set
    by hand to usual values.

    ``name`` and ``version``: of the model that comes out.
    ``scans_per_person``: random thick-slice scans that are simulated of each person.
    ``steps``: of the network.
    ``folds``: cross-validation by person; the models of all folds are the shipped ensemble.
    ``augmentation``: how strongly brains are changed in each step, see ``network_data``.
    ``start_from``: name or folder of a model whose networks are trained further; empty begins anew.
    It has to be a model of the same people, seed and folds, since its networks know those of other
    folds, and one that has seen nobody of the smaller sites.
    ``mixing``: parameter of the beta distribution by which pairs of brains are mixed.
    ``consistency``: what it costs a network when two scans of one person get different ages: their
    mean squared difference, in standard deviations of age, times this. Each step then shows two
    scans of each person; 0 shows one.
    """

    name: str = "thick-slice"
    version: str = "1"
    start_from: str = ""
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
    consistency: float = 0.5
    device: str = "auto"
    threads: int = 0
    network: NetworkSettings = field(default_factory=NetworkSettings)

    def __post_init__(self) -> None:
        """Raise ValueError for a value that cannot be, before hours are spent on it."""
        for name in ("name", "version"):  # they become a folder and part of the card
            if not NAME.fullmatch(getattr(self, name)):
                raise ValueError(
                    f"{name} cannot be {getattr(self, name)!r}: letters, digits and . _ - are known"
                )
        for entry in fields(self):
            value = getattr(self, entry.name)
            low, high = LIMITS.get(entry.name, (0, 1e9))
            if isinstance(value, (int, float)) and not low <= value <= high:
                raise ValueError(f"{entry.name} cannot be {value!r}")


def read_settings(path: Path | None) -> TrainingSettings:
    """Return the defaults, with what a JSON file says instead.

    Raises InputError for a file that is no JSON object, names an unknown setting or gives one a
    value that it cannot have.
    """
    if path is None:
        return TrainingSettings()
    known = ", ".join(entry.name for entry in fields(TrainingSettings))
    source = Source(f"the settings {path} cannot be used", f"known are {known}")
    return read(TrainingSettings, path, source)
