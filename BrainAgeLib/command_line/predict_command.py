"""``brainage predict``: one scan."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from BrainAgeLib.command_line.parent import stop_with_parent
from BrainAgeLib.command_line.progress import JsonLines, TerminalProgress, progress_for
from BrainAgeLib.errors import ExitCode
from BrainAgeLib.records import NOTICE

if TYPE_CHECKING:
    from BrainAgeLib.delivery import Deliverables
    from BrainAgeLib.options import Options


def add_parser(commands: Any) -> None:
    """Add the subcommand and its options."""
    parser = commands.add_parser(
        "predict", help="brain age of one scan", description=f"Brain age of one scan. {NOTICE}"
    )
    parser.add_argument(
        "scan",
        metavar="SCAN",
        help="NIfTI, NRRD or MetaImage file, a DICOM file, or a folder with one DICOM series",
    )
    parser.add_argument("--output", required=True, metavar="DIR", help="folder for the results")
    add_scan_options(parser)
    add_common_options(parser)
    parser.set_defaults(run=_run)


def add_scan_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what kind of scan is given."""
    parser.add_argument(
        "--series", metavar="UID", help="which series of a folder that holds several"
    )
    parser.add_argument(
        "--brain-extracted", action="store_true", help="the scan has no skull: keep it as it is"
    )
    parser.add_argument(
        "--in-template-space",
        action="store_true",
        help="the scan is brain extracted and its world coordinates are MNI152",
    )


def add_common_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that every command that predicts takes."""
    person = parser.add_argument_group("the person (never changes the raw age)")
    person.add_argument("--age", type=float, metavar="YEARS", help="chronological age in years")
    person.add_argument("--sex", choices=("F", "M"), help="sex, for the record")
    model = parser.add_argument_group("the model")
    model.add_argument("--model", metavar="NAME_OR_FOLDER", help="default: the bundled model")
    model.add_argument(
        "--correction", metavar="NAME", help="one of the model's age-bias corrections, or none"
    )
    model.add_argument("--site", metavar="FILE", help="site calibration made by brainage calibrate")
    model.add_argument(
        "--force", action="store_true", help="give an age although the quality gate refuses"
    )
    machine = parser.add_argument_group("the machine")
    machine.add_argument(
        "--device", default="auto", metavar="DEVICE", help="auto, cpu, cuda, cuda:N or mps"
    )
    machine.add_argument("--threads", type=int, metavar="N", help="CPU threads; default all")
    output = parser.add_argument_group("output")
    output.add_argument("--no-saliency", action="store_true", help="skip the saliency map")
    output.add_argument("--no-report", action="store_true", help="skip report.html")
    output.add_argument(
        "--dicom",
        action="store_true",
        help="for a DICOM scan also report.dcm and page.dcm, with the patient's name and number",
    )
    output.add_argument(
        "--keep-identifiers",
        action="store_true",
        help="take the patient's name, ID and birth date of a DICOM header into prediction.json",
    )
    output.add_argument(
        "--json-lines", action="store_true", help="one JSON object a line on stdout"
    )
    output.add_argument(
        "--stop-with-parent", action="store_true", help="end when standard input closes"
    )


def _run(options: argparse.Namespace, json_lines: JsonLines | None) -> int:
    return predict_and_show(options, options.scan, json_lines)


def predict_and_show(
    options: argparse.Namespace, scan: str | Path, json_lines: JsonLines | None
) -> int:
    """Work on one scan, say what came of it, return the exit code."""
    if options.stop_with_parent:
        stop_with_parent()
    progress = progress_for(json_lines)
    # Heavy imports only now: a usage error should not take seconds.
    from BrainAgeLib.delivery import predict_to_folder
    from BrainAgeLib.report.text import readable_result

    chosen = chosen_options(options)
    try:
        prediction, outputs = predict_to_folder(
            scan, options.output, chosen, chosen_deliverables(options), progress
        )
    finally:
        if isinstance(progress, TerminalProgress):
            progress.clear()
    if options.dicom and prediction.input.series_uid is None:
        print("brainage: note: the scan is not DICOM, so there is no report.dcm", file=sys.stderr)
    verdict = prediction.quality.verdict
    if json_lines is not None:
        json_lines.result(outputs.prediction, verdict)
    else:
        print(readable_result(prediction, None if options.no_report else outputs.report))
    return ExitCode.REFUSED if prediction.brain_age_years is None else ExitCode.DONE


def chosen_deliverables(options: argparse.Namespace) -> Deliverables:
    """Return which outputs a parsed command line asks for."""
    from BrainAgeLib.delivery import Deliverables

    return Deliverables(report=not options.no_report, dicom=options.dicom)


def chosen_options(options: argparse.Namespace) -> Options:
    """Return the library's options of a parsed command line. Raises InputError."""
    from BrainAgeLib.options import Options

    return Options(
        age_years=options.age,
        sex=options.sex,
        device=options.device,
        threads=options.threads,
        model=options.model,
        brain_extracted=getattr(options, "brain_extracted", False),
        in_template_space=getattr(options, "in_template_space", False),
        saliency=not options.no_saliency,
        correction=options.correction,
        force=options.force,
        series_uid=getattr(options, "series", None),
        site=options.site,
        keep_identifiers=options.keep_identifiers,
    )
