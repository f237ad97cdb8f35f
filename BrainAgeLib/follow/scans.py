"""The scans of one person, predicted or read from earlier records, in the order of their times."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from BrainAgeLib.cohort.table_checks import MOST_AGE_DRIFT_YEARS
from BrainAgeLib.delivery import deliver
from BrainAgeLib.errors import InputError, printable
from BrainAgeLib.follow.identity import maybe_two_people, subject_of
from BrainAgeLib.follow.visits import (
    AGES,
    Person,
    model_name,
    person_of,
    repeated_scans,
    require_times,
    times_of_ages,
    unknown_times,
    visit_of,
)
from BrainAgeLib.options import Deliverables, Options
from BrainAgeLib.records import DAYS_A_YEAR, Prediction, ProgressCallback
from BrainAgeLib.report.output_folder import RECORD_NAME, OutputFolder
from BrainAgeLib.report.record import read_prediction
from BrainAgeLib.scan.dicom_visit import patient_id, study_date
from BrainAgeLib.scan.file_kind import FileKind, kind_of

NO_PERSON = "this person"
GIVEN_YEARS, GIVEN_AGES = "the years that were given", "the ages that were given"
DATES = "the dates of their headers"


@dataclass(frozen=True)
class Scanned:
    """One scan with its record. ``folder``: where its outputs lie; some may be missing.

    ``scan``: the path of what was predicted here and now, None for an earlier record.
    """

    name: str
    prediction: Prediction
    folder: OutputFolder
    scan: Path | None


@dataclass(frozen=True)
class Followed:
    """One person, and the scans in the order of the visits."""

    person: Person
    scans: tuple[Scanned, ...]


def follow_scans(
    inputs: Sequence[Path],
    output: Path,
    options: Sequence[Options],
    years: Sequence[float] | None = None,
    on_progress: Callable[[int], ProgressCallback | None] = lambda _number: None,
) -> Followed:
    """Return the person of two or more inputs: scans, or what ``brainage predict`` wrote of one.

    Scans are predicted, each into a folder of its own in ``output``. ``options``: of each input.
    An age in them goes before that of a record. ``years``: since the first scan; None takes these
    ages where every input has one (dates that agree, where they are whole years), else the days of
    the DICOM headers, else all ages. Raises BrainAgeError for what cannot be read, is refused, or
    is of one time.
    """
    scans = [
        _scanned(path, output / f"scan-{number}", one, on_progress(number))
        for number, (path, one) in enumerate(zip(inputs, options, strict=True), start=1)
    ]
    records = [scan.prediction for scan in scans]
    times, told_by, notes = _times(inputs, options, records, years)
    notes += repeated_scans(records, [scan.name for scan in scans])
    notes += _doubts_about_person(inputs, scans)
    visits = {
        scan.name: visit_of(scan.prediction, scan.name, time)
        for scan, time in zip(scans, times, strict=True)
    }
    person = person_of(NO_PERSON, list(visits.values()), notes, told_by)
    by_name = {scan.name: scan for scan in scans}
    return Followed(person, tuple(by_name[visit.name] for visit in person.visits))


def require_known_times(
    inputs: Sequence[Path], options: Sequence[Options], years: Sequence[float] | None
) -> None:
    """Raise InputError for times that cannot be, or that nothing will tell, before any work."""
    if years is not None:
        _require_years(years, len(inputs))
        return
    if told := times_of_given(inputs, options):
        require_times(NO_PERSON, *told[:2])
        return
    for path, one in zip(inputs, options, strict=True):
        if one.age_years is None and _tells_no_time(path):
            raise unknown_times()


def _tells_no_time(path: Path) -> bool:
    """Say whether a scan has neither date nor age for sure; what is no scan is told later."""
    if record := record_of(path):
        return read_prediction(record).chronological_age_years is None and not _dicom_file(path)
    return path.is_file() and kind_of(path) not in (None, FileKind.DICOM)


def _doubts_about_person(inputs: Sequence[Path], scans: Sequence[Scanned]) -> list[str]:
    """Return why the scans may be two people's, by names of files and folders, and by headers."""
    subjects, ids = [], []
    for path, scan in zip(inputs, scans, strict=True):
        own = subject_of(str(path.absolute()))
        subjects.append(own or subject_of(scan.prediction.input.path or ""))
        kept = (scan.prediction.identifiers or {}).get("patient_id")
        ids.append(kept or (patient_id(file) if (file := _dicom_file(path)) else None))
    return maybe_two_people([scan.name for scan in scans], subjects, ids)


def _require_years(years: Sequence[float], count: int) -> None:
    """Raise InputError for times that cannot be, before a scan is worked on."""
    if len(years) != count:
        raise InputError(
            f"{count} scans have {len(years)} times", "give one for each, in their order"
        )
    if not all(map(math.isfinite, years)):
        raise InputError("a time between the scans is no number", "give years, such as 0 1.5")
    require_times(NO_PERSON, years, GIVEN_YEARS)


def _times(
    inputs: Sequence[Path],
    options: Sequence[Options],
    records: Sequence[Prediction],
    years: Sequence[float] | None,
) -> tuple[list[float], str, list[str]]:
    """Return the times of scans in years, what tells them, and what to know of them."""
    if years is not None:
        return list(years), GIVEN_YEARS, []
    if told := times_of_given(inputs, options):
        return told
    if days := _times_of_days(inputs):
        return days, DATES, []
    times, notes = times_of_ages([record.chronological_age_years for record in records])
    return times, AGES, notes


def times_of_given(
    inputs: Sequence[Path], options: Sequence[Options]
) -> tuple[list[float], str, list[str]] | None:
    """Return the times as ages that were given tell them; None unless every input has one.

    Whoever gives ages knows better than headers, whose days may be moved; but of ages in whole
    years, dates that agree with them tell more.
    """
    given = [one.age_years for one in options if one.age_years is not None]
    if len(given) < len(options):
        return None
    times, notes = times_of_ages(given)
    if all(age == round(age) for age in given) and (days := _times_of_days(inputs)):
        off = [time - day for time, day in zip(times, days, strict=True)]
        if max(off) - min(off) <= MOST_AGE_DRIFT_YEARS:
            return days, DATES, []
    return times, GIVEN_AGES, notes


def _scanned(
    path: Path, folder: Path, options: Options, on_progress: ProgressCallback | None
) -> Scanned:
    number = folder.name.removeprefix("scan-")
    named = path.resolve().parent if path.name == RECORD_NAME else path  # all records are so called
    name = f"{number}: {printable(named.name)}"
    if record := record_of(path):
        prediction = read_prediction(record)
        if options.age_years is not None:
            prediction = replace(prediction, chronological_age_years=options.age_years)
        return Scanned(name, prediction, OutputFolder(record.parent), None)
    prediction, outputs = deliver(path, folder, options, Deliverables(), on_progress)
    return Scanned(name, prediction, outputs, path)


def record_of(path: Path) -> Path | None:
    """Return the record that an input is or holds; None for a scan."""
    record = path / RECORD_NAME if path.is_dir() else path
    return record if record.is_file() and record.suffix == ".json" else None


def models_of_records(inputs: Sequence[Path]) -> set[str]:
    """Return name and version of the models that those inputs that are records are of."""
    records = [read_prediction(record) for path in inputs if (record := record_of(path))]
    return {model_name(record) for record in records}


def outputs_of_scans(inputs: Sequence[Path], output: Path) -> list[Path]:
    """Return the files that predicting those inputs that are scans writes."""
    return [
        file
        for number, path in enumerate(inputs, start=1)
        if record_of(path) is None
        for file in OutputFolder(output / f"scan-{number}").files
    ]


def _times_of_days(inputs: Sequence[Path]) -> list[float]:
    """Return the years since the first scan by the days of studies; [] unless all are known."""
    days = [study_date(file) if (file := _dicom_file(path)) else None for path in inputs]
    known = [day for day in days if day is not None]
    if len(known) < len(inputs):
        return []
    return [(day - min(known)).days / DAYS_A_YEAR for day in known]


def _dicom_file(path: Path) -> Path | None:
    """Return a DICOM file of a scan, or None for other kinds of scans and for records."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    dicom = (each for each in files if each.is_file() and kind_of(each) is FileKind.DICOM)
    return next(dicom, None)
