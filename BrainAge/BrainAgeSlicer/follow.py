"""The same person again: two results of the scene, compared here and by the worker.

The numbers are worked out at once, by the library's own functions; the report and the map of the
change are the worker's. It gets both results in a folder that goes afterwards.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _

from BrainAgeLib.errors import BrainAgeError
from BrainAgeLib.follow.change import Change, change_of
from BrainAgeLib.follow.differences import warnings_about
from BrainAgeLib.follow.identity import maybe_two_people, subject_of
from BrainAgeLib.follow.visits import (
    Person,
    person_of,
    repeated_scans,
    times_of_ages,
    visit_of,
)
from BrainAgeLib.model.calibration import ScanError
from BrainAgeLib.records import DAYS_A_YEAR
from BrainAgeLib.report.output_folder import OutputFolder
from BrainAgeLib.report.record import write_prediction
from BrainAgeLib.scan.dicom_person import day_of_study
from BrainAgeSlicer import dicomfiles, installation, volumes
from BrainAgeSlicer.results import OVERLAY, TO_TEMPLATE, Result
from BrainAgeSlicer.run import asError, errorOf, removeFolder
from BrainAgeSlicer.worker import Outcome, Worker

STUDY_DATE, PATIENT_ID = "0008,0020", "0010,0020"


@dataclass(frozen=True)
class Comparison:
    """Two results of one person, the earlier first, and what changed between them."""

    results: tuple[Result, Result]
    person: Person
    change: Change
    error: ScanError
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Made:
    """What the worker made of a comparison: the report, and the map (k, j, i) or None."""

    report: str
    saliency: np.ndarray | None


def compare(earlier: Result, later: Result, yearsBetween: float | None) -> Comparison:
    """Return what changed; ``yearsBetween``: None takes the dates of the scans, else the ages.

    Raises BrainAgeError when there is no change to speak of.
    """
    records = [each.prediction for each in (earlier, later)]
    names = [each.volumeNode.GetName() for each in (earlier, later)]
    if names[0] == names[1]:
        names = [f"{number}: {name}" for number, name in enumerate(names, 1)]
    times = [0.0, yearsBetween or 0.0]
    notes: list[str] = []
    if yearsBetween is None:
        days = [_dayOf(each.volumeNode) for each in (earlier, later)]
        if days[0] is not None and days[1] is not None:
            times = [0.0, (days[1] - days[0]).days / DAYS_A_YEAR]
        else:
            times, notes = times_of_ages([each.chronological_age_years for each in records])
    if times[1] < times[0]:
        raise BrainAgeError(
            _("The earlier scan is the later one."), _("choose them the other way round")
        )
    notes += repeated_scans(records, names)
    ids = [_valueOf(each.volumeNode, PATIENT_ID) for each in (earlier, later)]
    notes += maybe_two_people(names, [subject_of(name) for name in names], ids)
    visits = [
        visit_of(record, name, time)
        for record, name, time in zip(records, names, times, strict=True)
    ]
    person = person_of(_("this person"), visits, notes)
    error = _scanErrorOf(records[1].model.name)
    warnings = tuple(warnings_about(person, error))
    return Comparison((earlier, later), person, change_of(person, error), error, warnings)


def _scanErrorOf(modelName: str) -> ScanError:
    cards = [card for card in installation.models().values() if card is not None]
    errors = [card.calibration.scan_error for card in cards if card.name == modelName]
    if not errors or errors[0] is None:
        raise BrainAgeError(
            _("The model {name} does not say how large the error of scanning again is.").format(
                name=modelName
            ),
            _("brainage follow --scan-error takes your own"),
        )
    return errors[0]


def _dayOf(volumeNode: Any) -> date | None:
    return day_of_study(_valueOf(volumeNode, STUDY_DATE))


def _valueOf(volumeNode: Any, tag: str) -> str:
    """Return what the DICOM database knows of a volume's header, or nothing."""
    known, uids = dicomfiles.database(), dicomfiles.instanceUIDs(volumeNode)
    return (known.instanceValue(uids[0], tag) or "").strip() if known and uids else ""


def _whoseOf(results: Sequence[Result], number: int) -> dict[str, str] | None:
    """Return what tells the worker whether two scans are one person's, without the ID itself."""
    ids = [_valueOf(each.volumeNode, PATIENT_ID) for each in results]
    return {"patient_id": str(ids.index(ids[number]))} if all(ids) else None


class FollowRun:
    """Has the worker make report and map.

    ``onEnded(made, error)``: one of them is None, both when it was cancelled.
    """

    def __init__(
        self,
        comparison: Comparison,
        command: Sequence[str],
        onEnded: Callable[[Made | None, BrainAgeError | None], None],
    ) -> None:
        """Write both results out. Raises BrainAgeError when they cannot be written."""
        self._comparison = comparison
        self._onEnded = onEnded
        self._folder = Path()
        try:
            self._folder = Path(tempfile.mkdtemp(prefix="BrainAge-"))
            inputs = [str(self._export(number)) for number in range(2)]
        except (OSError, BrainAgeError) as error:
            removeFolder(self._folder)
            raise asError(error) from error
        self._output = self._folder / "output"
        times = [f"{visit.time_years:.9g}" for visit in comparison.person.visits]
        arguments = ["follow", *inputs, "--output", str(self._output), "--years", *times]
        arguments += ["--scan-error", f"{comparison.error.sd_years:.9g}"]
        self._worker = Worker(
            [*command, *arguments, "--json-lines", "--stop-with-parent"], self._onFinished
        )

    def start(self) -> None:
        """Start the worker."""
        self._worker.start()

    def cancel(self) -> None:
        """Ask the worker to end; the listener hears when it did."""
        self._worker.cancel()

    def stop(self) -> None:
        """End the worker and wait until it is gone."""
        self._onEnded = lambda _made, _error: None
        self._worker.stop()

    def isWanted(self) -> bool:
        """Return whether both results are still there."""
        return all(each.recordNode.GetScene() is not None for each in self._comparison.results)

    def _export(self, number: int) -> Path:
        """Write one result as the library writes it; return its folder."""
        result = self._comparison.results[number]
        name = volumes.fileNameOf(result.volumeNode)
        folder = OutputFolder(self._folder / str(number + 1) / name)
        folder.path.mkdir(parents=True)
        whose = _whoseOf(self._comparison.results, number)
        write_prediction(replace(result.prediction, identifiers=whose), folder.prediction)
        overlay, toTemplate = result.part(OVERLAY), result.part(TO_TEMPLATE)
        if overlay is None or toTemplate is None or result.workerLattice is None:
            return folder.path
        array = slicer.util.arrayFromVolume(overlay)
        volumes.writeArray(array, result.workerLattice, folder.saliency)
        storage = slicer.vtkMRMLTransformStorageNode()
        storage.SetFileName(str(folder.to_template))
        if not storage.WriteData(toTemplate):
            folder.saliency.unlink()
        return folder.path

    def _onFinished(self, outcome: Outcome) -> None:
        try:
            if outcome.cancelled or not self.isWanted():
                self._onEnded(None, None)
                return
            if not outcome.done:
                self._onEnded(None, errorOf(outcome))
                return
            report = (self._output / "report.html").read_text("utf-8")
            json.loads((self._output / "follow.json").read_text("utf-8"))
            self._onEnded(Made(report, self._map()), None)
        except (OSError, ValueError, BrainAgeError) as error:
            self._onEnded(None, BrainAgeError(str(error)))
        finally:
            removeFolder(self._folder)

    def _map(self) -> np.ndarray | None:
        path = self._output / "saliency_change.nii.gz"
        later = self._comparison.results[1]
        if not path.is_file() or later.workerLattice is None:
            return None
        array = slicer.util.arrayFromVolume(later.part(OVERLAY))
        lattice = volumes.Lattice(np.eye(4), later.workerLattice, array.shape, True)
        return volumes.readArray(path, lattice)
