"""The result as a DICOM secondary capture: one page that every viewer shows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from BrainAgeLib.records import Pictures, Prediction
from BrainAgeLib.report.dicom_report import SERIES_DESCRIPTION, SERIES_NUMBER
from BrainAgeLib.report.dicom_source import MANUFACTURER, dicom_packages
from BrainAgeLib.report.page_picture import page_picture
from BrainAgeLib.whole_file import written_atomically


def write_page(
    prediction: Prediction, pictures: Pictures, source: Sequence[Any], path: Path
) -> None:
    """Write the page as a secondary capture that refers to the images of ``source``.

    ``source``: headers from ``read_source``. Raises BrainAgeError when it cannot be written.
    """
    page = page_capture(prediction, pictures, source)
    with written_atomically(path) as temporary:
        page.save_as(temporary, enforce_file_format=True)


def page_capture(prediction: Prediction, pictures: Pictures, source: Sequence[Any]) -> Any:
    """Return the page as a pydicom data set."""
    hd = dicom_packages()
    from pydicom.dataset import Dataset
    from pydicom.uid import RLELossless

    page = hd.sc.SCImage.from_ref_dataset(
        source[0],
        pixel_array=page_picture(prediction, pictures),
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        patient_orientation=("L", "P"),
        series_instance_uid=hd.UID(),
        series_number=SERIES_NUMBER + 1,
        sop_instance_uid=hd.UID(),
        instance_number=1,
        manufacturer=MANUFACTURER,
        transfer_syntax_uid=RLELossless,
    )
    page.PatientOrientation = None  # a page of text has none
    page.BodyPartExamined = "BRAIN"
    page.BurnedInAnnotation = "YES"  # ages, though no name
    page.SeriesDescription = SERIES_DESCRIPTION
    page.ImageComments = prediction.notice
    page.SoftwareVersions = prediction.software.version
    page.SourceImageSequence = []
    for image in source:
        reference = Dataset()
        reference.ReferencedSOPClassUID = image.SOPClassUID
        reference.ReferencedSOPInstanceUID = image.SOPInstanceUID
        page.SourceImageSequence.append(reference)
    return page
