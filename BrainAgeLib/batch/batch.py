"""A batch from its input to its tables: the story of ``brainage batch``."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from BrainAgeLib import __version__
from BrainAgeLib.batch.bids import BIDSIGNORE, DESCRIPTION, describe_derivative
from BrainAgeLib.batch.choice import EACH, Wish
from BrainAgeLib.batch.index import write_index
from BrainAgeLib.batch.model_of_results import another_model, named, refuse_another_model
from BrainAgeLib.batch.scan_list import ScanList
from BrainAgeLib.batch.sessions import sessions_of
from BrainAgeLib.batch.table import (
    FAILURE_NAME,
    INDEX_NAME,
    OWN_NAMES,
    RESULTS_NAME,
    SELECTION_NAME,
    SESSIONS_NAME,
    SETTINGS_NAME,
    ResultRow,
    ScanEntry,
    write_selection,
)
from BrainAgeLib.batch.tables_so_far import TablesSoFar
from BrainAgeLib.batch.work import WORK_PREFIX, BatchSettings, finished_row
from BrainAgeLib.codec import Source, read_json, to_plain
from BrainAgeLib.errors import InputError
from BrainAgeLib.model.card import Card
from BrainAgeLib.model.ensemble import load_ensemble
from BrainAgeLib.options import SEQUENCES
from BrainAgeLib.pipeline import prepare
from BrainAgeLib.report.dicom_report import dicom_packages
from BrainAgeLib.report.output_folder import OutputFolder
from BrainAgeLib.run_folder import (
    folder_lock,
    is_there,
    make_output_folder,
    refuse_to_overwrite,
    tell_of_others,
)
from BrainAgeLib.software import NAME
from BrainAgeLib.whole_file import write_atomically

_TABLES_AND_PAGE = (RESULTS_NAME, SESSIONS_NAME, SELECTION_NAME, INDEX_NAME)
_EACH = "each_sequence"  # in the settings
_HINT = "choose another output folder, or run with the same options"
# Speed, not numbers.
_FREE_TO_CHANGE = ("device", "threads")

# Called with every row, whether it was there before, and how many of how many scans are done.
RowCallback = Callable[[ResultRow, bool, int, int], None]


class Workers(Protocol):
    """Whoever works on scans: processes of this machine or a cluster."""

    def rows(self, entries: Sequence[ScanEntry]) -> Iterator[tuple[int, ResultRow]]:
        """Yield the number of each entry and its row, as they get done."""
        ...


def refuse_own_outputs(given: Path, scans: ScanList, output: Path) -> None:
    """Raise InputError where a list, a scan of it, or a dataset lies where the batch writes."""
    if scans.is_bids:
        _refuse_another_dataset(output)
    refuse_to_overwrite(given, [output / name for name in OWN_NAMES], "the list")
    folders = {(output / entry.folder).resolve() for entry in scans.entries}
    for scan in (Path(entry.scan) for entry in scans.entries):
        if scan.parent.resolve() in folders:
            refuse_to_overwrite(scan, OutputFolder(scan.parent).files, "the scan")


def _refuse_another_dataset(output: Path) -> None:
    """Raise InputError where a dataset's own description would become that of a derivative."""
    there = [name for name in (DESCRIPTION, BIDSIGNORE) if is_there(output / name)]
    if there and NAME not in str(_said_in(output / DESCRIPTION).get("GeneratedBy")):
        raise InputError(
            f"{output} is a dataset of its own: this run would replace its {there[0]}",
            "choose another output folder, such as derivatives/brainage in the dataset",
        )


def earlier_wish(output: Path) -> Wish | None:
    """Return what was asked for when the results in a folder were made: a sequence, or each."""
    said = _said_in(output / SETTINGS_NAME)
    if said.get(_EACH) is True:
        return EACH
    return said.get("sequence") if said.get("sequence") in SEQUENCES else None


def _said_in(path: Path) -> dict[str, Any]:
    """Return what a JSON file says: nothing where it is missing or damaged."""
    try:
        return read_json(path, Source(f"{path} is damaged"))
    except InputError:
        return {}


def refuse_another_wish(settings: BatchSettings) -> None:
    """Raise InputError where results are to be collected of another wish than theirs."""
    earlier = earlier_wish(settings.output)
    if settings.wish not in (None, earlier) and _said_in(settings.output / SETTINGS_NAME):
        raise _other_options(settings.output, [_change("sequence", earlier, settings.wish)])


def run_batch(
    scans: ScanList,
    settings: BatchSettings,
    start_workers: Callable[[], AbstractContextManager[Workers]],
    on_row: RowCallback,
    *,
    retry_failed: bool = False,
    elsewhere: bool = False,
    collects_only: bool = False,
) -> list[ResultRow]:
    """Work on every scan that has no result yet; return all rows in the order of the input.

    Its tables hold the rows so far at any time, also after an interruption.
    ``collects_only``: the scans all have a result, so only the model that made them matters.
    Raises BrainAgeError; what is wrong with one scan is its row.
    """
    make_output_folder(settings.output)
    with folder_lock(settings.output):
        tell_of_others(settings.output, _TABLES_AND_PAGE, (SETTINGS_NAME,))
        card = _card_of_results(settings) if collects_only else _checked(settings, elsewhere, scans)
        _remove_leftovers(settings.output)
        if scans.decisions:
            write_selection(scans.decisions, settings.output / SELECTION_NAME)
        if scans.is_bids:
            describe_derivative(settings.output)
        table = TablesSoFar(settings.output, len(scans.entries), card)
        try:
            left = []
            for number, entry in enumerate(scans.entries):
                stays = collects_only or entry.folder in scans.kept
                row = _known_row(entry, settings, retry_failed and not stays)
                if row is None:
                    left.append(number)
                else:
                    on_row(row, True, *table.add(number, row))
            if left:
                with start_workers() as workers:
                    for place, row in workers.rows([scans.entries[number] for number in left]):
                        on_row(row, False, *table.add(left[place], row))
        finally:
            _remove_leftovers(settings.output)
            table.write()
        write_index(scans.entries, table.rows, settings.output, sessions_of(table.rows, card))
    return table.rows


def _known_row(entry: ScanEntry, settings: BatchSettings, retry_failed: bool) -> ResultRow | None:
    if retry_failed and entry.complaint is None:
        row = finished_row(entry, settings, failures_too=False)
        if row is None:
            (settings.output / entry.folder / FAILURE_NAME).unlink(missing_ok=True)
        return row
    return finished_row(entry, settings)


def _remove_leftovers(output: Path) -> None:
    """Remove what a killed run had in hand."""
    for folder in output.glob(f"{WORK_PREFIX}*"):
        shutil.rmtree(folder, ignore_errors=True)


def _card_of_results(settings: BatchSettings) -> Card | None:
    """Return the card of the model that made the results in a folder; it is not run.

    None where nothing tells which one it was. Raises InputError for another model than that.
    """
    earlier = _said_in(settings.output / SETTINGS_NAME).get("model")
    if earlier is None:
        return None
    ensemble = load_ensemble(settings.options.model)
    if named(ensemble.record) != earlier:
        raise another_model(settings.output, earlier, ensemble.record)
    return ensemble.card


def _checked(settings: BatchSettings, elsewhere: bool, scans: ScanList) -> Card:
    """See before the first scan that the options can be met, and that earlier results used them.

    Return the card of the model. ``elsewhere``: the work is done on other machines, whose devices
    are theirs. Raises InputError.
    """
    if settings.deliverables.dicom:
        dicom_packages()
    options = replace(settings.options, device="cpu") if elsewhere else settings.options
    ensemble = prepare(options).ensemble
    asked = to_plain(settings.options) | to_plain(settings.deliverables)
    for name in _FREE_TO_CHANGE:
        del asked[name]
    asked |= {"model": named(ensemble.record)}
    if options.site is not None:  # by what it holds: the file may be another by next time
        site = Path(options.site)
        asked |= {"site": f"{site.name} ({sha256(site.read_bytes()).hexdigest()[:12]})"}
    asked |= {"program": __version__, _EACH: settings.each_sequence}
    path = settings.output / SETTINGS_NAME
    if path.is_file():
        _refuse_other_settings(asked, path)
    else:
        refuse_another_model(scans.entries, settings.output, ensemble.record)
        write_atomically(path, f"{json.dumps(asked, indent=2)}\n".encode())
    return ensemble.card


def _refuse_other_settings(asked: dict[str, Any], path: Path) -> None:
    source = Source(f"{path} does not tell the options of the results", _HINT)
    earlier = {_EACH: False} | read_json(path, source)  # which an earlier one does not name
    other = [name for name in asked if asked[name] != earlier.get(name)]
    if other:
        raise _other_options(
            path.parent,
            [_change(name.replace("_", " "), earlier.get(name), asked[name]) for name in other],
        )


def _change(name: str, before: object, now: object) -> str:
    """Say how an option differs, as people would."""
    words = {True: "yes", False: "no", None: "not given"}
    shown = [
        words[value] if value is None or isinstance(value, bool) else str(value)
        for value in (before, now)
    ]
    return f"{name}: {shown[0]} before, {shown[1]} now"


def _other_options(folder: Path, details: Sequence[str]) -> InputError:
    return InputError(f"{folder} holds results of other options", _HINT, tuple(details))
