"""``brainage train``: a new model from 3D scans of healthy people."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from BrainAgeLib.command_line.progress import JsonLines


def add_parser(commands: Any) -> None:
    """Add the subcommand and its options."""
    parser = commands.add_parser(
        "train",
        help="train a model on 3D scans of healthy people",
        description="Trains the cross-validated ensemble on brain-extracted 3D T1 scans that are "
        "cut into thick slices, fits the calibration and writes a model folder that --model takes. "
        "Started again after a kill it goes on where it stopped.",
    )
    parser.add_argument("--data", required=True, type=Path, metavar="BIDS", help="BIDS dataset")
    parser.add_argument("--output", required=True, type=Path, metavar="DIR", help="folder")
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings as JSON")
    parser.add_argument("--device", metavar="DEVICE", help="auto, cpu, cuda, cuda:N or mps")
    parser.add_argument("--threads", type=int, metavar="N", help="CPU threads; default all")
    parser.add_argument(
        "--fold", type=int, metavar="K", help="train this fold only, 1 to the number of folds"
    )
    parser.set_defaults(run=_run)


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
    if options.fold is not None and not 1 <= options.fold <= settings.folds:
        raise InputError(f"there is no fold {options.fold}", f"give 1 to {settings.folds}")
    only_fold = None if options.fold is None else options.fold - 1
    folder = train_model(options.data, options.output, settings, _show, only_fold)
    if folder is not None:
        print(f"the model lies in {folder}")
    return 0


def _show(stage: str, done: int, count: int, remark: str) -> None:
    print(f"{stage}: {done} of {count} {remark}".rstrip(), file=sys.stderr, flush=True)
