"""One scan on its way: copied out of the scene, predicted by a worker, brought back into it."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import slicer
import vtk
from slicer.i18n import tr as _

from BrainAgeLib.errors import BrainAgeError, ExitCode
from BrainAgeLib.records import Prediction
from BrainAgeSlicer import archive, subject, table
from BrainAgeSlicer.dependencies import hintInSlicer
from BrainAgeSlicer.handover import HandOver, handOver
from BrainAgeSlicer.installation import referencePeople
from BrainAgeSlicer.plot import addChart
from BrainAgeSlicer.request import Request
from BrainAgeSlicer.results import VOXELS, Result, markAsEarlier, removeResult
from BrainAgeSlicer.scene import addResult
from BrainAgeSlicer.volumes import fingerprintOf
from BrainAgeSlicer.worker import Outcome, Worker

QUITTING, WINDOWS_CLOSED = "aboutToQuit()", "lastWindowClosed()"  # signals of the application
REMOVAL_TRIES = 20  # Windows lets go of a dead process's files a moment later


@dataclass(frozen=True)
class Ended:
    """How a run ended: with a result, with an error, or cancelled (``why`` says by what)."""

    result: Result | None = None
    prediction: Prediction | None = None
    error: BrainAgeError | None = None
    cancelled: bool = False
    why: str = ""


@dataclass
class Listener:
    """Who hears of a run."""

    onEnded: Callable[[Ended], None] = lambda _ended: None
    onStage: Callable[[str, float], None] = lambda _name, _fraction: None
    onLog: Callable[[str], None] = lambda _line: None


class Run:
    """Predicts one scan. The folder that holds the patient's scan is gone when it ends."""

    def __init__(
        self, volumeNode: Any, request: Request, command: Sequence[str], listener: Listener
    ) -> None:
        self._volumeNode = volumeNode
        self._request = request
        self._command = list(command)
        self._listener = listener
        self._observations: list[tuple[Any, int]] = []
        self._folder = Path()
        self._voxels = ""
        self._worker: Worker | None = None
        self._why = ""
        self._ended = False

    def start(self) -> None:
        """Hand the scan over and start the worker. Its end is always reported to the listener."""
        scene = slicer.mrmlScene
        self._observe(scene, scene.StartCloseEvent, self._onSceneClose)
        self._observe(scene, scene.NodeAboutToBeRemovedEvent, self._onNodeRemoved)
        if hasattr(slicer.app, "connect"):  # a script's run has no panel that would end it
            slicer.app.connect(QUITTING, self._onQuit)
            slicer.app.connect(WINDOWS_CLOSED, self._onWindowsClosed)
        try:
            self._folder = Path(tempfile.mkdtemp(prefix="BrainAge-"))
            self._voxels = fingerprintOf(self._volumeNode)
            self._startWorker(handOver(self._volumeNode, self._folder))
        except Exception as error:  # a full disk, a damaged image: the panel must hear of any
            self._end(Ended(error=asError(error)))

    def isRunning(self) -> bool:
        """Return whether the end has yet to be reported."""
        return not self._ended

    def cancel(self) -> None:
        """Ask the worker to end; the listener hears when it did."""
        self._why = self._why or _("Cancelled.")
        if self._worker is not None:
            self._worker.cancel()

    def stop(self, why: str) -> None:
        """End the worker and wait until it is gone."""
        self._why = why
        if self._worker is not None:
            self._worker.stop()
        if not self._ended:
            self._end(Ended(cancelled=True, why=why))

    def waitForProgress(self, milliseconds: int) -> None:
        """Let the worker work on when no event loop runs."""
        if self._worker is not None:
            self._worker.waitForFinished(milliseconds)

    def _startWorker(self, scan: HandOver) -> None:
        request, output = self._request, str(self._folder / "output")
        if not scan.isDicom:  # else the worker reads the header by itself
            request = request.completedBy(subject.ofHeader(self._volumeNode))
        arguments = ["predict", str(scan.path), "--output", output, *request.arguments()]
        if scan.isDicom and archive.packageIsThere():
            arguments.append("--dicom")
        self._worker = Worker(
            [*self._command, *arguments, "--json-lines", "--stop-with-parent"],
            lambda outcome: self._onWorkerFinished(outcome, scan),
            self._listener.onStage,
            self._listener.onLog,
        )
        self._worker.start()

    def _onWorkerFinished(self, outcome: Outcome, scan: HandOver) -> None:
        if self._ended:
            return
        self._end(self._takeOutcome(outcome, scan))

    def _takeOutcome(self, outcome: Outcome, scan: HandOver) -> Ended:
        if outcome.cancelled:
            return Ended(cancelled=True, why=self._why)
        if not outcome.done:
            return Ended(error=errorOf(outcome))
        result = None
        try:
            result = addResult(self._volumeNode, self._folder / "output", scan.lattice)
            result.recordNode.SetAttribute(VOXELS, self._voxels)
            doubt = subject.doubtAbout(self._volumeNode, self._request.ageYears)
            result.noteWithoutHeader(scan.withoutHeader, doubt)
            archive.keep(result, self._folder / "output")
            prediction = result.prediction
            addChart(result, referencePeople(prediction.model.name))
            table.addRun(self._volumeNode, prediction)
            return Ended(result, prediction)
        except Exception as error:  # whatever it was, the user reads a sentence, not a traceback
            if result is not None:
                removeResult(result)
            return Ended(error=asError(error))

    def _end(self, ended: Ended) -> None:
        if self._ended:
            return
        self._ended = True
        if ended.error is not None:
            markAsEarlier(self._volumeNode)
        try:
            for observed, tag in self._observations:
                observed.RemoveObserver(tag)
            self._observations = []
            if hasattr(slicer.app, "disconnect"):
                slicer.app.disconnect(QUITTING, self._onQuit)
                slicer.app.disconnect(WINDOWS_CLOSED, self._onWindowsClosed)
            self._worker = None
        finally:
            removeFolder(self._folder)
        self._listener.onEnded(ended)

    def _observe(self, observed: Any, event: int, method: Callable[..., None]) -> None:
        self._observations.append((observed, observed.AddObserver(event, method)))

    def _onSceneClose(self, _caller: Any, _event: Any) -> None:
        self.stop(_("The scene was closed, so the prediction was stopped."))

    def _onQuit(self) -> None:
        self.stop(_("Slicer was closed, so the prediction was stopped."))

    def _onWindowsClosed(self) -> None:
        # Quitting waits for the event loop, which does not end while a script waits for this run.
        if slicer.app.quitOnLastWindowClosed:  # not so in a notebook
            self._onQuit()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _onNodeRemoved(self, _caller: Any, _event: Any, node: Any) -> None:
        if node is self._volumeNode:
            self.stop(
                _(
                    "{name} was removed while it was being processed; its prediction was stopped."
                ).format(name=node.GetName())
            )


def errorOf(outcome: Outcome) -> BrainAgeError:
    """Return what a worker that failed says."""
    error = BrainAgeError(outcome.message, hintInSlicer(outcome.hint))
    if outcome.exitCode in list(ExitCode):  # the worker's own; a crash has none
        error.exit_code = ExitCode(outcome.exitCode)
    return error


def asError(error: Exception) -> BrainAgeError:
    """Return any error as one that people can read."""
    if isinstance(error, BrainAgeError):
        return error
    return BrainAgeError(_("The scan could not be processed: {reason}").format(reason=error))


def removeFolder(folder: Path) -> None:
    """Remove a folder of ours; ``Path()`` is none."""
    for _attempt in range(REMOVAL_TRIES):
        if folder == Path() or not folder.exists():
            return
        shutil.rmtree(folder, ignore_errors=True)
        if folder.exists():
            time.sleep(0.05)
