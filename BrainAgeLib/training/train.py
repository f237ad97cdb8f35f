"""From 3D scans of healthy people to a model folder: the story of a training run."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from BrainAgeLib.codec import to_plain
from BrainAgeLib.errors import InputError
from BrainAgeLib.extras import require_extra
from BrainAgeLib.model.blend import Member
from BrainAgeLib.model.devices import resolve_device
from BrainAgeLib.model.weights import Weights
from BrainAgeLib.process import own_chance, threads
from BrainAgeLib.run_folder import folder_lock, make_output_folder
from BrainAgeLib.training.fold import Fold, Report
from BrainAgeLib.training.model_folder import write_model
from BrainAgeLib.training.out_of_fold import (
    blended,
    choose_blend,
    predict_people,
    read_rows,
    write_rows,
)
from BrainAgeLib.training.people import Person, assign_folds, read_dataset, write_left_out
from BrainAgeLib.training.settings import TrainingSettings
from BrainAgeLib.training.store import maps_file, mean_maps, prepare, typical_maps
from BrainAgeLib.whole_file import write_atomically

LEAST_PEOPLE_PER_FOLD = 10  # set by hand: fewer say nothing of how good a model is
LEFT_OUT_NAME = "left_out.csv"
MOST_TOLD = 20
# What a model is called and where it is trained does not change what is learnt.
NOT_LEARNT = ("name", "version", "device", "threads")


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
    that fold is trained and None is returned. Raises InputError for data that cannot be used, and
    while another run trains one of the folds in ``output``.
    """
    require_extra("train", "scipy")
    people, left_out = read_dataset(data)
    least = LEAST_PEOPLE_PER_FOLD * settings.folds
    if len(people) < least:
        raise InputError(
            f"{len(people)} people are too few for {settings.folds} folds",
            f"at least {least} are needed" + f"; {len(left_out)} left out" * bool(left_out),
            tuple(f"{one.participant_id}: {one.reason}" for one in left_out[:MOST_TOLD]),
        )
    folder = output / "work"
    make_output_folder(folder)
    if left_out:
        write_left_out(left_out, folder / LEFT_OUT_NAME)
        remark = f"people; {folder / LEFT_OUT_NAME} says who is left out and why"
        report("read", len(people), len(people) + len(left_out), remark)
    chosen = range(settings.folds) if only_fold is None else [only_fold]
    with ExitStack() as run:
        for number in chosen:
            run.enter_context(folder_lock(folder, f"fold-{number}"))
        _same_settings(folder, settings)
        device = resolve_device(settings.device)
        run.enter_context(threads(settings.threads or None))
        run.enter_context(own_chance())
        workers = settings.threads or os.cpu_count() or 1
        prepare(
            people, folder, settings, workers, lambda done, all_: report("simulate", done, all_, "")
        )
        members = _train(people, chosen, folder, settings, device, report)
        if only_fold is not None:
            return None
        return _put_together(people, members, output, settings)


def _train(
    people: list[Person],
    chosen: Iterable[int],
    folder: Path,
    settings: TrainingSettings,
    device: str,
    report: Report,
) -> list[Member]:
    """Train and judge the models of the folds that were chosen; return them."""
    folds = assign_folds(people, settings.folds, settings.seed)
    members = []
    for number in chosen:
        fold = Fold(number, people, folds, folder, settings, device, report)
        members.append(fold.train())
        _predict(fold, members[-1])
    return members


def _predict(fold: Fold, member: Member) -> None:
    """Write what the member says of the people whom it has not seen, once."""
    table = fold.folder / f"fold-{fold.number}.csv"
    if table.exists():
        return
    done = iter(range(1, len(fold.people) + 1))
    count = len(fold.validation)
    rows = predict_people(
        member,
        fold.validation,
        fold.number,
        fold.folder,
        lambda: fold.say("predict", next(done), count),
    )
    write_rows(rows, table)


def _put_together(
    people: list[Person], members: list[Member], output: Path, settings: TrainingSettings
) -> Path:
    """Write out_of_fold.csv and the model folder; return the folder."""
    folder = output / "work"
    tables = [folder / f"fold-{number}.csv" for number in range(settings.folds)]
    rows = [row for table in tables for row in read_rows(table)]
    blend = choose_blend(rows)
    rows = blended(rows, blend)
    rows.sort(key=lambda row: (row.participant_id, row.protocol))
    write_rows(rows, output / "out_of_fold.csv")
    paths = [maps_file(folder, person) for person in people]
    blended_members = [{kind: member[kind] for kind in blend.kinds} for member in members]
    weights = Weights(blended_members, mean_maps(paths), typical_maps(paths))
    return write_model(output, weights, blend, rows, settings)


def _same_settings(folder: Path, settings: TrainingSettings) -> None:
    """Raise InputError when the folder holds a run with other settings; they must not be mixed."""
    path = folder / "settings.json"
    wanted = {k: v for k, v in to_plain(settings).items() if k not in NOT_LEARNT}
    if path.exists():
        if json.loads(path.read_text("utf-8")) != wanted:
            raise InputError(
                f"{folder} holds a run with other settings", "choose another output folder"
            )
        return
    write_atomically(path, json.dumps(wanted, indent=1).encode())
