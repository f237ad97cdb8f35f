"""The panel's part on the same person again."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from BrainAgeLib.errors import BrainAgeError
from BrainAgeLib.follow import wording
from BrainAgeLib.report.wording import typeset
from BrainAgeSlicer import card, follow, followscene, installation
from BrainAgeSlicer.exports import Exports
from BrainAgeSlicer.parameters import BrainAgeParameterNode
from BrainAgeSlicer.results import findResult
from BrainAgeSlicer.views import MessageView, isDark


class FollowControls:
    """Compares the selected scan with an earlier one. ``getParameters``: of the scene, or None."""

    def __init__(
        self,
        ui: Any,
        message: MessageView,
        exports: Exports,
        ensureDependencies: Callable[[Path], None],
        getParameters: Callable[[], BrainAgeParameterNode | None],
    ) -> None:
        self._ui = ui
        self._message = message
        self._exports = exports
        self._ensureDependencies = ensureDependencies
        self._getParameters = getParameters
        self._run: follow.FollowRun | None = None
        self._shown: tuple[Any, Any] | None = None  # records, the earlier first
        self._tip = ui.compareButton.toolTip
        ui.followLabel.hide()
        ui.compareButton.connect("clicked(bool)", lambda _checked: self._onButton())
        ui.followPlotButton.connect("clicked(bool)", lambda _checked: self._showPlot())
        ui.followReportButton.connect("clicked(bool)", lambda _checked: self._exportReport())

    def refresh(self) -> None:
        """Say what can be compared; a comparison of other scans is no longer shown."""
        ui, why = self._ui, self._whyNot()
        if self._run is not None and not self._run.isWanted():
            self._endRun()  # a scan was removed or predicted again
        running = self._run is not None
        ui.compareButton.text = _("Cancel") if running else _("Compare")
        ui.compareButton.setEnabled(running or not why)
        ui.compareButton.toolTip = _("Stop; the numbers stay") if running else why or self._tip
        if self._shown is not None and self._records() != self._shown:
            self._forget()
        part = self._part
        ui.followPlotButton.setEnabled(part(followscene.CHART) is not None)
        ui.followReportButton.setEnabled(part(followscene.REPORT) is not None)

    def stop(self) -> None:
        """End the worker: the scene or the module is closing."""
        self._endRun()
        self._forget()

    def _forget(self) -> None:
        """Show no comparison any more: it is of people whose scans are no longer shown."""
        self._shown = None
        self._ui.followLabel.text = ""
        self._ui.followLabel.hide()

    def _endRun(self) -> None:
        run, self._run = self._run, None
        if run is not None:
            run.stop()

    def _results(self) -> tuple[Any, Any]:
        parameters = self._getParameters()
        if parameters is None:
            return None, None
        return findResult(parameters.earlierVolume), findResult(parameters.inputVolume)

    def _records(self) -> tuple[Any, Any]:
        earlier, later = self._results()
        return (earlier and earlier.recordNode, later and later.recordNode)

    def _part(self, role: str) -> Any:
        later = self._results()[1]
        return None if later is None or self._shown is None else later.part(role)

    def _whyNot(self) -> str:
        parameters = self._getParameters()
        if parameters is None or parameters.earlierVolume is None:
            return _("Choose an earlier scan of the same person.")
        if parameters.earlierVolume is parameters.inputVolume:
            return _("The earlier scan is the one that is selected at the top.")
        earlier, later = self._results()
        if earlier is None or later is None:
            return _("Both scans need a result first: select each at the top and press Apply.")
        return ""

    def _onButton(self) -> None:
        if self._run is not None:
            self._run.cancel()
        else:
            self._compare()

    def _compare(self) -> None:
        earlier, later = self._results()
        if self._whyNot():
            return
        self._message.clear()
        try:
            comparison = follow.compare(earlier, later, self._yearsBetween())
            self._showMap(False)  # that of an earlier comparison goes
            self._show(comparison)
            self._ensureDependencies(installation.requirementsFile())
            self._run = follow.FollowRun(
                comparison,
                installation.workerCommand(),
                lambda made, error: self._onMade(comparison, made, error),
            )
            self._run.start()
        except BrainAgeError as error:
            self._message.show("refuse", error.message, error.hint)
        self.refresh()

    def _yearsBetween(self) -> float | None:
        text = self._ui.yearsEdit.text.strip().replace(",", ".")
        if not text:
            return None
        try:
            years = float(text)
        except ValueError:
            years = math.nan
        if not math.isfinite(years):
            raise BrainAgeError(_("The years between the scans are a number, or empty."))
        return years

    def _show(self, comparison: follow.Comparison) -> None:
        followscene.addComparison(comparison)
        self._shown = self._records()
        person, change, dark = comparison.person, comparison.change, isDark(self._ui.followLabel)
        facts = [wording.headline(change), *wording.facts(change, comparison.error)]
        lines = [
            f"{card.readable(fact.label)}: <b>{card.readable(typeset(fact.value))}</b>"
            f"<br><small>{card.readable(typeset(fact.note))}</small>"
            for fact in facts
        ]
        severity = "refuse" if wording.is_refused(person) else "note"  # never a tick
        said = wording.meaning_and_limits(person, change, comparison.warnings)
        lines.append(card.signed(severity, said, dark))
        lines += [card.signed("warn", text, dark) for text in comparison.warnings]
        found = wording.findings_of(person)
        lines += [card.signed(each.severity, each.text, dark) for each in found]
        lines.append(f"<b>{card.readable(wording.NOTICE)}</b>")
        self._ui.followLabel.text = "".join(f"<p>{line}</p>" for line in lines)
        self._ui.followLabel.show()

    def _onMade(
        self, comparison: follow.Comparison, made: follow.Made | None, error: BrainAgeError | None
    ) -> None:
        self._run = None
        later = comparison.results[1]
        if error is not None:
            self._message.show("refuse", error.message, error.hint)
        elif made is not None and later.recordNode.GetScene() is not None:
            node = followscene.addMade(comparison, made)
            if node is not None and self._results()[1] == later:
                self._showMap(True)
        self.refresh()

    def _showMap(self, wanted: bool) -> None:
        parameters = self._getParameters()
        if parameters is not None:
            if wanted:
                parameters.overlayVisible = parameters.templateVisible = False
            parameters.changeVisible = wanted

    def _showPlot(self) -> None:
        chart = self._part(followscene.CHART)
        if chart is not None:
            self._exports.showChart(chart)

    def _exportReport(self) -> None:
        node = self._part(followscene.REPORT)
        if node is not None:
            self._exports.writeReport(node, _("brain age over time"))
