"""``brainage follow``: the same person at several dates."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from BrainAgeLib.command_line.arguments import (
    add_machine,
    add_model,
    add_output_folder,
    add_scan_options,
    chosen_sequence,
    existing_path,
)
from BrainAgeLib.command_line.parent import stop_with_parent
from BrainAgeLib.command_line.progress import JsonLines, TerminalProgress, progress_for
from BrainAgeLib.errors import InputError, printable

if TYPE_CHECKING:
    from BrainAgeLib.follow.differences import PersonChange
    from BrainAgeLib.model.calibration import ScanError
    from BrainAgeLib.model.card import Card


def add_parser(commands: Any) -> argparse.ArgumentParser:
    """Add the subcommand and its options; return its parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "follow",
        help="the same person again: change of brain age a year",
        description="Change of brain age a year with its interval from the error of scanning "
        "again, the smallest change that means anything, and what differs between dates. "
        "Research use only. Not a medical device.",
    )
    parser.add_argument(
        "inputs",
        nargs="+",
        type=existing_path,
        metavar="INPUT",
        help="two or more scans of one person, or what brainage predict wrote of them; or a "
        "RESULTS.csv of brainage batch, for everybody who has two scans or more",
    )
    add_output_folder(parser, "folder for the report")
    add_scan_options(parser)
    times = parser.add_argument_group("the dates")
    for option, words in (
        ("--years", "years since the first scan, one for each; default the dates of DICOM headers"),
        ("--ages", "age at each scan, which tells the time, too; default the headers'"),
    ):
        times.add_argument(option, nargs="+", type=_year, metavar="Y", help=words)
    times.add_argument(
        "--time", metavar="COLUMN", help="of a RESULTS.csv: years since a person's first scan"
    )
    model = parser.add_argument_group("the model")
    add_model(model)
    model.add_argument(
        "--scan-error",
        type=float,
        metavar="YEARS",
        help="standard deviation of one scan of one person, where you have measured your own",
    )
    add_machine(parser.add_argument_group("the machine"), device="auto")
    output = parser.add_argument_group("output")
    output.add_argument("--no-saliency", action="store_true", help="skip the maps, which take time")
    output.add_argument("--json-lines", action="store_true", help="one JSON object a line")
    output.add_argument(
        "--stop-with-parent", action="store_true", help="end when standard input closes"
    )
    parser.set_defaults(run=_run)
    return parser


def _year(text: str) -> float:
    """Return a number of years. An option that takes several takes a scan behind them for one."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{printable(text)!r} is no number of years; a scan goes before this option, or behind "
            "it after a lone --"
        ) from None


def _run(options: argparse.Namespace, json_lines: JsonLines | None) -> int:
    if options.stop_with_parent:
        stop_with_parent()
    is_table = len(options.inputs) == 1 and options.inputs[0].suffix.lower() == ".csv"
    if not is_table and len(options.inputs) < 2:
        raise InputError("a single scan has no change", "give two or more scans of one person")
    _refuse_what_does_not_apply(options, is_table)
    from BrainAgeLib.follow.follow import (
        REPORT_NAME,
        follow_people,
        follow_person,
        scan_error_of,
    )
    from BrainAgeLib.model.ensemble import load_ensemble

    card: Card = load_ensemble(options.model).card
    error = scan_error_of(card, options.scan_error)
    if is_table:
        from BrainAgeLib.extras import require_extra

        require_extra("cohort", "pandas")
        results: list[PersonChange] = follow_people(
            options.inputs[0], options.output, error, card, options.time
        )
    else:
        progress = progress_for(json_lines, options.quiet)
        chosen = _options_of(options)
        try:
            results = [
                follow_person(
                    options.inputs, options.output, chosen, error, card, options.years, progress
                )
            ]
        finally:
            if isinstance(progress, TerminalProgress):
                progress.clear()
    _tell(results, error, options.output / REPORT_NAME, json_lines)
    return 0


def _tell(
    results: Sequence[PersonChange], error: ScanError, page: Path, json_lines: JsonLines | None
) -> None:
    """Say what changed and where the page is."""
    from BrainAgeLib.follow.wording import NOTICE, readable_change
    from BrainAgeLib.model.together import VERDICTS

    if json_lines is not None:
        verdicts = {visit.verdict for result in results for visit in result.person.visits}
        json_lines.result(page, max(verdicts, key=VERDICTS.index, default="pass"))
        return
    first, *others = results
    of_all = [each for each in first.warnings if all(each in one.warnings for one in others)]
    of_all = of_all if others else []  # what is said of one person stands with that person
    for result in results:
        print(readable_change(result.person, result.change, error, result.warnings, of_all))
        print()
    for each in of_all:
        print(f"Warning about all {len(results)} people: {each}\n")
    print(f"report {page}\n\n{NOTICE}")


def _refuse_what_does_not_apply(given: argparse.Namespace, is_table: bool) -> None:
    """Raise InputError for what would be overlooked without a word."""
    if is_table and (given.years or given.ages):
        raise InputError(
            f"--{'years' if given.years else 'ages'} is of scans, not of a RESULTS.csv",
            "the column age of the table tells the time, or --time COLUMN",
        )
    of_scans = {
        "--series": given.series,
        "--brain-extracted": given.brain_extracted,
        "--in-template-space": given.in_template_space,
        "--sequence": chosen_sequence(given),
    }
    if is_table and (named := [option for option, value in of_scans.items() if value]):
        raise InputError(
            f"{named[0]} is of scans, not of a RESULTS.csv, whose scans have their ages already",
            "leave it out, or give it to brainage batch",
        )
    if not is_table and given.time:
        raise InputError(
            "--time is a column of a RESULTS.csv, not of scans",
            "give --years 0 1.5, the years since the first scan, or --ages",
        )


def _options_of(given: argparse.Namespace) -> list[Any]:
    """Return the library's options of each scan."""
    from BrainAgeLib.options import Options

    ages = given.ages or [None] * len(given.inputs)
    if len(ages) != len(given.inputs):
        raise InputError(
            f"{len(given.inputs)} scans have {len(ages)} ages", "give one for each, in their order"
        )
    every = Options(
        device=given.device,
        threads=given.threads,
        model=given.model,
        brain_extracted=given.brain_extracted,
        in_template_space=given.in_template_space,
        saliency=not given.no_saliency,
        series_uid=given.series,
        sequence=chosen_sequence(given),
    )
    return [replace(every, age_years=age) for age in ages]
