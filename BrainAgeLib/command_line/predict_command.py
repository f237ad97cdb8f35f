"""``brainage predict``: one scan."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import Any

from BrainAgeLib.command_line.arguments import (
    add_output_folder,
    add_prediction_options,
    add_scan_options,
    chosen_deliverables,
    chosen_options,
)
from BrainAgeLib.command_line.parent import stop_with_parent
from BrainAgeLib.command_line.progress import JsonLines, TerminalProgress, progress_for
from BrainAgeLib.errors import ExitCode
from BrainAgeLib.records import NOTICE
from BrainAgeLib.scan.file_kind import require_path

logger = logging.getLogger(__name__)


def add_parser(commands: Any) -> argparse.ArgumentParser:
    """Add the subcommand and its options; return its parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "predict", help="brain age of one scan", description=f"Brain age of one scan. {NOTICE}"
    )
    parser.add_argument(
        "scan",
        metavar="SCAN",
        help="NIfTI, MGH, NRRD or MetaImage file, DICOM file, or folder with one DICOM series",
    )
    add_output_folder(parser)
    add_scan_options(parser)
    add_prediction_options(parser)
    parser.set_defaults(run=_run)
    return parser


def _run(options: argparse.Namespace, json_lines: JsonLines | None) -> int:
    return predict_and_show(options, options.scan, json_lines)


def predict_and_show(
    options: argparse.Namespace, scan: str | Path, json_lines: JsonLines | None
) -> int:
    """Work on one scan, say what came of it, return the exit code."""
    if options.stop_with_parent:
        stop_with_parent()
    chosen = chosen_options(options)
    require_path(str(scan))
    # Heavy imports only now: a usage error should not take seconds.
    from BrainAgeLib.delivery import deliver
    from BrainAgeLib.report.wording import readable_result

    progress = progress_for(json_lines, options.quiet)
    try:
        prediction, outputs = deliver(
            scan, options.output, chosen, chosen_deliverables(options), progress
        )
    finally:
        if isinstance(progress, TerminalProgress):
            progress.clear()
    if options.dicom and prediction.input.series_uid is None:
        logger.warning("the scan is not DICOM, so there is no report.dcm")
    if json_lines is not None:
        json_lines.result(outputs.prediction, prediction.quality.verdict)
    else:
        report = None if options.no_report else outputs.report
        print(readable_result(prediction, report, outputs.path))
    return ExitCode.REFUSED if prediction.brain_age_years is None else ExitCode.DONE
