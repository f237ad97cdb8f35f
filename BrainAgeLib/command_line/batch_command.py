"""``brainage batch``: many scans."""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from BrainAgeLib.command_line.arguments import (
    add_output_folder,
    add_prediction_options,
    add_scan_options,
    chosen_deliverables,
    chosen_options,
    existing_path,
)
from BrainAgeLib.command_line.interruption import ON
from BrainAgeLib.command_line.parent import stop_with_parent
from BrainAgeLib.command_line.progress import BatchProgress, JsonLines
from BrainAgeLib.errors import ExitCode, printable
from BrainAgeLib.extras import require_extra
from BrainAgeLib.records import NOTICE
from BrainAgeLib.report.wording import scans_in_words

if TYPE_CHECKING:
    from BrainAgeLib.batch.scan_list import ScanList
    from BrainAgeLib.batch.table import ResultRow
    from BrainAgeLib.batch.work import BatchSettings

MOST_CHOICES_TOLD = 20


def add_parser(commands: Any) -> argparse.ArgumentParser:
    """Add the subcommand and its options; return its parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "batch",
        help="brain age of many scans",
        description="Brain age of many scans: results.csv with a row for each, failures included, "
        "sessions.csv with a row for each session, and a folder for each scan. Started again it "
        "goes on where it stopped and repeats nothing. "
        f"Exit code 5 when some scans have no age. {NOTICE}",
    )
    parser.add_argument(
        "input",
        type=existing_path,
        metavar="INPUT",
        help="a BIDS dataset, a folder tree of image files or DICOM series, or a CSV list with "
        "path[,id,age,sex,session,group]",
    )
    add_output_folder(parser)
    add_batch_options(parser)
    parser.set_defaults(run=_run, how_to_go_on=ON)
    return parser


def add_batch_options(parser: argparse.ArgumentParser) -> None:
    """Add what can be said of many scans: who works on them, and how on each."""
    who = parser.add_mutually_exclusive_group()
    who.add_argument(
        "--workers", type=int, default=1, metavar="N", help="processes here, default 1"
    )
    who.add_argument("--dask", metavar="ADDRESS", help="a Dask scheduler whose workers do it")
    parser.add_argument(
        "--retry-failed", action="store_true", help="work again on scans that failed before"
    )
    parser.add_argument(
        "--each-sequence",
        action="store_true",
        help="of every session take a scan of each sequence that is read (T1w, T1w after contrast, "
        "T2w, FLAIR), not the T1w alone; a list takes what its lines name",
    )
    add_scan_options(parser)
    add_prediction_options(parser)


def _run(options: argparse.Namespace, json_lines: JsonLines | None) -> int:
    return run_on_scans(options, json_lines, lambda scans, _settings: scans)


def run_on_scans(
    options: argparse.Namespace,
    json_lines: JsonLines | None,
    chosen: Callable[[ScanList, BatchSettings], ScanList],
    collects_only: bool = False,
) -> int:
    """Work on the scans of the input that ``chosen`` keeps, say how it went, return the code.

    ``collects_only``: they were all worked on before.
    """
    if options.stop_with_parent:
        stop_with_parent()
    if options.dask is None and not collects_only:
        from BrainAgeLib.batch.worker_process import prepare_workers

        prepare_workers()  # before this process, too, imports what takes seconds
    # Heavy imports only now: a usage error should not take seconds.
    from BrainAgeLib.batch.batch import run_batch
    from BrainAgeLib.batch.table import RESULTS_NAME

    settings = _settings(options)
    scans = chosen(_found(options, settings, collects_only), settings)
    if not options.quiet:
        _tell_choice(scans)
    progress = BatchProgress(sys.stderr, is_verbose=options.verbose, is_quiet=options.quiet)

    def on_row(row: ResultRow, was_there: bool, done: int, count: int) -> None:
        progress(row, was_there, done, count)
        if json_lines is not None:
            json_lines.row(_event(row), done, count)

    try:
        rows = run_batch(
            scans,
            settings,
            lambda: _workers(options, settings),
            on_row,
            retry_failed=options.retry_failed,
            elsewhere=options.dask is not None,
            collects_only=collects_only,
        )
    finally:
        progress.clear()
    return _tell_results(scans, rows, settings.output / RESULTS_NAME, json_lines)


def _found(options: argparse.Namespace, settings: BatchSettings, of_earlier: bool) -> ScanList:
    """Return the scans of the input; none of them, nor a list, lies where this run writes.

    ``of_earlier``: those that an earlier run took.
    """
    from BrainAgeLib.batch.batch import earlier_wish, refuse_another_wish, refuse_own_outputs
    from BrainAgeLib.batch.scan_list import find_scans

    wish = settings.wish
    if of_earlier:
        refuse_another_wish(settings)
        wish = wish or earlier_wish(settings.output)
    scans = find_scans(str(options.input), settings.output, wish)
    refuse_own_outputs(options.input, scans, settings.output)
    return scans


def _tell_results(
    scans: ScanList, rows: Sequence[ResultRow], table: Path, json_lines: JsonLines | None
) -> int:
    """Say what came of the scans that were asked for; return the code."""
    from BrainAgeLib.batch.table import same_scans

    of_entries = zip(scans.entries, rows, strict=True)
    asked = [row for entry, row in of_entries if entry.folder not in scans.kept]
    without_age = sum(not row.has_age for row in asked)
    if json_lines is not None:
        json_lines.table(table, len(asked), without_age, same_scans(rows))
    else:
        print(_summary(asked, rows, table))
    return ExitCode.SOME_WITHOUT_AGE if without_age else ExitCode.DONE


def _settings(options: argparse.Namespace) -> BatchSettings:
    from BrainAgeLib.batch.work import BatchSettings
    from BrainAgeLib.errors import InputError

    if options.workers < 1:
        raise InputError(f"{options.workers} workers cannot work", "give 1 or more")
    if options.dask is not None:
        require_extra("dask", "distributed")  # before a large tree is walked
    chosen = chosen_options(options)
    if options.each_sequence and chosen.sequence is not None:
        raise InputError(
            f"--each-sequence takes scans of every sequence, --sequence {chosen.sequence} of one",
            "give one of the two",
        )
    if chosen.threads is None and options.dask is None and options.workers > 1:
        chosen = replace(chosen, threads=max(1, _cpu_count() // options.workers))
    deliverables = replace(chosen_deliverables(options), thumbnail=True)
    return BatchSettings(options.output, chosen, deliverables, options.each_sequence)


def _workers(options: argparse.Namespace, settings: BatchSettings) -> Any:
    if options.dask is not None:
        from BrainAgeLib.batch.dask_workers import DaskWorkers

        return DaskWorkers(options.dask, settings)
    from BrainAgeLib.batch.local_workers import LocalWorkers

    return LocalWorkers(options.workers, settings)


def _cpu_count() -> int:
    """Return the CPUs that this process may use, where the system tells."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _tell_choice(scans: ScanList) -> None:
    """Say which series of which study was chosen and why, as far as there was a choice.

    How many scans are taken that are no T1w scan, or were asked for, is said in any case.
    """
    studies: dict[str, list[Any]] = {}
    for decision in scans.decisions:
        studies.setdefault(decision.study, []).append(decision)
    told = [
        f"{study}: {decision.path} of {len(decisions)} ({decision.reason})"
        for study, decisions in studies.items()
        for decision in decisions
        if decision.chosen and not all(other.chosen for other in decisions)
    ]
    if len(told) > MOST_CHOICES_TOLD:
        told = [*told[:MOST_CHOICES_TOLD], f"... {len(told)} choices; all are in selection.csv"]
    selections = Counter(entry.selection for entry in scans.entries if entry.selection)
    told += [f"{scans_in_words(count)}: {words}" for words, count in selections.items()]
    left_out = sum(not decision.chosen for decision in scans.decisions)
    if left_out:
        told.append(f"{left_out} series or files were left out; selection.csv says why")
    print("".join(f"{printable(line)}\n" for line in told), end="", file=sys.stderr)


def _event(row: ResultRow) -> dict[str, object]:
    return {
        "path": row.path,
        "id": row.id,
        "brain_age_years": row.brain_age_years,
        "verdict": row.verdict,
        "exit_code": row.exit_code,
        "error": row.error,
    }


def _summary(asked: Sequence[ResultRow], rows: Sequence[ResultRow], table: Path) -> str:
    from BrainAgeLib.batch.table import same_scans_in_words

    refused = sum(row.verdict == "refuse" and not row.has_age for row in asked)
    failed = sum(row.error is not None for row in asked)
    with_age = len(asked) - refused - failed
    lines = (
        f"{scans_in_words(len(asked))}: {with_age} with a brain age, "
        f"{refused} refused, {failed} failed",
        *same_scans_in_words(rows),
        f"Results            {table}",
        f"Page               {table.with_name('index.html')}",
        "",
        NOTICE,
    )
    return "\n".join(lines)
