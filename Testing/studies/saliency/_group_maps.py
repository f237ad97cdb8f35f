"""Mean saliency maps of groups of people, in template space."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from BrainAgeLib.model.saliency import leaning_on_regions
from BrainAgeLib.orphans import end_with_parent
from BrainAgeLib.whole_file import written_atomically
from Testing.studies.saliency._run import Run, brain_of, spearman


@dataclass
class GroupMap:
    """Sums over some people's maps (z, y, x) and how many show brain at each place."""

    total: np.ndarray
    sizes: np.ndarray
    count: np.ndarray
    people: int = 0
    leanings: list[dict[str, tuple[float, float]]] = field(default_factory=list)

    def add(self, years: np.ndarray, brain: np.ndarray, leaning: dict) -> None:
        """Add one person."""
        self.total += np.where(brain, years, 0.0)
        self.sizes += np.where(brain, np.abs(years), 0.0)
        self.count += brain
        self.people += 1
        self.leanings.append(leaning)

    @property
    def mean_years(self) -> np.ndarray:
        """Return the mean (z, y, x) where at least half of the people show brain, else 0."""
        return self._mean(self.total)

    @property
    def mean_size_years(self) -> np.ndarray:
        """Return the mean (z, y, x) of the maps' sizes, whatever their sign."""
        return self._mean(self.sizes)

    def _mean(self, total: np.ndarray) -> np.ndarray:
        enough = self.count >= max(1, 0.5 * self.people)
        return np.where(enough, total / np.maximum(self.count, 1), 0.0)

    def first_of(self, region: str) -> float:
        """Return the share of people who lean on a region most."""
        return float(np.mean([next(iter(one), "") == region for one in self.leanings]))

    def mean_of(self, region: str) -> tuple[float, float]:
        """Return a region's mean strength, in averages of the brain, and its mean in years."""
        values = [one[region] for one in self.leanings if region in one]
        return tuple(np.mean(values, 0).tolist()) if values else (np.nan, np.nan)


def file_of(run: Run, work: Path, number: int) -> Path:
    """Return where a person's map is kept."""
    return work / f"{run.people[number].participant_id}.npz"


def write_map(run: Run, work: Path, number: int) -> None:
    """Write a person's map by the member that has not seen that person."""
    maps = run.main_maps(number)
    years = run.map_of([run.member(number)], maps)
    leaning = leaning_on_regions(years, maps.acquired) if maps.covers_brain else ()
    path = file_of(run, work, number)
    with written_atomically(path) as unfinished:
        np.savez_compressed(
            unfinished,
            years=years.half().numpy(),
            brain=brain_of(maps.acquired).numpy(),
            covered=maps.covers_brain,
            regions=np.array([region.region for region in leaning]),
            strengths=np.array([(one.times_average, one.mean_years) for one in leaning]),
        )


def group_maps(run: Run, work: Path, numbers: list[int]) -> dict[str, GroupMap]:
    """Return the groups by decade and of everybody; scans that leave holes are left out."""
    groups: dict[str, GroupMap] = {}
    for number in sorted(numbers, key=lambda n: run.people[n].age_years):
        content = _read(run, work, number)
        if not content["covered"]:
            continue
        leaning = {
            str(name): tuple(values)
            for name, values in zip(content["regions"], content["strengths"], strict=True)
        }
        years, brain = content["years"].astype(np.float32), content["brain"]
        for name in (decade_of(run.people[number].age_years), "everybody"):
            if name not in groups:
                groups[name] = GroupMap(*(np.zeros(years.shape) for _ in range(3)))
            groups[name].add(years, brain, leaning)
    groups["everybody"] = groups.pop("everybody")
    return groups


def likeness_of_neighbours(run: Run, work: Path, numbers: list[int]) -> float:
    """Return the mean rank correlation between the maps of people next to each other in age."""
    by_age = sorted(numbers, key=lambda n: run.people[n].age_years)
    found = []
    before = _read(run, work, by_age[0])
    for number in by_age[1:]:
        after = _read(run, work, number)
        both = before["brain"] & after["brain"]
        one, other = (torch.from_numpy(arrays["years"][both]).float() for arrays in (before, after))
        found.append(spearman(one, other))
        before = after
    return float(np.mean(found))


def _read(run: Run, work: Path, number: int) -> dict[str, np.ndarray]:
    with np.load(file_of(run, work, number), allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def decade_of(age_years: float) -> str:
    """Return the decade; the few below 20 go with the twenties."""
    return "18 to 29" if age_years < 30 else f"{int(age_years // 10 * 10)}s"


def one_thread() -> None:
    end_with_parent()
    torch.set_num_threads(1)
