"""How much a single slice says, by its height: ages out of fold, and whether the interval holds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load

from BrainAgeLib.model.card import Card
from BrainAgeLib.model.slices import (
    HEIGHTS,
    SliceModel,
    expert_heights_mm,
    nearest_expert,
)
from BrainAgeLib.template.scan_maps import maps_of_scan
from BrainAgeLib.training.people import Person, assign_folds, read_people
from BrainAgeLib.training.simulate import as_slices, subset
from BrainAgeLib.training.store import evaluation_file, read_scans


@dataclass(frozen=True)
class Said:
    """What one slice says. ``expert``: the nearest one's number, or -1."""

    person: str
    expert: int
    predicted_years: float
    age_years: float
    holds: bool


@torch.inference_mode()
def heights(run: Path, data: Path, card: Card) -> list[dict[str, Any]]:
    """Return error and coverage of single slices by height, of a training run's routine scans.

    ``run``: what ``brainage train`` wrote of ``data``, its slice models at least, of some folds or
    all. Each person is seen by the model of the fold that was not fitted on that person; ``card``
    gives the interval.
    """
    work = run / "work"
    settings = json.loads((work / "settings.json").read_text("utf-8"))
    models = {
        number: SliceModel.unpacked(load(path.read_bytes()))
        for number in range(settings["folds"])
        if (path := work / f"slices-{number}.safetensors").exists()
    }
    people = read_people(data)
    folds = assign_folds(people, settings["folds"], settings["seed"])
    said = [
        entry
        for person, fold in zip(people, folds.tolist(), strict=True)
        if fold in models
        for entry in _said(run, person, models[fold], card)
    ]
    rows = [
        _row(number, [entry for entry in said if entry.expert == number])
        for number in range(-1, HEIGHTS)
    ]
    return [row for row in rows if row["slices"]]


def _said(run: Path, person: Person, model: SliceModel, card: Card) -> list[Said]:
    scan = read_scans(evaluation_file(run / "work", person))[0]
    places = as_slices(scan, "cpu").mid_brain_heights_mm
    single = card.class_of(1, scan.spacing_mm)
    age_variance = float(np.var(card.out_of_fold.ages_years))
    entries = []
    for n, expert in enumerate(nearest_expert(places).tolist()):
        maps = maps_of_scan(as_slices(subset(scan, np.array([n])), "cpu"))
        years = model.age_years(maps)
        wider = model.widening(maps, 1, age_variance)
        holds = abs(years - person.age_years) <= wider * single.half_width_years(years)
        entries.append(Said(person.participant_id, expert, years, person.age_years, holds))
    return entries


def _row(number: int, entries: list[Said]) -> dict[str, Any]:
    errors = [abs(entry.predicted_years - entry.age_years) for entry in entries]
    return {
        "height_mm": None if number < 0 else expert_heights_mm(number),
        "slices": len(entries),
        "people": len({entry.person for entry in entries}),
        "mae_years": round(float(np.mean(errors)), 2) if entries else None,
        "coverage": round(float(np.mean([e.holds for e in entries])), 3) if entries else None,
    }
