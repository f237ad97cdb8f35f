"""The tables of a batch, a row a scan: what its input names, and ``results.csv``."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from BrainAgeLib.errors import ExitCode, printable
from BrainAgeLib.model.together import ScanAge, scan_age
from BrainAgeLib.records import IntervalCovers, Prediction, SequenceName, Sex
from BrainAgeLib.report.record import prediction_to_dict
from BrainAgeLib.tables.person import Facts
from BrainAgeLib.whole_file import is_device, write_atomically

RESULTS_NAME, SELECTION_NAME = "results.csv", "selection.csv"
SESSIONS_NAME = "sessions.csv"
SETTINGS_NAME = "batch.json"  # what says that a folder is that of a batch
INDEX_NAME = "index.html"
FAILURE_NAME = "failure.json"  # of a scan without a prediction
OWN_NAMES = (RESULTS_NAME, SESSIONS_NAME, SELECTION_NAME, INDEX_NAME, SETTINGS_NAME)
FINDING_SEPARATOR = ";"
ENCODING = "utf-8"
# File names need not be UTF-8: such bytes pass through unchanged.
ENCODING_ERRORS = "surrogateescape"
LONGEST_FOLDER_NAME = 120
MOST_SAME_TOLD = 20


@dataclass(frozen=True)
class ScanEntry:
    """One scan.

    ``path`` is what the table of results shows, ``scan`` what is read. ``folder``: where its
    outputs go, below the output folder, with "/" between parts. ``complaint``: why the input says
    nothing that could be worked on, or None. ``selection``: why it is taken though it is no T1, or
    that its sequence was asked for. ``taken_as``: where every sequence of a session is taken, which
    of them it is by header and name; the picture tells what it is.
    """

    path: str
    scan: str
    id: str = ""
    session: str = ""
    group: str = ""
    age_years: float | None = None
    sex: Sex | None = None
    series_uid: str | None = None
    further: Mapping[str, str] = field(default_factory=dict)
    folder: str = ""
    complaint: str | None = None
    selection: str = ""
    taken_as: SequenceName | None = None
    visit: tuple[str, ...] = ()


@dataclass(frozen=True)
class Decision:
    """Whether a series was chosen, and why; a line of ``selection.csv``.

    ``id`` and ``session`` are those of its row in ``results.csv``, of a series that was not chosen
    those of its study's first row; of a study without a row, what its place says.
    """

    study: str
    path: str
    series_uid: str | None
    description: str
    chosen: bool
    reason: str
    id: str = ""
    session: str = ""


@dataclass(frozen=True)
class ResultRow:
    """What came of one scan; ages and gaps in years, None where nothing is known.

    The fields but the last four are the columns of the file, in its order. ``findings`` are the
    codes of the quality gate, ``model`` is its name and version. ``exit_code`` and ``error`` are
    those that ``brainage predict`` would have ended with. ``interval_covers``: which scanners the
    interval speaks of. ``selection``: why this scan was taken where that is to be said.
    ``sequence``: what the picture shows. ``further``: the other columns of the input list, as text.
    ``scan_age``: what an age of several sequences takes of it. ``visit``: as of the entry.
    ``sha256``: of the files of the scan that was read.
    """

    path: str
    id: str = ""
    session: str = ""
    group: str = ""
    age: float | None = None
    sex: str | None = None
    brain_age_years: float | None = None
    interval_low: float | None = None
    interval_high: float | None = None
    gap_years: float | None = None
    corrected_gap_years: float | None = None
    gap_percentile: float | None = None
    verdict: str | None = None
    findings: tuple[str, ...] = ()
    slice_spacing_mm: float | None = None
    model: str | None = None
    exit_code: int | None = None
    error: str | None = None
    seconds: float | None = None
    interval_covers: IntervalCovers | None = None
    selection: str = ""
    sequence: SequenceName | None = None
    further: Mapping[str, str] = field(default_factory=dict)
    scan_age: ScanAge | None = None
    visit: tuple[str, ...] = ()
    sha256: str | None = None

    @property
    def has_age(self) -> bool:
        """Whether a brain age was predicted."""
        return self.brain_age_years is not None


def predicted_row(entry: ScanEntry, prediction: Prediction) -> ResultRow:
    """Return the row of a scan with a prediction, which may be that there is no age."""
    record = prediction_to_dict(prediction)
    low, high = record["interval_years"] or (None, None)
    return ResultRow(
        path=entry.path,
        id=entry.id,
        session=entry.session,
        group=entry.group,
        age=record["chronological_age_years"],
        sex=prediction.sex,
        brain_age_years=record["brain_age_years"],
        interval_low=low,
        interval_high=high,
        gap_years=record["gap_years"],
        corrected_gap_years=record["corrected_gap_years"],
        gap_percentile=record["gap_percentile"],
        verdict=prediction.quality.verdict,
        findings=tuple(finding.code for finding in prediction.quality.findings),
        slice_spacing_mm=record["acquisition"]["slice_spacing_mm"],
        model=f"{prediction.model.name} {prediction.model.version}",
        exit_code=ExitCode.REFUSED if prediction.brain_age_years is None else ExitCode.DONE,
        seconds=prediction.timings_seconds.total,
        interval_covers=prediction.interval_covers,
        selection=entry.selection,
        sequence=prediction.sequence,
        further=entry.further,
        scan_age=scan_age(prediction),
        visit=entry.visit,
        sha256=prediction.input.sha256,
    )


_NO_COLUMNS = ("further", "scan_age", "visit", "sha256")
COLUMNS = tuple(entry.name for entry in fields(ResultRow) if entry.name not in _NO_COLUMNS)


def same_scans(rows: Iterable[ResultRow]) -> list[tuple[str, ...]]:
    """Return, of each scan that is there under several names, its ids with their sessions."""
    by_file: dict[str, dict[str, None]] = {}
    for row in rows:
        if row.sha256 is not None:
            name = " ".join(filter(None, (row.id or Path(row.path).name, row.session)))
            by_file.setdefault(row.sha256, {})[printable(name)] = None
    return [tuple(names) for names in by_file.values() if len(names) > 1]


def same_scans_in_words(rows: Iterable[ResultRow]) -> list[str]:
    """Return a sentence on each of these; ids are for people's eyes, not for a log."""
    said = [
        f"{', '.join(names[:-1])} and {names[-1]} are the same scan, file for file: evaluate, "
        f"calibrate and cohort take it for {len(names)} scans."
        for names in same_scans(rows)
    ]
    more = len(said) - MOST_SAME_TOLD
    return said if more < 1 else [*said[:MOST_SAME_TOLD], f"{more} more scans have several names."]


def write_results(rows: Sequence[ResultRow], path: Path) -> None:
    """Write the table, all of it or nothing. Raises BrainAgeError when it cannot be written."""
    further = tuple(dict.fromkeys(name for row in rows for name in row.further))
    cells = [
        [getattr(row, name) for name in COLUMNS] + [row.further.get(name, "") for name in further]
        for row in rows
    ]
    write_csv(COLUMNS + further, cells, path)


def write_selection(decisions: Sequence[Decision], path: Path) -> None:
    """Write which series were chosen and why. Raises BrainAgeError when it cannot be written."""
    names = tuple(entry.name for entry in fields(Decision))
    cells = [[getattr(decision, name) for name in names] for decision in decisions]
    write_csv(names, cells, path)


def write_csv(names: Sequence[str], rows: Iterable[Sequence[object]], path: Path) -> None:
    """Write a table, whole or not at all; None is empty. Raises BrainAgeError when it cannot be."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(map(_text, row) for row in rows)
    write_atomically(path, text.getvalue().encode(ENCODING, ENCODING_ERRORS))


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, tuple):
        return FINDING_SEPARATOR.join(value)
    return str(value)


def with_person(entry: ScanEntry, facts: Facts) -> ScanEntry:
    """Return a scan with what a table of people says; its other columns are carried along."""
    # A scanner's model, say, must not be taken for that of the brain age.
    others = {
        f"participants_{column}" if column in COLUMNS else column: cell
        for column, cell in facts.further.items()
    }
    return replace(
        entry,
        group=facts.group,
        age_years=facts.age_years,
        sex=facts.sex,
        further={**others, **entry.further},
        complaint=entry.complaint or facts.complaint,
    )


def with_folders(entries: Iterable[ScanEntry]) -> list[ScanEntry]:
    """Give each entry a folder of its own: the one that it names, made safe and unique.

    Names differ by more than case, for disks that do not tell it apart, and from those of the
    batch's own files.
    """
    taken = set(OWN_NAMES)
    named = []
    for entry in entries:
        wanted = "/".join(filter(None, map(_safe, entry.folder.split("/")))) or "scan"
        folder, copy = wanted, 1
        while folder.lower() in taken:
            copy += 1
            folder = f"{wanted}_{copy}"
        taken.add(folder.lower())
        named.append(replace(entry, folder=folder))
    return named


def _safe(name: str) -> str:
    """Return a name that every file system takes; neither hidden nor a way out of the folder."""
    plain = re.sub(r"[^A-Za-z0-9._+-]+", "-", name).strip(".-")
    short = plain[:LONGEST_FOLDER_NAME].rstrip(".")
    return f"_{short}" if is_device(short) else short
