"""The same person again, from inputs to a folder: the story of this room."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import SimpleITK as sitk

from BrainAgeLib.errors import InputError, printable
from BrainAgeLib.follow.differences import PersonChange, person_change
from BrainAgeLib.follow.page import write_follow_report
from BrainAgeLib.follow.saliency import NAME, has_map, write_difference
from BrainAgeLib.follow.scans import (
    Followed,
    follow_scans,
    models_of_records,
    outputs_of_scans,
    record_of,
    require_known_times,
)
from BrainAgeLib.follow.tables import people_of_table, write_changes
from BrainAgeLib.model.calibration import ScanError
from BrainAgeLib.model.card import Card
from BrainAgeLib.options import Options
from BrainAgeLib.records import ProgressCallback
from BrainAgeLib.report.pictures import Sheet, saliency_sheet
from BrainAgeLib.report.shown_slices import input_pictures
from BrainAgeLib.run_folder import (
    make_output_folder,
    refuse_to_overwrite,
    removed_if_it_fails,
    tell_of_others,
)
from BrainAgeLib.scan.geometry import to_canonical, volume_from_sitk
from BrainAgeLib.scan.itk import quiet_itk
from BrainAgeLib.scan.read import read_scan

logger = logging.getLogger(__name__)
REPORT_NAME = "report.html"
OUTPUTS = (REPORT_NAME, "follow.json", "changes.csv", NAME)


def scan_error_of(card: Card, own_years: float | None = None) -> ScanError:
    """Return the error of one scan: the user's own, else the one that the model's card has.

    Raises InputError when there is none, or one that cannot be.
    """
    if own_years is not None:
        try:
            return ScanError(own_years, 0, 0, "measured by the user")
        except ValueError as error:
            raise InputError(str(error), "give a standard deviation in years") from error
    if card.calibration.scan_error is None:
        raise InputError(
            f"the model {card.name} does not say how large the error of scanning again is",
            "measure it on people who were scanned twice, and give --scan-error YEARS",
        )
    return card.calibration.scan_error


def follow_person(
    inputs: Sequence[Path],
    output: Path,
    options: Sequence[Options],
    error: ScanError,
    card: Card,
    years: Sequence[float] | None = None,
    on_progress: ProgressCallback | None = None,
) -> PersonChange:
    """Follow one person over scans or records, write the report into ``output``.

    ``options``: of each input; ``years``: since the first one, None takes dates or ages. Raises
    BrainAgeError, also where the card's error is not that of the model of a record.
    """
    _refuse_inputs(inputs, outputs_of_scans(inputs, output), output)
    require_known_times(inputs, options, years)
    _require_error_of_models(models_of_records(inputs), error, card)
    with removed_if_it_fails(output):
        _prepare(output)
        followed = follow_scans(
            inputs,
            output,
            options,
            years,
            lambda number: _part_of(on_progress, number, len(inputs)),
        )
    result = person_change(followed.person, error)
    write_changes([result], output)
    sheet = _difference(followed, output)
    write_follow_report([result], error, card.out_of_fold, sheet, output / REPORT_NAME)
    return result


def follow_people(
    table: Path, output: Path, error: ScanError, card: Card, time: str | None = None
) -> list[PersonChange]:
    """Follow everybody of a results table who has two scans or more; write the report.

    Who cannot be followed is told there. ``time``: a column of years since the first scan. Raises
    BrainAgeError, also where the card's error is not that of a model of the table.
    """
    _refuse_inputs([table], [], output)
    people, not_followed = people_of_table(table, time)
    models = {visit.model for person in people for visit in person.visits}
    _require_error_of_models(models, error, card)
    _prepare(output)
    results = [person_change(person, error) for person in people]
    if not_followed:
        logger.warning("people of the table who are not followed: %d", len(not_followed))
    write_changes(results, output, not_followed)
    page = output / REPORT_NAME
    write_follow_report(results, error, card.out_of_fold, None, page, not_followed)
    return results


def _require_error_of_models(models: set[str], error: ScanError, card: Card) -> None:
    """Raise InputError where ages of another model would be judged by the error of the card's.

    What names no model passes, and so does an error that somebody measured.
    """
    others = models - {"", card.name, f"{card.name} {card.version}"}
    if others and error == card.calibration.scan_error:
        named = ", ".join(map(printable, sorted(others)))
        raise InputError(
            f"the error of one scan is known of the model {card.name} {card.version}, "
            f"and there are brain ages of {named}",
            "give the folder of their model by --model, or --scan-error YEARS",
        )


def _refuse_inputs(inputs: Sequence[Path], written: Sequence[Path], output: Path) -> None:
    """Raise InputError for a table, scan or record that this run would write over."""
    files = [*written, *(output / name for name in OUTPUTS)]
    for path in inputs:
        refuse_to_overwrite(record_of(path) or path, files, "the input")


def _prepare(output: Path) -> None:
    make_output_folder(output)
    tell_of_others(output, OUTPUTS, (REPORT_NAME, "follow.json", "changes.csv"))
    for name in OUTPUTS:  # a result that is there belongs to this run
        (output / name).unlink(missing_ok=True)


def _part_of(
    on_progress: ProgressCallback | None, number: int, count: int
) -> ProgressCallback | None:
    """Return who hears of one scan of several, in fractions of all."""
    if on_progress is None:
        return None
    return lambda name, fraction: on_progress(name, (number - 1 + fraction) / count)


def _difference(followed: Followed, output: Path) -> Sheet | None:
    """Write the change of the map, where both scans have one; show it on the later scan."""
    earlier, later = followed.scans[0], followed.scans[-1]
    if not has_map(earlier.folder) or not has_map(later.folder):
        return None
    difference = write_difference(earlier.folder, later.folder, output / NAME)
    if later.scan is None:
        return None
    scan = volume_from_sitk(to_canonical(read_scan(later.scan).image))
    with quiet_itk():
        mask = sitk.ReadImage(str(later.folder.brain_mask))
    on_scan = [volume_from_sitk(to_canonical(each)).voxels for each in (mask, difference)]
    return saliency_sheet(input_pictures(scan, on_scan[0] > 0, on_scan[1]))
