"""Apply and Cancel: one run or a list of runs under way, and what the panel shows of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from BrainAgeLib.errors import BrainAgeError
from BrainAgeSlicer import installation
from BrainAgeSlicer.batchlist import BatchList, stateOfEnded
from BrainAgeSlicer.logic import Batch, BatchItem, BatchListener, Predictor
from BrainAgeSlicer.request import Request
from BrainAgeSlicer.results import Result, markAsEarlier
from BrainAgeSlicer.run import Ended, Listener
from BrainAgeSlicer.views import MessageView, ProgressView


class RunControls:
    """Runs volumes one after the other.

    ``cancelling``: the end has been asked for. ``onChanged()`` is called when running starts and
    ends, ``onEveryResult(result)`` with each result that comes, and ``onResult(node)`` when it is
    that of a volume that was run alone.
    """

    def __init__(
        self,
        ui: Any,
        predictor: Predictor,
        ensureDependencies: Callable[[Path], None],
        batchList: BatchList,
        message: MessageView,
    ) -> None:
        self.onChanged: Callable[[], None] = lambda: None
        self.onResult: Callable[[Any], None] = lambda _node: None
        self.onEveryResult: Callable[[Result], None] = lambda _result: None
        self._ui = ui
        self._predictor = predictor
        self._ensureDependencies = ensureDependencies
        self._batchList = batchList
        self._message = message
        self._items: list[BatchItem] = []
        self._ends: list[Ended] = []
        self._progress = ProgressView(ui)
        self._batch: Batch | None = None
        self._isPreparing = False
        self.cancelling = False

    @property
    def running(self) -> bool:
        """Whether a run is under way."""
        return self._batch is not None

    def start(self, nodes: Sequence[Any], requestFor: Callable[[Any], Request]) -> None:
        """Run volumes; what is wrong is said in the panel."""
        if self._isPreparing:  # pressed again while packages are installed: the window lives
            return
        self._message.clear()
        try:
            items = self._prepared(nodes, requestFor)
        except BrainAgeError as error:
            for node in nodes:
                markAsEarlier(node)
            self._message.show("refuse", error.message, error.hint)
            self.onChanged()
            return
        if items is None:
            return
        if len(items) > 1:
            for node in nodes:
                self._batchList.setState(node, _("waiting"))
        self._progress.begin()
        self._items, self._ends = items, []
        self._batch = Batch(self._predictor, items, self._listenerFor(items))
        self._showRunning(True)
        self._batch.start()

    def _prepared(
        self, nodes: Sequence[Any], requestFor: Callable[[Any], Request]
    ) -> list[BatchItem] | None:
        """Return what is to be run, once its packages are there; None when it was stopped.

        Raises BrainAgeError when it cannot be run.
        """
        self._isPreparing = True
        try:
            # First: the user may leave the module while packages are installed.
            items = [BatchItem(node, requestFor(node)) for node in nodes]
            self._ensureDependencies(installation.requirementsFile())
            return items if self._isPreparing else None
        finally:
            self._isPreparing = False

    def cancel(self) -> None:
        """Ask the run to end; the button comes back when it did."""
        self.cancelling = True
        self._progress.setCancelling()
        self._ui.applyButton.setEnabled(False)
        if self._batch is not None:
            self._batch.cancel()

    def stop(self, why: str) -> None:
        """End the run at once and wait until its worker is gone."""
        self._isPreparing = False
        if self._batch is not None:
            self._batch.stop(why)

    def _listenerFor(self, items: list[BatchItem]) -> BatchListener:
        several = len(items) > 1

        def onItemStarted(index: int) -> None:
            node = items[index].volumeNode
            self._batchList.setState(node, _("running"))
            if several:
                which = _("{n} of {all}").format(n=index + 1, all=len(items))
                self._progress.setItem(which)
                self._progress.addLog(f"{which}: {node.GetName()}")

        def onItemEnded(index: int, ended: Ended) -> None:
            self._onItemEnded(items[index].volumeNode, ended, several)

        messages = Listener(onStage=self._progress.setStage, onLog=self._progress.addLog)
        return BatchListener(onItemStarted, onItemEnded, self._onEnded, messages)

    def _onItemEnded(self, node: Any, ended: Ended, several: bool) -> None:
        self._ends.append(ended)
        self._batchList.setState(node, stateOfEnded(ended))
        self._progress.addLog(stateOfEnded(ended))
        if ended.result is not None:
            self.onEveryResult(ended.result)
        if several:
            return
        if ended.error is not None:
            self._message.show("refuse", ended.error.message, ended.error.hint)
        elif ended.cancelled:
            self._message.show("note", ended.why)
        else:
            self.onResult(node)

    def _onEnded(self, cancelled: bool) -> None:
        if len(self._items) > 1:
            self._summarise(cancelled)
        self._batch, self.cancelling = None, False
        self._progress.end(self._how(cancelled))
        self._showRunning(False)

    def _how(self, cancelled: bool) -> str:
        if cancelled or any(each.cancelled for each in self._ends):
            return _("cancelled")
        failed = bool(self._ends) and all(each.error is not None for each in self._ends)
        return _("failed") if failed else _("done")

    def _summarise(self, cancelled: bool) -> None:
        """Say what came of several scans; the list says it of each."""
        predicted = [each.prediction for each in self._ends if each.prediction is not None]
        ages = sum(each.brain_age_years is not None for each in predicted)
        failed = sum(each.error is not None for each in self._ends)
        text = _("{n} of {all} volumes have an age").format(n=ages, all=len(self._items))
        if len(predicted) > ages:
            text += _(", {n} refused").format(n=len(predicted) - ages)
        if failed:
            text += _(", {n} failed").format(n=failed)
        why = next((each.why for each in self._ends if each.cancelled), "")
        complete = ages == len(self._items)
        severity = "pass" if complete else "note" if cancelled else "warn"
        self._message.show(severity, text + ".", why)

    def _showRunning(self, running: bool) -> None:
        ui = self._ui
        ui.applyButton.text = _("Cancel") if running else _("Apply")
        for widget in (ui.inputsButton, ui.advancedButton, ui.batchTree):
            widget.setEnabled(not running)
        self.onChanged()
