"""The arguments that several commands take, each said once, and what the library makes of them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from BrainAgeLib.options import SEQUENCES
from BrainAgeLib.scan.file_kind import require_path

if TYPE_CHECKING:
    from BrainAgeLib.options import Deliverables, Options
    from BrainAgeLib.records import SequenceName


TOLD_FROM_PICTURE = "auto"
_OF_DICOM = ("--dicom", "--keep-identifiers")


def existing_path(given: str) -> Path:
    """Return a path behind which there is something: known before what takes time is loaded.

    Raises InputError when there is nothing.
    """
    require_path(given)
    return Path(given)


def path_to_write(given: str) -> Path:
    """Return the path of a file or folder to be written.

    Raises ArgumentTypeError for an empty text, as an unset variable of the shell leaves it: it
    would stand for the current folder.
    """
    if not given.strip():
        raise argparse.ArgumentTypeError("an empty path: name a folder or file to write")
    return Path(given)


def years_given(text: str) -> float:
    """Return an age, with a decimal point or comma. Raises ArgumentTypeError for what is none."""
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of years, such as 30.5") from None


def sex_given(text: str) -> str:
    """Return F or M of a letter or a word. Raises ArgumentTypeError for any other."""
    sex = {"f": "F", "female": "F", "m": "M", "male": "M"}.get(text.strip().lower())
    if sex is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not known: give F or M")
    return sex


def add_results_table(parser: argparse.ArgumentParser) -> None:
    """Add the table that the commands on many people read."""
    parser.add_argument(
        "results",
        type=existing_path,
        metavar="RESULTS.csv",
        help="of brainage batch. The columns of its input list, or of participants.tsv, are in it: "
        "group, volumes, scores, events and whatever else; more can be added in a spreadsheet",
    )


def add_output_folder(
    parser: argparse.ArgumentParser, words: str = "folder for the results", default: str = ""
) -> None:
    """Add the folder that takes what a command writes; it has to be named where no one is usual."""
    parser.add_argument(
        "--output",
        type=path_to_write,
        required=not default,
        default=Path(default),
        metavar="DIR",
        help=f"{words}; default {default}" if default else words,
    )


def add_model(parser: argparse._ActionsContainer) -> None:
    """Add the choice of a model."""
    parser.add_argument("--model", metavar="NAME_OR_FOLDER", help="default: the bundled model")


def add_machine(parser: argparse._ActionsContainer, device: str | None = None) -> None:
    """Add what the work runs on. ``device``: the default, or None where settings tell it."""
    parser.add_argument(
        "--device", default=device, metavar="DEVICE", help="auto, cpu, cuda, cuda:N or mps"
    )
    parser.add_argument("--threads", type=int, metavar="N", help="CPU threads; default all")


def add_verbosity(parser: argparse.ArgumentParser) -> None:
    """Add how much is said."""
    how_much = parser.add_mutually_exclusive_group()
    how_much.add_argument("--verbose", action="store_true", help="say more on standard error")
    how_much.add_argument("--quiet", action="store_true", help="say nothing but errors")


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
        help="the scan is brain extracted and its world coordinates are MNI152 (ICBM 2009), by an "
        "affine registration: nothing is registered; of a whole brain, --brain-extracted is better",
    )
    add_sequence(parser)


def add_sequence(parser: argparse._ActionsContainer) -> None:
    """Add which sequence the scan is."""
    parser.add_argument(
        "--sequence",
        choices=(TOLD_FROM_PICTURE, *SEQUENCES),
        default=TOLD_FROM_PICTURE,
        help=f"which sequence the scan is; default {TOLD_FROM_PICTURE}: told from the picture. A "
        "batch takes the scans of this sequence",
    )


def chosen_sequence(given: argparse.Namespace) -> SequenceName | None:
    """Return the sequence that a parsed command line names; None has it told from the picture."""
    return None if given.sequence == TOLD_FROM_PICTURE else given.sequence


def add_prediction_options(parser: argparse.ArgumentParser, may_be_dicom: bool = True) -> None:
    """Add the options that every command that predicts takes.

    ``may_be_dicom``: without it there are none of what a DICOM header makes possible.
    """
    person = parser.add_argument_group("the person (never changes the raw age)")
    person.add_argument(
        "--age", type=years_given, metavar="YEARS", help="chronological age in years, such as 30.5"
    )
    person.add_argument(
        "--sex", type=sex_given, metavar="F|M", help="sex, for the record: F or female, M or male"
    )
    model = parser.add_argument_group("the model")
    add_model(model)
    model.add_argument(
        "--correction",
        metavar="NAME",
        help="de-lange-cole (usual), cole or none: which age-bias correction of the model's card",
    )
    model.add_argument("--site", metavar="FILE", help="site calibration made by brainage calibrate")
    model.add_argument(
        "--force", action="store_true", help="give an age although the quality gate refuses"
    )
    add_machine(parser.add_argument_group("the machine"), device="auto")
    output = parser.add_argument_group("output")
    for option, words in (
        ("--no-saliency", "skip the saliency map"),
        ("--no-report", "skip report.html"),
        (
            "--dicom",
            "for a DICOM scan also report.dcm and page.dcm, with the patient's name and number",
        ),
        (
            "--keep-identifiers",
            "take the patient's name, ID and birth date of a DICOM header into prediction.json",
        ),
        ("--json-lines", "one JSON object a line on stdout"),
        ("--stop-with-parent", "end when standard input closes"),
    ):
        if may_be_dicom or option not in _OF_DICOM:
            output.add_argument(option, action="store_true", help=words)
    parser.set_defaults(dicom=False, keep_identifiers=False)


def chosen_options(given: argparse.Namespace) -> Options:
    """Return the library's options of a parsed command line. Raises InputError."""
    from BrainAgeLib.options import Options

    return Options(
        age_years=given.age,
        sex=given.sex,
        device=given.device,
        threads=given.threads,
        model=given.model,
        brain_extracted=given.brain_extracted,
        in_template_space=given.in_template_space,
        saliency=not given.no_saliency,
        correction=given.correction,
        force=given.force,
        series_uid=given.series,
        site=given.site,
        keep_identifiers=given.keep_identifiers,
        sequence=chosen_sequence(given),
    )


def chosen_deliverables(given: argparse.Namespace) -> Deliverables:
    """Return which outputs a parsed command line asks for."""
    from BrainAgeLib.options import Deliverables

    return Deliverables(report=not given.no_report, dicom=given.dicom)
