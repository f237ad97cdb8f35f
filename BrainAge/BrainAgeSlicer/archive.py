"""The way back to the archive: the DICOM report and page of a result, into Slicer's database.

The worker makes both of a DICOM scan. They name the patient, so they are kept in memory and not in
the scene, which people save and pass on.
"""

from __future__ import annotations

import importlib.util
import io
import tempfile
import uuid
from pathlib import Path

from slicer.i18n import tr as _

from BrainAgeLib.errors import BrainAgeError
from BrainAgeLib.report.output_folder import OutputFolder
from BrainAgeSlicer import dicomfiles
from BrainAgeSlicer.results import Result

KEY = "BrainAge.DicomKey"  # attribute of a record: which of the kept files are its own
PACKAGE = "highdicom"

_kept: dict[str, tuple[bytes, ...]] = {}


def packageIsThere() -> bool:
    """Return whether the worker can make DICOM files, without importing what it needs."""
    return importlib.util.find_spec(PACKAGE) is not None


def keep(result: Result, folder: Path) -> None:
    """Keep the DICOM files that the worker left in a folder, for this session, if it left any."""
    paths = OutputFolder(folder).dicom_files
    if all(path.is_file() for path in paths):
        key = uuid.uuid4().hex
        result.recordNode.SetAttribute(KEY, key)
        _kept[key] = tuple(path.read_bytes() for path in paths)


def isKept(result: Result) -> bool:
    """Return whether there are DICOM files of a result; those of an earlier session are gone."""
    return (result.recordNode.GetAttribute(KEY) or "") in _kept


def whyNotFiled(result: Result | None) -> str:
    """Return a sentence that says what keeps a result from being filed, or an empty string."""
    if result is None:
        return _("There is no result for this scan yet.")
    if not dicomfiles.instanceUIDs(result.volumeNode):
        return _("The scan was not loaded from Slicer's DICOM database.")
    known = dicomfiles.database()
    if not known or not known.isOpen:
        return _("Slicer's DICOM database is not open.")
    return ""


def fileAway(result: Result) -> None:
    """Write the report and the page of a result into Slicer's DICOM database, beside its study.

    Raises BrainAgeError when there are none, or the database does not take them.
    """
    why = whyNotFiled(result)
    if why:
        raise BrainAgeError(why)
    if not isKept(result):
        raise BrainAgeError(
            _("There is no DICOM report of this result."), _("press Apply again to make it")
        )
    import ctk

    contents = _kept[result.recordNode.GetAttribute(KEY)]
    database, indexer = dicomfiles.database(), ctk.ctkDICOMIndexer()
    try:
        with tempfile.TemporaryDirectory(prefix="BrainAge-", ignore_cleanup_errors=True) as folder:
            for number, content in enumerate(contents):
                path = Path(folder) / f"{number}.dcm"
                path.write_bytes(content)
                indexer.addFile(database, str(path), True)  # copied: the folder goes
            indexer.waitForImportFinished()
    except OSError as error:
        raise BrainAgeError(
            _("The report could not be written: {reason}").format(reason=error),
            _("free some disk space"),
        ) from error
    if not all(database.fileForInstance(_uidOf(content)) for content in contents):
        raise BrainAgeError(
            _("Slicer's DICOM database did not take the report."),
            _("see whether its folder can be written to: Application Settings, DICOM"),
        )


def _uidOf(content: bytes) -> str:
    import pydicom

    header = pydicom.dcmread(io.BytesIO(content), specific_tags=["SOPInstanceUID"])
    return str(header.SOPInstanceUID)


def noticeText() -> str:
    """Return what the files hold, for those who send them on."""
    return _(
        "A structured report and a page, as series of their own beside the scan's study. They hold "
        "the patient's name and number, as the scan does, the ages, the quality findings and "
        "pictures of the slices. Research use only. Not a medical device."
    )
