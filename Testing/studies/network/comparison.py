"""Compare the model with simpler ones, on the same people, folds and simulated scans.

    make study NAME=network/comparison ARGS="RUN --data BIDS"

RUN is the output folder of a finished ``brainage train``. Every figure is raw and out of fold; the
people of the held-out fifth are in training folds but in no figure. Settings of the simpler
models are the best of a few on these people themselves, which flatters them a little. Writes
Testing/studies/results/model_comparison.json and prints the table.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as functional

from BrainAgeLib.model.brain_maps import network_maps
from BrainAgeLib.training.out_of_fold import MAIN_PROTOCOL, Row, read_rows
from BrainAgeLib.training.simulate import EVALUATION_PROTOCOLS
from BrainAgeLib.training.stored_maps import read_maps, unpacked
from BrainAgeLib.whole_file import write_atomically
from Testing.studies._pages import FIGURES
from Testing.studies.network._people import PROTOCOLS, ValidationPeople

RESULTS = FIGURES / "model_comparison.json"
RIDGES = (1e-3, 1e-2, 1e-1, 1.0)
WIDTHS = (0.1, 0.3, 1.0)


class Cohort(ValidationPeople):
    """The people of a run, their folds and their maps of one protocol at a time."""

    def __init__(self, data: Path, run: Path) -> None:
        super().__init__(data, run)
        affines = [
            np.load(run / "work" / "registrations" / f"{p.participant_id}.npy") for p in self.people
        ]
        self.sizes = np.array([np.linalg.det(affine[:3, :3]) for affine in affines])
        self.volumes = read_maps(self.paths, "volumes")[:, : len(EVALUATION_PROTOCOLS)]
        self.regional = read_maps(self.paths, "regional")

    def out_of_fold(self, kernel: np.ndarray, ridge: float) -> np.ndarray:
        """Return ages (person,) by kernel ridge regression without each person's fold."""
        result = np.zeros_like(self.ages)
        for fold in np.unique(self.folds):
            mine, others = self.folds == fold, self.folds != fold
            mean = self.ages[others].mean()
            within = kernel[np.ix_(others, others)] + ridge * np.eye(int(others.sum()))
            solution = np.linalg.solve(within, self.ages[others] - mean)
            result[mine] = mean + kernel[np.ix_(mine, others)] @ solution
        return result

    def figures(self, predicted: np.ndarray) -> dict[str, float]:
        """Return the raw figures of the people for validation."""
        ages, predicted = self.ages[self.for_validation], predicted[self.for_validation]
        return {
            "mae_years": round(float(np.abs(predicted - ages).mean()), 2),
            "r": round(float(np.corrcoef(predicted, ages)[0, 1]), 3) if np.ptp(predicted) else 0.0,
        }

    def best(self, kernels: list[np.ndarray]) -> dict[str, float]:
        """Return the figures of the best kernel and ridge."""
        tried = [self.figures(self.out_of_fold(k, r)) for k in kernels for r in RIDGES]
        return min(tried, key=lambda figures: figures["mae_years"])


def linear(values: np.ndarray) -> list[np.ndarray]:
    """Return the linear kernel (person, person) of values (person, value), on a common scale."""
    centered = values - values.mean(0)
    products = centered @ centered.T
    return [products / np.trace(products) * len(products)]


def gaussian(values: np.ndarray) -> list[np.ndarray]:
    """Return Gaussian kernels of several widths."""
    products = linear(values)[0]
    size = np.diag(products)
    distance = size[:, None] + size - 2 * products
    return [np.exp(-width * distance / distance.mean()) for width in WIDTHS]


def models(cohort: Cohort, number: int) -> dict[str, Callable[[], dict[str, float]]]:
    """Return the simpler models, each to be asked for its figures, for one protocol."""
    maps = network_maps(unpacked(cohort.volumes[:, number]))[:, :3]
    totals = maps.sum((2, 3, 4)).numpy()
    shares = np.column_stack([totals / totals.sum(1, keepdims=True), cohort.sizes])
    shares = (shares - shares.mean(0)) / shares.std(0)
    coarse = functional.avg_pool3d(maps, 2).flatten(1).numpy()
    aligned = cohort.regional[:, number].float().flatten(1).numpy()
    everyone = np.full_like(cohort.ages, cohort.ages.mean())
    return {
        "mean age": lambda: cohort.figures(everyone),
        "ridge on tissue fractions and brain volume": lambda: cohort.best(linear(shares)),
        "ridge on tissue maps, 8 mm": lambda: cohort.best(linear(coarse)),
        "Gaussian kernel on tissue maps, 8 mm": lambda: cohort.best(gaussian(coarse)),
        "ridge on aligned maps, 5 mm": lambda: cohort.best(linear(aligned)),
        "Gaussian kernel on aligned maps, 5 mm": lambda: cohort.best(gaussian(aligned)),
    }


def ours(rows: list[Row], protocol: str) -> dict[str, dict[str, float]]:
    """Return the figures of the shipped model and its parts."""
    chosen = [row for row in rows if row.protocol == protocol and not row.held_out]
    ages = np.array([row.age_years for row in chosen])
    result = {}
    said: dict[str, Callable[[Row], float]] = {
        "3D network alone": lambda row: row.by_kind["network"],
        "stacked regional experts alone": lambda row: row.by_kind["regional"],
        "both: the shipped model": lambda row: row.predicted_years,
    }
    for name, years_of in said.items():
        predicted = np.array([years_of(row) for row in chosen])
        result[name] = {
            "mae_years": round(float(np.abs(predicted - ages).mean()), 2),
            "r": round(float(np.corrcoef(predicted, ages)[0, 1]), 3),
        }
    return result


def main() -> None:
    """Compare and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    options = parser.parse_args()
    torch.manual_seed(0)
    cohort = Cohort(options.data, options.run)
    rows = read_rows(options.run / "out_of_fold.csv")
    table: dict[str, dict[str, dict[str, float]]] = {}
    for protocol, number in PROTOCOLS.items():
        for name, ask in models(cohort, number).items():
            table.setdefault(name, {})[protocol] = ask()
        for name, figures in ours(rows, protocol).items():
            table.setdefault(name, {})[protocol] = figures
    people = int(cohort.for_validation.sum())
    write_atomically(
        RESULTS, (json.dumps({"people": people, "models": table}, indent=1) + "\n").encode()
    )
    print(f"raw MAE in years (r), {people} people, out of fold; first column {MAIN_PROTOCOL}")
    for name, by_protocol in table.items():
        cells = "  ".join(f"{v['mae_years']:5.2f} ({v['r']:.3f})" for v in by_protocol.values())
        print(f"{name:46} {cells}")


if __name__ == "__main__":
    main()
