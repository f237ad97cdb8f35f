"""One scan of a batch: its folder appears as a whole, or it does not appear.

The folders are the only memory of a batch. A scan is done when its folder holds a prediction or a
failure, so whoever is killed, and whoever repeats a task, loses nothing and does nothing twice.
"""

from __future__ import annotations

import secrets
import shutil
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from BrainAgeLib.batch.choice import EACH, Wish
from BrainAgeLib.batch.table import FAILURE_NAME, ResultRow, ScanEntry, predicted_row
from BrainAgeLib.codec import Source, read, to_text
from BrainAgeLib.delivery import deliver
from BrainAgeLib.errors import (
    BrainAgeError,
    ExitCode,
    FullDiskError,
    InputError,
    InstallationError,
)
from BrainAgeLib.options import Deliverables, Options
from BrainAgeLib.records import Prediction
from BrainAgeLib.report.output_folder import OutputFolder, make_room, output_folder
from BrainAgeLib.report.record import read_prediction
from BrainAgeLib.run_folder import are_one_path
from BrainAgeLib.scan.read import sha256_of
from BrainAgeLib.scan.text_headers import files_of_text_headed
from BrainAgeLib.whole_file import is_in_use, patiently, write_atomically, write_error

WORK_PREFIX = ".brainage-work-"
_SAME_AGE_YEARS = 1e-3
_ONE_FILE = (".nii", ".nii.gz", ".mgh", ".mgz")
_TEXT_HEADED = (".nrrd", ".nhdr", ".mha", ".mhd")  # the voxels may lie in a file of their own


@dataclass(frozen=True)
class BatchSettings:
    """The options of every scan. Age, sex and series in ``options`` are for entries without.

    ``each_sequence``: of every session a scan of each sequence is taken.
    """

    output: Path
    options: Options
    deliverables: Deliverables = Deliverables(thumbnail=True)
    each_sequence: bool = False

    @property
    def wish(self) -> Wish | None:
        """Which sequence to take of a session."""
        return EACH if self.each_sequence else self.options.sequence

    def options_for(self, entry: ScanEntry) -> Options:
        """Return the options of one scan."""
        return replace(
            self.options,
            age_years=self.options.age_years if entry.age_years is None else entry.age_years,
            sex=entry.sex or self.options.sex,
            series_uid=entry.series_uid or self.options.series_uid,
        )


@dataclass(frozen=True)
class Failure:
    """Why a scan has no prediction: what ``brainage predict`` would have said and returned.

    ``scan`` and ``series_uid``: which one it is of, filled in where it is written.
    """

    exit_code: int
    error: str
    seconds: float
    scan: str | None = None
    series_uid: str | None = None


def work_on(entry: ScanEntry, settings: BatchSettings) -> ResultRow:
    """Return the row of a scan, working on it unless its folder says that this is done.

    Whatever is wrong with the scan is a row. Raises BrainAgeError for what would be wrong with
    every other scan, too: a full disk, a damaged installation.
    """
    row = finished_row(entry, settings)
    if row is not None:
        return row
    work = settings.output / f"{WORK_PREFIX}{secrets.token_hex(6)}"
    began = time.perf_counter()
    try:
        _predict(entry, settings, work, began)
        _publish(work, entry, settings)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    row = finished_row(entry, settings)
    if row is None:
        raise BrainAgeError(
            f"the results of {entry.path} vanished from {settings.output / entry.folder}",
            "let nobody else write into the output folder",
        )
    return row


def finished_row(
    entry: ScanEntry, settings: BatchSettings, failures_too: bool = True
) -> ResultRow | None:
    """Return the row of a scan whose folder is complete, or None when there is work to do.

    So it is when the list gives another age, sex or file than before; of another file a failure
    says nothing, either. What the input itself complains of needs no folder.
    """
    if entry.complaint is not None:
        return failed_row(entry, settings, Failure(ExitCode.UNUSABLE_INPUT, entry.complaint, 0.0))
    folder = settings.output / entry.folder
    try:
        prediction = read_prediction(OutputFolder(folder).prediction)
    except InputError:
        failure = _read_failure(entry, settings) if failures_too else None
        return None if failure is None else failed_row(entry, settings, failure)
    return predicted_row(entry, prediction) if _is_of(entry, settings, prediction) else None


def record_failure(entry: ScanEntry, settings: BatchSettings, failure: Failure) -> ResultRow:
    """Keep in the scan's folder why there is no prediction; return the row."""
    folder = settings.output / entry.folder
    folder.mkdir(parents=True, exist_ok=True)
    OutputFolder(folder).prediction.unlink(missing_ok=True)  # of another age or series
    _write_failure(failure, entry, settings, folder)
    return failed_row(entry, settings, failure)


def failed_row(entry: ScanEntry, settings: BatchSettings, failure: Failure) -> ResultRow:
    """Return the row of a scan without a prediction."""
    options = settings.options_for(entry)
    return ResultRow(
        path=entry.path,
        id=entry.id,
        session=entry.session,
        group=entry.group,
        age=options.age_years,
        sex=options.sex,
        exit_code=failure.exit_code,
        error=failure.error,
        seconds=failure.seconds,
        selection=entry.selection,
        further=entry.further,
        visit=entry.visit,
    )


def _predict(entry: ScanEntry, settings: BatchSettings, work: Path, began: float) -> None:
    """Fill the work folder with a prediction or with the reason why there is none."""
    try:
        deliver(entry.scan, work, settings.options_for(entry), settings.deliverables)
        return
    except (FullDiskError, InstallationError):
        raise
    except BrainAgeError as error:
        code, words = error.exit_code, str(error)
    except MemoryError:
        code, words = ExitCode.FAULT, "there is too little memory for this scan"
    except Exception as error:  # a scan that nobody foresaw must not end the others
        code = ExitCode.FAULT
        words = f"internal error: {type(error).__name__}: {error}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    seconds = round(time.perf_counter() - began, 3)
    _write_failure(Failure(code, " ".join(words.split()), seconds), entry, settings, work)


def _publish(work: Path, entry: ScanEntry, settings: BatchSettings) -> None:
    """Give the work folder its name, unless another worker was first.

    Files of others that lie there stay; outputs of ours that are out of date do not.
    """
    folder = settings.output / entry.folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        patiently(lambda: work.rename(folder))
        return
    except OSError as error:
        # Windows renames no folder in which a virus scanner or a cloud's client looks at a file.
        if not folder.is_dir() and not is_in_use(error):
            raise write_error(error, folder) from error
    if finished_row(entry, settings) is not None:
        return
    with output_folder(folder) as outputs:
        make_room(outputs)
        try:
            _move_into(folder, work)
        except OSError as error:
            raise write_error(error, folder) from error


def _move_into(folder: Path, work: Path) -> None:
    patiently(lambda: (folder / FAILURE_NAME).unlink(missing_ok=True))
    last = (OutputFolder(work).prediction, work / FAILURE_NAME)
    for file in sorted(work.iterdir(), key=lambda path: path in last):
        patiently(partial(file.replace, folder / file.name))


def _is_of(entry: ScanEntry, settings: BatchSettings, prediction: Prediction) -> bool:
    """Say whether a prediction is that of this scan, this series of it, and this person."""
    options = settings.options_for(entry)
    age_years = prediction.chronological_age_years
    same_age = options.age_years is None or (
        age_years is not None and abs(age_years - options.age_years) < _SAME_AGE_YEARS
    )
    same_sex = options.sex in (None, prediction.sex)
    series = prediction.input.series_uid  # None of a file that is no DICOM, whatever was asked for
    same_series = None in (series, options.series_uid) or series == options.series_uid
    path = prediction.input.path
    same_file = path is not None and are_one_path(path, entry.scan) and _is_unchanged(prediction)
    return same_age and same_sex and same_series and same_file


def _is_unchanged(prediction: Prediction) -> bool:
    """Say whether the file that was predicted from holds the same scan still.

    A DICOM series is not looked into: it would have to be read again.
    """
    path = Path(prediction.input.path or "")
    suffix = path.name.lower()
    if not suffix.endswith((*_ONE_FILE, *_TEXT_HEADED)) or not path.is_file():
        return True
    try:
        has_header = suffix.endswith(_TEXT_HEADED)
        files = files_of_text_headed(path, path.name) if has_header else (path,)
        return sha256_of(files) == prediction.input.sha256
    except (InputError, OSError):  # what is wrong now its row will say
        return False


def _write_failure(
    failure: Failure, entry: ScanEntry, settings: BatchSettings, folder: Path
) -> None:
    series_uid = settings.options_for(entry).series_uid
    content = to_text(replace(failure, scan=entry.scan, series_uid=series_uid))
    write_atomically(folder / FAILURE_NAME, content.encode(errors="backslashreplace"))


def _read_failure(entry: ScanEntry, settings: BatchSettings) -> Failure | None:
    """Return why this scan has no prediction; what is said of another file is nothing of it."""
    path = settings.output / entry.folder / FAILURE_NAME
    try:
        failure = read(Failure, path, Source(f"{path} is damaged"))
    except InputError:
        return None
    if failure.scan is None:  # of an earlier version, which did not say
        return failure
    same_series = failure.series_uid == settings.options_for(entry).series_uid
    return failure if same_series and are_one_path(failure.scan, entry.scan) else None
