"""``brainage bids``: a BIDS dataset by the convention of BIDS Apps."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from BrainAgeLib.command_line.arguments import existing_path, path_to_write
from BrainAgeLib.command_line.batch_command import add_batch_options, run_on_scans
from BrainAgeLib.command_line.interruption import ON
from BrainAgeLib.command_line.progress import JsonLines
from BrainAgeLib.records import NOTICE
from BrainAgeLib.report.wording import scans_in_words

if TYPE_CHECKING:
    from BrainAgeLib.batch.scan_list import ScanList
    from BrainAgeLib.batch.table import ScanEntry
    from BrainAgeLib.batch.work import BatchSettings

logger = logging.getLogger(__name__)


def add_parser(commands: Any) -> argparse.ArgumentParser:
    """Add the subcommand and its options; return its parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "bids",
        help="brain age of a BIDS dataset, called as BIDS Apps are",
        # Labels before the folders would swallow them, and argparse prints options first.
        usage="%(prog)s INPUT OUTPUT {participant,group} [--participant-label LABEL ...] [options]",
        description="Brain age of a BIDS dataset by the convention of BIDS Apps. participant: "
        "works on these people, or on all. group: writes the tables and index.html anew of "
        "everybody who was worked on, and works on nobody. One run at a time in an output folder. "
        f"{NOTICE}",
    )
    parser.add_argument("input", type=existing_path, metavar="INPUT", help="the BIDS dataset")
    parser.add_argument(
        "output", type=path_to_write, metavar="OUTPUT", help="folder for the results"
    )
    parser.add_argument("level", choices=("participant", "group"), help="level of the analysis")
    for option, words in (
        ("participant", "work on these people only, with or without sub-"),
        ("session", "work on these sessions only, with or without ses-"),
    ):
        parser.add_argument(
            *(f"--{option}-label", f"--{option}_label"),
            nargs="+",
            default=[],
            metavar="LABEL",
            help=words,
        )
    add_batch_options(parser)
    parser.set_defaults(run=_run, how_to_go_on=ON)
    return parser


def _run(options: argparse.Namespace, json_lines: JsonLines | None) -> int:
    def chosen(scans: ScanList, settings: BatchSettings) -> ScanList:
        return _of_level(scans, settings, options)

    return run_on_scans(options, json_lines, chosen, collects_only=options.level == "group")


def _of_level(scans: ScanList, settings: BatchSettings, options: argparse.Namespace) -> ScanList:
    """Return the scans to work on, and those that were worked on before: their rows stay.

    Raises InputError for another input, people or sessions that are not there, and when none is.
    """
    from BrainAgeLib.batch.work import finished_row
    from BrainAgeLib.errors import InputError

    if not scans.is_bids:
        raise InputError(f"{options.input} is no BIDS dataset", "brainage batch takes any folder")
    of_whom = [entry.id.removeprefix("sub-") for entry in scans.entries]
    of_when = [entry.session.removeprefix("ses-") for entry in scans.entries]
    people = _chosen(options.participant_label, "sub-", of_whom, f"{options.input}", "people")
    sessions = _chosen(options.session_label, "ses-", of_when, f"{options.input}", "sessions")
    asked = {
        entry.folder
        for entry, person, session in zip(scans.entries, of_whom, of_when, strict=True)
        if person in people and session in sessions
    }
    is_group = options.level == "group"
    if not is_group and not asked:  # whatever an earlier run left
        raise InputError("no scan is of these people and sessions", "leave out a label")
    others = [entry for entry in scans.entries if is_group or entry.folder not in asked]
    known = {entry.folder for entry in others if finished_row(entry, settings) is not None}
    _tell_of_outdated([entry for entry in others if entry.folder not in known], settings)
    if is_group and not known:
        raise InputError(
            f"{options.output} holds no result of {options.input}",
            "run the level participant first",
        )
    taken = known if is_group else known | asked
    entries = [entry for entry in scans.entries if entry.folder in taken]
    return replace(scans, entries=entries, kept=frozenset(() if is_group else known))


def _tell_of_outdated(entries: Sequence[ScanEntry], settings: BatchSettings) -> None:
    """Warn of scans that were worked on, but not as what the dataset says that they are now."""
    from BrainAgeLib.batch.table import FAILURE_NAME
    from BrainAgeLib.report.output_folder import OutputFolder
    from BrainAgeLib.run_folder import is_there

    folders = [settings.output / entry.folder for entry in entries]
    outdated = [
        folder
        for folder in folders
        if is_there(OutputFolder(folder).prediction) or is_there(folder / FAILURE_NAME)
    ]
    if outdated:
        logger.warning(
            "left out of the tables: %s whose results are of another age, sex or file than those "
            "of the dataset; the level participant works on them again",
            scans_in_words(len(outdated)),
        )


def _chosen(
    given: Sequence[str], prefix: str, there: Sequence[str], dataset: str, what: str
) -> set[str]:
    """Return the labels that are given, or all that are there. Raises InputError for others."""
    from BrainAgeLib.errors import InputError

    asked = {label.removeprefix(prefix) for label in given}
    if strangers := sorted(asked.difference(there)):
        raise InputError(
            f"{dataset} has no scan to predict from of {len(strangers)} of these {what}",
            f"see that the labels are those of the folders {prefix}LABEL",
            tuple(strangers),
        )
    return asked or set(there)
