"""``brainage demo``: the bundled sample, with what to expect of it."""

from __future__ import annotations

import argparse
from typing import Any

from BrainAgeLib.command_line.arguments import (
    add_output_folder,
    add_prediction_options,
    add_sequence,
)
from BrainAgeLib.command_line.predict_command import predict_and_show
from BrainAgeLib.command_line.progress import JsonLines
from BrainAgeLib.resources import sample_scan

EXPECTATION = (
    "The sample is Colin 27: one man of about 30, the average of 27 scans, cut by our simulator "
    "into 5 mm slices with 1 mm gaps. An average of 27 scans has less noise than any scan that the "
    "model was trained on, so do not read more into the number than that the installation works."
)


def add_parser(commands: Any) -> argparse.ArgumentParser:
    """Add the subcommand and its options; return its parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "demo", help="brain age of the bundled sample scan", description=EXPECTATION
    )
    add_output_folder(parser, default="brainage-demo")
    add_sequence(parser)
    add_prediction_options(parser, may_be_dicom=False)  # the sample is NIfTI
    parser.set_defaults(run=_run, series=None, brain_extracted=False, in_template_space=False)
    return parser


def _run(options: argparse.Namespace, json_lines: JsonLines | None) -> int:
    code = predict_and_show(options, sample_scan(), json_lines)
    if json_lines is None:
        print(f"\n{EXPECTATION}")
    return code
