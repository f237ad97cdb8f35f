"""``brainage cohort``: groups and change over time of the gap in a results table."""

from __future__ import annotations

import argparse
from typing import Any

from BrainAgeLib.command_line.arguments import add_output_folder, add_results_table
from BrainAgeLib.command_line.progress import JsonLines, TerminalProgress, progress_for
from BrainAgeLib.records import NOTICE

NEEDED = ("pandas", "scipy", "statsmodels", "matplotlib")


def add_parser(commands: Any) -> argparse.ArgumentParser:
    """Add the subcommand and its options; return its parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "cohort",
        help="group differences and change over time of the gap",
        description="Group differences of raw and corrected gap with covariates, effect sizes and "
        "intervals; how well the gap tells groups apart beside measures of volume; change over "
        "time, clinical scores, time to events; diagnostics, missing data, power, charts and a "
        f"methods paragraph. {NOTICE}",
    )
    add_results_table(parser)
    add_output_folder(parser, "folder for the report")
    columns = parser.add_argument_group("the table (names of its columns and groups)")
    columns.add_argument(
        "--reference", metavar="GROUP", help="compare with this group; default the first by name"
    )
    for option, words in (
        ("--measure", "a measure of volume to show beside the gap; may be given several times"),
        ("--covariate", "adjust for this column too, site for one; may be given several times"),
    ):
        columns.add_argument(option, action="append", default=[], metavar="COLUMN", help=words)
    for option, words in (
        ("--time", "years since a person's first scan; default the difference of ages"),
        ("--score", "a clinical score at each scan"),
        ("--event", "1 where the event came, 0 where it had not yet"),
        ("--event-time", "years from the first scan to the event or the end of follow-up"),
    ):
        columns.add_argument(option, metavar="COLUMN", help=words)
    parser.set_defaults(run=_run)
    return parser


def _run(options: argparse.Namespace, _json_lines: JsonLines | None) -> int:
    from BrainAgeLib.extras import require_extra

    require_extra("cohort", *NEEDED)
    from BrainAgeLib.cohort.cohort_data import Plan
    from BrainAgeLib.cohort.page import refuse_own_output, write_report_folder
    from BrainAgeLib.cohort.report import cohort_report, headline

    refuse_own_output(options.results, options.output)
    plan = Plan(
        options.reference,
        tuple(dict.fromkeys(options.measure)),
        tuple(dict.fromkeys(options.covariate)),
        options.score,
        options.time,
        options.event,
        options.event_time,
    )
    progress = progress_for(None, options.quiet)  # ten thousand people take a minute
    try:
        report = cohort_report(options.results, plan, progress)
        files = write_report_folder(report, options.output)
    finally:
        if isinstance(progress, TerminalProgress):
            progress.clear()
    print(headline(report))
    print(f"\nreport {files['report.html']}\n\n{NOTICE}")
    return 0
