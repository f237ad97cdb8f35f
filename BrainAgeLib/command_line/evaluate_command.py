"""``brainage evaluate``: how good the brain ages of a results table are."""

from __future__ import annotations

import argparse
from typing import Any

from BrainAgeLib.command_line.arguments import add_output_folder, add_results_table
from BrainAgeLib.command_line.progress import JsonLines
from BrainAgeLib.records import NOTICE

NEEDED = ("pandas", "scipy", "matplotlib")


def add_parser(commands: Any) -> argparse.ArgumentParser:
    """Add the subcommand and its options; return its parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "evaluate",
        help="raw and corrected error of a results table of healthy people",
        description="Of ten people or more: raw error with confidence intervals, by decade, sex "
        "and slice spacing; coverage of the interval; corrected figures beside those of a "
        f"predictor that knows nothing; charts. {NOTICE}",
    )
    add_results_table(parser)
    add_output_folder(parser, "folder for the report")
    parser.add_argument("--group", metavar="NAME", help="only this group of the table")
    parser.set_defaults(run=_run)
    return parser


def _run(options: argparse.Namespace, _json_lines: JsonLines | None) -> int:
    from BrainAgeLib.extras import require_extra

    require_extra("cohort", *NEEDED)
    from BrainAgeLib.cohort.evaluate import evaluate, headline
    from BrainAgeLib.cohort.page import refuse_own_output, write_report_folder

    refuse_own_output(options.results, options.output)
    report = evaluate(options.results, options.group)
    files = write_report_folder(report, options.output)
    print(headline(report))
    print(f"{'report':30}{files['report.html']}\n\n{NOTICE}")
    return 0
