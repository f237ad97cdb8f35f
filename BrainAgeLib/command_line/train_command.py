"""``brainage train``: a new model from 3D scans of healthy people."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from typing import Any

from BrainAgeLib.command_line.arguments import add_machine, add_output_folder, existing_path
from BrainAgeLib.command_line.interruption import ON
from BrainAgeLib.command_line.progress import JsonLines

# Those of TrainingSettings, whose module takes seconds to load.
SETTINGS = (
    *(
        "name",
        "version",
        "start_from",
        "seed",
        "folds",
        "scans_per_person",
        "steps",
        "people_per_step",
    ),
    *("learning_rate", "weight_decay", "warm_up_fraction", "average_decay", "augmentation"),
    *("mixing", "consistency", "device", "threads", "network"),
)


def add_parser(commands: Any) -> argparse.ArgumentParser:
    """Add the subcommand and its options; return its parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "train",
        help="train a model on 3D scans of healthy people",
        description="Trains the cross-validated ensemble on brain-extracted 3D T1 scans that are "
        "cut into thick slices, fits the calibration and writes a model folder that --model takes. "
        "Started again after a kill it goes on where it stopped. It takes at least 10 people a "
        "fold, so 80 with the usual 8 folds and 20 with 2, the fewest, and at the largest site "
        "9 people outside of each fold.",
    )
    parser.add_argument(
        "--data",
        required=True,
        type=existing_path,
        metavar="BIDS",
        nargs="+",
        help="BIDS datasets, each of one site: sub-*/anat/*_T1w.nii.gz, and participants.tsv with "
        "participant_id, age, sex; who has no age is left out, and work/left_out.csv says who",
    )
    add_output_folder(parser, "folder for the model and for what is kept on the way")
    parser.add_argument(
        "--config",
        type=existing_path,
        metavar="FILE",
        help=f"settings as a JSON object with any of {', '.join(SETTINGS)}",
    )
    add_machine(parser)
    parser.add_argument(
        "--fold",
        type=int,
        metavar="K",
        help="train this fold only: 1 to the number of folds, then one for each smaller site",
    )
    parser.set_defaults(run=_run, how_to_go_on=ON)
    return parser


def _run(options: argparse.Namespace, _json_lines: JsonLines | None) -> int:
    from BrainAgeLib.errors import InputError
    from BrainAgeLib.training.settings import read_settings
    from BrainAgeLib.training.train import train_model

    settings = read_settings(options.config)
    if options.device:
        settings = replace(settings, device=options.device)
    if options.threads is not None:
        if options.threads < 1:
            raise InputError(f"{options.threads} threads cannot work", "give 1 or more")
        settings = replace(settings, threads=options.threads)
    only_fold = None if options.fold is None else options.fold - 1
    report = _say_nothing if options.quiet else _show
    folder = train_model(options.data, options.output, settings, report, only_fold)
    if folder is not None:
        print(f"the model lies in {folder}")
    return 0


def _say_nothing(_stage: str, _done: int, _count: int, _remark: str) -> None:
    """Take what ``--quiet`` leaves out."""


def _show(stage: str, done: int, count: int, remark: str) -> None:
    print(f"{stage}: {done} of {count} {remark}".rstrip(), file=sys.stderr, flush=True)
