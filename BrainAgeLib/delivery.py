"""From a scan to a folder of files, each of them whole."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import SimpleITK as sitk

from BrainAgeLib.errors import BrainAgeError, InputError
from BrainAgeLib.options import Deliverables, Options
from BrainAgeLib.pipeline import run
from BrainAgeLib.records import Prediction, ProgressCallback, Result
from BrainAgeLib.report.dicom_page import write_page
from BrainAgeLib.report.dicom_report import dicom_packages, write_structured_report
from BrainAgeLib.report.dicom_source import read_source
from BrainAgeLib.report.images import write_image, write_transform
from BrainAgeLib.report.output_folder import OutputFolder, make_room, output_folder
from BrainAgeLib.report.pictures import write_thumbnail
from BrainAgeLib.report.record import read_prediction, write_prediction
from BrainAgeLib.report.view import write_report
from BrainAgeLib.run_folder import replaced_words
from BrainAgeLib.scan.dicom_elements import silent_pydicom

logger = logging.getLogger(__name__)


def deliver(
    scan: str | os.PathLike[str] | sitk.Image,
    folder: str | os.PathLike[str],
    options: Options,
    deliverables: Deliverables,
    on_progress: ProgressCallback | None = None,
) -> tuple[Prediction, OutputFolder]:
    """Work on one scan and write everything that comes of it into ``folder``.

    Folder, options, device and scan are checked before anything is touched: a mistyped call costs
    nothing. Earlier outputs are removed before the work on the scan begins: then a result
    that is there belongs to this run. Raises BrainAgeError.
    """
    path = None if isinstance(scan, sitk.Image) else Path(scan)
    if deliverables.dicom:
        dicom_packages()
        _refuse_to_add_to_series(path, Path(folder))
    with output_folder(Path(folder), path) as outputs:
        result = run(scan, options, on_progress, lambda: _remove_earlier(outputs, path))
        if on_progress is not None:
            on_progress("write", 0.98)
        _write(result, outputs, deliverables)
        if on_progress is not None:
            on_progress("write", 1.0)
    return result.prediction, outputs


def _remove_earlier(outputs: OutputFolder, scan: Path | None) -> None:
    """Make room and say what went: an earlier result, or files of others by its names."""
    was_ours = _is_record(outputs.prediction)
    removed = make_room(outputs, scan)
    if was_ours:
        logger.warning("the earlier result in %s was removed", outputs.path)
    elif removed:
        logger.warning("%s", replaced_words(removed, outputs.path, "removed"))


def _is_record(path: Path) -> bool:
    try:
        read_prediction(path)
    except InputError:
        return False
    return True


def _write(result: Result, outputs: OutputFolder, deliverables: Deliverables) -> None:
    if result.brain_mask is not None:
        write_image(result.brain_mask, outputs.brain_mask)
    if result.to_template is not None:
        write_transform(result.to_template, outputs.to_template)
    if result.prediction.saliency is not None:
        write_image(result.prediction.saliency, outputs.saliency)
    if deliverables.report:
        write_report(result.prediction, result.pictures, outputs.report)
    if deliverables.thumbnail:
        write_thumbnail(result.pictures, outputs.thumbnail)
    if deliverables.dicom and result.dicom_files:
        _write_dicom(result, outputs)
    # Last: its presence says that the rest is complete.
    write_prediction(result.prediction, outputs.prediction)


def _write_dicom(result: Result, outputs: OutputFolder) -> None:
    """Write both DICOM files, or neither where the headers do not allow it: the age is there, too.

    Raises BrainAgeError when the disk does not allow it.
    """
    structured_report, page = outputs.dicom_files
    try:
        with silent_pydicom():
            source = read_source(result.dicom_files)
            write_structured_report(result.prediction, source, structured_report)
            write_page(result.prediction, result.pictures, source, page)
        return
    except InputError as error:
        why = str(error)
    except BrainAgeError:
        raise
    except Exception as error:  # its words may hold a patient's name
        why = f"{type(error).__name__} over the headers of the series"
    for path in outputs.dicom_files:
        path.unlink(missing_ok=True)
    logger.warning("report.dcm and page.dcm could not be made: %s", why)


def _refuse_to_add_to_series(scan: Path | None, folder: Path) -> None:
    if scan is not None and scan.is_dir() and folder.is_dir() and folder.samefile(scan):
        raise InputError(
            f"{folder} holds the scan: DICOM outputs in it would become part of its series",
            "choose another output folder",
        )
