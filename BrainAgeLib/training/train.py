"""From 3D scans of healthy people to a model folder: the story of a training run."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np

from BrainAgeLib.errors import InputError
from BrainAgeLib.extras import require_extra
from BrainAgeLib.model.card import NAME, Blend
from BrainAgeLib.model.devices import resolve_device
from BrainAgeLib.model.weights import Member, Own, Weights, counted
from BrainAgeLib.process import own_chance, threads
from BrainAgeLib.run_folder import LOCK_NAME, folder_lock, make_output_folder
from BrainAgeLib.training.blend import blended, choose_blend
from BrainAgeLib.training.fold import EVERYBODY, Fold, Report
from BrainAgeLib.training.member import train_member, train_own
from BrainAgeLib.training.model_folder import write_model
from BrainAgeLib.training.network import network_to_start_from
from BrainAgeLib.training.out_of_fold import predict_people, read_rows, write_rows
from BrainAgeLib.training.people import (
    LEAST_AGES,
    LEAST_OUTSIDE_OF_FOLD,
    LeftOut,
    Person,
    assign_folds,
    enough_outside_of_folds,
    read_sites,
    sites_of,
    too_few_labels,
    write_left_out,
)
from BrainAgeLib.training.same_run import begin_to_train, check_same_run, check_sources
from BrainAgeLib.training.settings import TrainingSettings
from BrainAgeLib.training.store import MOST_TOLD, maps_file, prepare
from BrainAgeLib.training.stored_maps import mean_maps, typical_maps, typical_sides_of
from BrainAgeLib.whole_file import TEMPORARY_PREFIX

logger = logging.getLogger(__name__)
LEAST_PEOPLE_PER_FOLD = 10  # set by hand: fewer say nothing of how good a model is
LEFT_OUT_NAME = "left_out.csv"
ROWS_NAME = "out_of_fold.csv"


def train_model(
    data: Sequence[Path],
    output: Path,
    settings: TrainingSettings,
    report: Report,
    only_fold: int | None = None,
) -> Path | None:
    """Train the cross-validated ensemble and write a model folder; return its path.

    ``data``: one or more datasets. Where there are several sites, one more member is trained
    without each of the smaller ones: it says what an unseen scanner costs, and is kept as a model
    of its own beside the other.

    Started again after a kill it goes on where it stopped: simulated scans, checkpoints and
    predictions are kept in ``output/work``. Before models are trained, people may be mended, taken
    out or added, and the others' scans are kept. With ``only_fold`` (on a cluster, one job a fold)
    only that fold is trained and None is returned. Raises InputError for data that cannot be used,
    and while another run trains one of the folds in ``output``.
    """
    require_extra("train", "scipy")
    people, left_out = _read(data, settings)
    splits = _splits(people, settings)
    chosen = _chosen(splits, only_fold)
    network_to_start_from(settings, 0)  # refuses what will not do before hours are spent
    folder = output / "work"
    make_output_folder(folder)
    with ExitStack() as run:
        for number in chosen:
            run.enter_context(folder_lock(folder, f"fold-{number}"))
        if only_fold is None:  # nobody else writes there
            _remove_unfinished(folder)
        _tell_who_is_left_out(left_out, len(people), folder, report)
        device = resolve_device(settings.device)
        run.enter_context(threads(settings.threads or None))
        run.enter_context(own_chance())
        _prepare(people, folder, settings, report)
        folds = [Fold(n, people, splits[n], folder, settings, device, report) for n in chosen]
        members = [_trained(fold) for fold in folds]
        if only_fold is not None:
            return None
        return _put_together(replace(folds[0], number=EVERYBODY), members, output)


def _prepare(
    people: list[Person], folder: Path, settings: TrainingSettings, report: Report
) -> None:
    """Have everybody's scans in the folder, made of the files that are there now."""
    workers = settings.threads or os.cpu_count() or 1
    is_begun = check_same_run(folder, settings, people)
    check_sources(people, folder, is_begun, workers, lambda n, of: report("compare", n, of, ""))
    prepare(people, folder, settings, workers, lambda n, of: report("simulate", n, of, ""))
    begin_to_train(folder, settings, people)


def _tell_who_is_left_out(
    left_out: list[LeftOut], people: int, folder: Path, report: Report
) -> None:
    (folder / LEFT_OUT_NAME).unlink(missing_ok=True)  # those of an earlier run
    if left_out:
        write_left_out(left_out, folder / LEFT_OUT_NAME)
        remark = f"people; {folder / LEFT_OUT_NAME} says who is left out and why"
        report("read", people, people + len(left_out), remark)


def _remove_unfinished(folder: Path) -> None:
    """Remove the files that killed runs were writing, which are as large as finished ones."""
    tables = folder.parent.glob(f"{TEMPORARY_PREFIX}*-{ROWS_NAME}")
    for unfinished in (*folder.rglob(f"{TEMPORARY_PREFIX}*"), *tables):
        if not unfinished.name.startswith(LOCK_NAME):
            unfinished.unlink(missing_ok=True)


def _read(data: Sequence[Path], settings: TrainingSettings) -> tuple[list[Person], list[LeftOut]]:
    """Return the people, and who is left out.

    Raises InputError when they are too few, or of one age, to say how good a model is, and for a
    site whose name cannot be that of a model.
    """
    people, left_out = read_sites(data)
    least = LEAST_PEOPLE_PER_FOLD * settings.folds
    if len(people) < least:
        raise InputError(
            f"{len(people)} people are too few for {settings.folds} folds",
            f"at least {least} are needed" + f"; {len(left_out)} left out" * bool(left_out),
            tuple(f"{one.participant_id}: {one.reason}" for one in left_out[:MOST_TOLD]),
        )
    largest, *others = sites_of(people)
    at_home = [person for person in people if person.site == largest]
    # Another site moves nobody of this one to another fold.
    folds = assign_folds(at_home, settings.folds, settings.seed)
    ages = len({person.age_years for person in at_home})
    if not enough_outside_of_folds(folds.tolist()) or ages < LEAST_AGES:
        raise InputError(
            f"the largest site, {largest}, has {len(at_home)} people of {ages} different ages: too "
            f"few to say how good a model is by {settings.folds} folds",
            f"at least {LEAST_OUTSIDE_OF_FOLD} people of one site are needed outside of each fold, "
            f"and {LEAST_AGES} ages",
        )
    for site in others:
        if not NAME.fullmatch(_name_without(site, settings)):
            raise InputError(
                f"a model cannot be called {_name_without(site, settings)!r}, after the dataset",
                "rename the folder: letters, digits and . _ - are known",
            )
    _tell_of_too_few_labels(people, settings.folds, settings.seed)
    return people, left_out


def _name_without(site: str, settings: TrainingSettings) -> str:
    return f"{settings.name}-without-{site}"


def _chosen(splits: list[np.ndarray], only_fold: int | None) -> Sequence[int]:
    """Return the numbers of the members to train. Raises InputError when there is no such one."""
    if only_fold is None:
        return range(len(splits))
    if not 0 <= only_fold < len(splits):
        raise InputError(f"there is no fold {only_fold + 1}", f"give 1 to {len(splits)}")
    return [only_fold]


def _splits(people: list[Person], settings: TrainingSettings) -> list[np.ndarray]:
    """Return who is left out (person,) by each member: its own number says so.

    First the folds, then one for each site but the largest, without which there would be little
    left to learn from.
    """
    folds = assign_folds(people, settings.folds, settings.seed)
    sites = np.array([person.site for person in people])
    others = sites_of(people)[1:]
    left_out = [np.where(sites == site, settings.folds + n, -1) for n, site in enumerate(others)]
    return [folds] * settings.folds + left_out


def _trained(fold: Fold) -> tuple[Member, Own]:
    """Train and judge the models of one member; return those of a T1 and of other sequences."""
    member = train_member(fold)
    own = _own(fold, member)
    _predict(fold, member, own)
    return member, own


def _own(fold: Fold, member: Member) -> Own:
    """Train what reads other sequences; nothing where ages of these would never be given."""
    settings = fold.settings
    too_few = too_few_labels(fold.people, settings.folds, settings.seed)
    return {} if too_few else train_own(fold, member)


def _tell_of_too_few_labels(people: list[Person], folds: int, seed: int) -> None:
    if too_few := too_few_labels(people, folds, seed):
        logger.warning(
            "labels of %d people are too few to say how good ages of other sequences are, and the "
            "model will give none: at least %d people of the largest site need them outside of "
            "each fold",
            *(too_few, LEAST_OUTSIDE_OF_FOLD),
        )


def _predict(fold: Fold, member: Member, own: Own) -> None:
    """Write what the member says of the people whom it has not seen, once."""
    table = fold.folder / f"fold-{fold.number}.csv"
    if table.exists():
        return
    done = iter(range(1, len(fold.people) + 1))
    count = len(fold.validation)
    rows = predict_people(
        member,
        own,
        fold.validation,
        fold.number,
        fold.folder,
        lambda: fold.say("predict", next(done), count),
    )
    write_rows(rows, table)


def _put_together(everybody: Fold, members: list[tuple[Member, Own]], output: Path) -> Path:
    """Write out_of_fold.csv and the model folders; return the folder of the whole model."""
    people, folder, settings = everybody.people, everybody.folder, everybody.settings
    largest, *others = sites_of(people)
    tables = [read_rows(folder / f"fold-{number}.csv") for number in range(len(members))]
    rows = [row for table in tables[: settings.folds] for row in table]
    # What is chosen and measured on the training's own scanner is so on the largest site.
    at_home = {person.participant_id for person in people if person.site == largest}
    rows = [row for row in rows if row.participant_id in at_home]
    judged = dict(zip(others, tables[settings.folds :], strict=True))
    blend = choose_blend(rows, list(judged.values()))
    rows = sorted(blended(rows, blend), key=lambda row: (row.participant_id, row.protocol))
    write_rows(rows, output / ROWS_NAME)
    # Nobody of a site is in the model without it: neither in its blend nor in what is typical.
    blends = {
        site: choose_blend(rows, [table for name, table in judged.items() if name != site])
        for site in others
    }
    left_out = {site: blended(table, blends[site]) for site, table in judged.items()}
    for (member, own), site in zip(members[settings.folds :], others, strict=True):
        write_rows(left_out[site], output / f"without-{site}.csv")
        seen = [person for person in people if person.site != site]
        weights = _weights([member], own, blends[site], seen, folder)
        without = replace(settings, name=_name_without(site, settings))
        own_rows = blended(rows, blends[site])
        write_model(output, weights, blends[site], own_rows, without, left_out, site)
    of_folds = [member for member, _ in members[: settings.folds]]
    whole = _weights(of_folds, _own(everybody, of_folds[0]), blend, people, folder)
    return write_model(output, whole, blend, rows, settings, left_out)


def _weights(
    members: list[Member], own: Own, blend: Blend, people: Sequence[Person], folder: Path
) -> Weights:
    """Return what a model of these members and people holds."""
    paths = [maps_file(folder, person) for person in people]
    kept = [{kind: member[kind] for kind in blend.kinds} for member in members]
    sides = typical_sides_of(paths)
    return Weights(kept, mean_maps(paths), typical_maps(paths), sides, counted(own, blend))
