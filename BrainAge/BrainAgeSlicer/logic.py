"""What the module does, for scripts and for the panel alike; nothing here needs a window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import slicer

from BrainAgeLib.errors import BrainAgeError, InputError
from BrainAgeLib.records import Prediction
from BrainAgeSlicer import installation, table
from BrainAgeSlicer.dependencies import requireDependencies
from BrainAgeSlicer.request import Request
from BrainAgeSlicer.run import Ended, Listener, Run
from BrainAgeSlicer.volumes import whyNotUsable

WAIT_MILLISECONDS = 50


class Predictor:
    """Predicts volumes of the scene with the library in a child process.

    ``command`` starts the library; tests give another one.
    """

    def __init__(self, command: Sequence[str] | None = None) -> None:
        self._command = list(command) if command else []

    def start(self, volumeNode: Any, request: Request, listener: Listener) -> Run:
        """Start predicting; the listener hears of the end, an error included.

        Raises InputError when the volume cannot be used and InstallationError when packages are
        missing; then nothing was started.
        """
        reason = whyNotUsable(volumeNode)
        if reason:
            raise InputError(reason)
        if not self._command:
            requireDependencies(installation.requirementsFile())
        run = Run(volumeNode, request, self._command or installation.workerCommand(), listener)
        run.start()
        return run

    def predict(self, volumeNode: Any, request: Request, listener: Listener) -> Prediction:
        """Predict and wait; the window stays alive.

        Raises BrainAgeError when there is no result. A refusal by the quality gate is a result.
        """
        ended: list[Ended] = []
        inner = Listener(ended.append, listener.onStage, listener.onLog)
        run = self.start(volumeNode, request, inner)
        while run.isRunning():
            run.waitForProgress(WAIT_MILLISECONDS)
            slicer.app.processEvents()
        if ended[0].error is not None:
            raise ended[0].error
        if ended[0].prediction is None:
            raise BrainAgeError(ended[0].why)
        return ended[0].prediction


@dataclass(frozen=True)
class BatchItem:
    """One volume of a batch and what to predict it with."""

    volumeNode: Any
    request: Request


@dataclass
class BatchListener:
    """Who hears of a batch: of each volume, and of the end (``cancelled``)."""

    onItemStarted: Callable[[int], None] = lambda _index: None
    onItemEnded: Callable[[int, Ended], None] = lambda _index, _ended: None
    onEnded: Callable[[bool], None] = lambda _cancelled: None
    run: Listener = field(default_factory=Listener)


class Batch:
    """Works through a list of volumes; one that fails does not stop the rest."""

    def __init__(
        self, predictor: Predictor, items: Sequence[BatchItem], listener: BatchListener
    ) -> None:
        self._predictor = predictor
        self._items = list(items)
        self._listener = listener
        self._next = 0
        self._cancelled = False
        self._run: Run | None = None

    def start(self) -> None:
        """Start with the first volume."""
        # A volume that fails at once must not start the next one from within its own call.
        while self._next < len(self._items) and not self._cancelled:
            index, self._next = self._next, self._next + 1
            self._listener.onItemStarted(index)
            try:
                self._run = self._startItem(index)
            except BrainAgeError as error:
                self._take(index, Ended(error=error))
                continue
            if self._run.isRunning():
                return
        self._listener.onEnded(self._cancelled)

    def cancel(self) -> None:
        """Cancel the volume at work and leave out the rest."""
        self._cancelled = True
        if self._run is not None:
            self._run.cancel()

    def stop(self, why: str) -> None:
        """End at once and wait until the worker is gone."""
        self._cancelled = True
        if self._run is not None and self._run.isRunning():
            self._run.stop(why)

    def _startItem(self, index: int) -> Run:
        item = self._items[index]
        starting = True

        def onEnded(ended: Ended) -> None:
            self._take(index, ended)
            if not starting:
                self.start()

        given = self._listener.run
        listener = Listener(onEnded, given.onStage, given.onLog)
        run = self._predictor.start(item.volumeNode, item.request, listener)
        starting = False
        return run

    def _take(self, index: int, ended: Ended) -> None:
        item = self._items[index]
        node = item.volumeNode
        if ended.error is not None and node is not None and node.GetScene() is not None:
            table.addFailure(node, item.request, ended.error)
        self._listener.onItemEnded(index, ended)
