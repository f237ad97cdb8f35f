"""From 3D scans of healthy people to a model folder: the story of a training run."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch

from BrainAgeLib.errors import InputError
from BrainAgeLib.model.devices import resolve_device
from BrainAgeLib.model.network import SliceSetNetwork
from BrainAgeLib.model.tissue_maps import TissueNetwork
from BrainAgeLib.training.fit import Example, fit_network
from BrainAgeLib.training.fit_tissue import (
    fit_tissue_network,
    maps_of_people,
    read_tissue_network,
    write_tissue_network,
)
from BrainAgeLib.training.model_folder import write_model
from BrainAgeLib.training.out_of_fold import (
    choose_tissue_share,
    predict_people,
    read_rows,
    with_tissue_share,
    write_rows,
)
from BrainAgeLib.training.people import Person, assign_folds, read_people
from BrainAgeLib.training.prepare import prepare, training_file
from BrainAgeLib.training.settings import TrainingSettings
from BrainAgeLib.training.simulated_scans import read_scans

# Says what is done and how far: (stage, done, of how many, remark).
Report = Callable[[str, int, int, str], None]
LEAST_PEOPLE_PER_FOLD = 10


def train_model(
    data: Path,
    output: Path,
    settings: TrainingSettings,
    report: Report,
    only_fold: int | None = None,
) -> Path | None:
    """Train the cross-validated ensemble and write a model folder; return its path.

    Started again after a kill it goes on where it stopped: simulated scans, checkpoints and
    predictions are kept in ``output/work``. With ``only_fold`` (on a cluster, one job a fold) only
    that fold is trained and None is returned. Raises InputError for data that cannot be used.
    """
    people = read_people(data)
    if len(people) < LEAST_PEOPLE_PER_FOLD * settings.folds:
        raise InputError(
            f"{len(people)} people are too few for {settings.folds} folds",
            f"at least {LEAST_PEOPLE_PER_FOLD * settings.folds} are needed",
        )
    folder = output / "work"
    folder.mkdir(parents=True, exist_ok=True)
    _same_settings(folder, settings)
    device = resolve_device(settings.device)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    workers = settings.threads or os.cpu_count() or 1
    prepare(
        people, folder, settings, workers, lambda done, all_: report("simulate", done, all_, "")
    )
    folds = assign_folds(people, settings.folds, settings.seed)
    chosen = range(settings.folds) if only_fold is None else [only_fold]
    tissues = _tissue_networks(people, folds, chosen, folder, settings, report)
    networks = [
        _fold(people, folds, fold, tissue, folder, settings, device, report)
        for fold, tissue in zip(chosen, tissues, strict=True)
    ]
    if only_fold is not None:
        return None
    rows = [row for fold in chosen for row in read_rows(folder / f"fold-{fold}.csv")]
    share = choose_tissue_share(rows)
    rows = with_tissue_share(rows, share)
    rows.sort(key=lambda row: (row.participant_id, row.protocol))
    write_rows(rows, output / "out_of_fold.csv")
    return write_model(output, networks, tissues, share, rows, settings)


def _tissue_networks(
    people: list[Person],
    folds: np.ndarray,
    chosen: Iterable[int],
    folder: Path,
    settings: TrainingSettings,
    report: Report,
) -> list[TissueNetwork]:
    """Return the tissue network of each chosen fold, fitted on the people of the others."""
    files = {fold: folder / f"tissue-{fold}.safetensors" for fold in chosen}
    missing = [fold for fold, path in files.items() if not path.exists()]
    if missing:
        done = iter(range(1, len(people) + 1))
        maps, ages = maps_of_people(
            people, folder, lambda: report("tissue maps", next(done), len(people), "")
        )
    for count, fold in enumerate(missing):
        others = torch.from_numpy(folds != fold)
        network = fit_tissue_network(maps[others], ages[others], settings.seed + fold)
        write_tissue_network(network, files[fold])
        report("tissue networks", count + 1, len(missing), "")
    return [read_tissue_network(path) for path in files.values()]


def _fold(
    people: list[Person],
    folds: np.ndarray,
    fold: int,
    tissue: TissueNetwork,
    folder: Path,
    settings: TrainingSettings,
    device: str,
    report: Report,
) -> SliceSetNetwork:
    """Train one fold's network of slices and predict the people whom it has not seen."""
    examples = [
        Example(read_scans(training_file(folder, person)), person.age_years)
        for person, own in zip(people, folds, strict=True)
        if own != fold
    ]
    name = f"fold {fold + 1} of {settings.folds}"
    network = fit_network(
        examples,
        settings,
        settings.seed + fold,
        folder / f"fold-{fold}.pt",
        device,
        lambda epoch, loss: report(f"train {name}", epoch, settings.epochs, f"loss {loss:.3f}"),
    )
    held_out = [person for person, own in zip(people, folds, strict=True) if own == fold]
    table = folder / f"fold-{fold}.csv"
    if not table.exists():
        done = iter(range(1, len(held_out) + 1))
        rows = predict_people(
            network,
            tissue.to(device),
            held_out,
            fold,
            folder,
            device,
            lambda: report(f"predict {name}", next(done), len(held_out), ""),
        )
        write_rows(rows, table)
    return network


def _same_settings(folder: Path, settings: TrainingSettings) -> None:
    """Raise InputError when the folder holds a run with other settings; they must not be mixed."""
    path = folder / "settings.json"
    # Where it runs does not change what is learnt.
    wanted = {k: v for k, v in settings.as_dict().items() if k not in ("device", "threads")}
    if path.exists():
        if json.loads(path.read_text("utf-8")) != wanted:
            raise InputError(
                f"{folder} holds a run with other settings", "choose another output folder"
            )
        return
    path.write_text(json.dumps(wanted, indent=1), "utf-8")
