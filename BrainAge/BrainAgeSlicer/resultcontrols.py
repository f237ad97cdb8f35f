"""One result in the panel: its card, what lies over the scan in the views, and its way out."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from BrainAgeLib.errors import BrainAgeError
from BrainAgeLib.records import NOTICE, Prediction
from BrainAgeLib.whole_file import write_atomically
from BrainAgeSlicer import card, overlay, sliceviews, subject, table
from BrainAgeSlicer.parameters import BrainAgeParameterNode
from BrainAgeSlicer.results import CHART, MASK, OVERLAY, REPORT, TO_TEMPLATE, Result, findResult
from BrainAgeSlicer.views import MessageView, isDark
from BrainAgeSlicer.volumes import fileNameOf

HEADLINE_SCALE = 2.4  # of the window's own font, so it follows the user's scaling
PERCENT = 100.0
EXPORT_FOLDER = "BrainAge/exportFolder"  # of the user's settings


class ResultView:
    """The card of one result."""

    def __init__(self, ui: Any) -> None:
        self._ui = ui
        ui.noticeLabel.text = f"<b>{html.escape(NOTICE)}</b>"

    def show(self, result: Result | None) -> None:
        """Show a result, or that there is none yet."""
        ui = self._ui
        prediction, state = _read(result)
        ui.stateLabel.text = state
        ui.stateLabel.setVisible(bool(state))
        ui.showTableButton.setEnabled(table.resultsTable() is not None)
        ui.exportTableButton.setEnabled(table.resultsTable() is not None)
        ui.cardFrame.setVisible(prediction is not None)
        ui.plotButton.setEnabled(result is not None and result.part(CHART) is not None)
        ui.exportReportButton.setEnabled(result is not None and result.part(REPORT) is not None)
        if result is not None and prediction is not None:
            self._showCard(_titleOf(result), prediction)

    def _showCard(self, title: str, prediction: Prediction) -> None:
        ui = self._ui
        ui.titleLabel.text = card.breakable(title)
        font = qt.QFont(ui.titleLabel.font)  # anew each time: the user may change the window's
        font.setPointSizeF(font.pointSizeF() * HEADLINE_SCALE)
        font.setBold(True)
        ui.brainAgeLabel.setFont(font)
        ui.brainAgeLabel.text = card.headline(prediction)
        ui.intervalLabel.text = card.intervalText(prediction)
        ui.rowsLabel.text = card.rowsHtml(prediction)
        ui.qualityLabel.text = card.qualityHtml(prediction, isDark(ui.cardFrame))
        ui.modelLabel.text = card.modelText(prediction)


def _read(result: Result | None) -> tuple[Prediction | None, str]:
    """Return a result's record, and what is to be said of it."""
    if result is None:
        return None, _("No result for this scan yet.")
    try:
        prediction = result.prediction
    except BrainAgeError as error:
        return None, str(error)
    said = []
    if result.isEarlier:
        said.append(_("The last run failed; this is what an earlier one predicted."))
    if result.withoutHeader:
        said.append(
            _(
                "Judged by its image alone, without echo time, contrast agent and slice thickness: "
                "{why}."
            ).format(why=result.withoutHeader)
        )
    known = subject.subjectOf(result.volumeNode).ageYears
    if known not in (None, prediction.chronological_age_years):
        said.append(_("The age was changed since this prediction; press Apply to use it."))
    return prediction, " ".join(said)


def _titleOf(result: Result) -> str:
    name = result.volumeNode.GetName()
    if result.isEarlier:
        return _("Earlier predicted brain age of {name}").format(name=name)
    return _("Predicted brain age of {name}").format(name=name)


class OverlayControls:
    """Makes the views show what the parameters say, for one result at a time."""

    def __init__(self, ui: Any) -> None:
        self._ui = ui
        self._views = sliceviews.SliceViews()
        self._result: Result | None = None
        self._applied: tuple[Any, ...] = ()
        boxes = (ui.overlayCheckBox, ui.outlineCheckBox, ui.templateCheckBox)
        self._tips = [box.toolTip for box in boxes]
        self._enable()

    def setResult(self, result: Result | None) -> None:
        """Take another result; what an earlier one showed is taken down first."""
        if self._same(result):
            return
        self.takeDown()
        self._result = result
        self._enable()

    def _enable(self) -> None:
        """Enable the controls of what there is; a tool tip says why another is not."""
        result, ui = self._result, self._ui
        parts = (
            (ui.overlayCheckBox, OVERLAY, _("No map of what the age rests on was made.")),
            (ui.outlineCheckBox, MASK, _("There is no brain mask.")),
            (ui.templateCheckBox, TO_TEMPLATE, _("The scan was not registered.")),
        )
        for (box, role, reason), tip in zip(parts, self._tips, strict=True):
            there = result is not None and result.part(role) is not None
            wanting = reason if result is not None else _("There is no result for this scan yet.")
            box.setEnabled(there)
            box.toolTip = tip if there else wanting
        for slider in (ui.thresholdSlider, ui.opacitySlider):
            slider.setEnabled(result is not None and result.part(OVERLAY) is not None)

    def takeUp(self, parameters: BrainAgeParameterNode) -> None:
        """Make the parameters say what the views show: opening the module changes no view."""
        result = self._result
        parameters.overlayVisible = result is not None and sliceviews.isShown(result.part(OVERLAY))
        parameters.templateVisible = result is not None and sliceviews.isShown(
            result.part(overlay.TEMPLATE)
        )
        parameters.outlineVisible = result is not None and overlay.isOutlineVisible(result)
        self._applied = _wanted(parameters)

    def update(self, parameters: BrainAgeParameterNode) -> None:
        """Make the views show what the parameters say."""
        result, wanted = self._result, _wanted(parameters)
        if result is None or wanted == self._applied:
            return
        before, self._applied = self._applied, wanted
        overlayVisible = parameters.overlayVisible and result.part(OVERLAY) is not None
        templateVisible = parameters.templateVisible and result.part(TO_TEMPLATE) is not None
        if overlayVisible:
            overlay.setThreshold(result, parameters.overlayThreshold / PERCENT)
        overlay.setOutlineVisible(result, parameters.outlineVisible)
        if not overlayVisible and not templateVisible:
            self._views.restore()
        elif before[:2] != wanted[:2]:
            node = overlay.templateOverScan(result) if templateVisible else result.part(OVERLAY)
            self._views.show(result.volumeNode, node, parameters.overlayOpacity)
        else:
            self._views.setOpacity(parameters.overlayOpacity)
        # Last: a view shows a legend only of what it shows already.
        overlay.setLegendVisible(result, overlayVisible and not templateVisible)

    def takeDown(self) -> None:
        """Bring the views back to what they showed before this result."""
        result, self._result, self._applied = self._result, None, ()
        if result is None:
            return
        self._views.restore()
        if result.recordNode.GetScene() is not None:
            overlay.setLegendVisible(result, False)
            overlay.setOutlineVisible(result, False)

    def forget(self) -> None:
        """Let go of a scene that is closing."""
        self._views.forget()
        self._result, self._applied = None, ()
        self._enable()

    def _same(self, result: Result | None) -> bool:
        if result is None or self._result is None:
            return result is self._result
        return result.recordNode is self._result.recordNode


def _wanted(parameters: BrainAgeParameterNode) -> tuple[Any, ...]:
    return (
        parameters.overlayVisible,
        parameters.templateVisible,
        parameters.outlineVisible,
        parameters.overlayOpacity,
        parameters.overlayThreshold,
    )


class Exports:
    """Acts on the result of the selected volume."""

    def __init__(self, ui: Any, message: MessageView, currentVolume: Callable[[], Any]) -> None:
        self._ui = ui
        self._message = message
        self._currentVolume = currentVolume
        self._layoutBefore: int | None = None
        self._layoutShown: int | None = None
        ui.plotButton.connect("clicked(bool)", lambda _checked: self.showPlot())
        ui.showTableButton.connect("clicked(bool)", lambda _checked: self.showTable())
        ui.exportTableButton.connect("clicked(bool)", lambda _checked: self.exportTable())
        ui.exportReportButton.connect("clicked(bool)", lambda _checked: self.exportReport())

    def showPlot(self) -> None:
        """Show the plot beside the slice views; the layout comes back when the module is left."""
        result = findResult(self._currentVolume())
        if result is None or result.part(CHART) is None:
            return
        with self._anotherLayout():
            slicer.modules.plots.logic().ShowChartInLayout(result.part(CHART))

    def showTable(self) -> None:
        """Show the table of all runs below the slice views; the layout comes back later."""
        node = table.resultsTable()
        if node is None:
            return
        with self._anotherLayout() as manager:
            manager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpTableView)
        logic = slicer.app.applicationLogic()
        logic.GetSelectionNode().SetActiveTableID(node.GetID())
        logic.PropagateTableSelection()

    @contextmanager
    def _anotherLayout(self) -> Iterator[Any]:
        manager = slicer.app.layoutManager()
        if self._layoutBefore is None or manager.layout != self._layoutShown:
            self._layoutBefore = manager.layout
        yield manager
        self._layoutShown = manager.layout

    def restoreLayout(self) -> None:
        """Bring back the layout from before the plot or the table, if theirs is still shown."""
        manager = slicer.app.layoutManager()
        before, self._layoutBefore = self._layoutBefore, None
        if before is not None and manager.layout == self._layoutShown:
            manager.setLayout(before)

    def exportTable(self) -> None:
        """Write the table of all runs."""
        self._write(_("Export results"), "brain_age_results.csv", "CSV (*.csv)", table.exportTable)

    def exportReport(self) -> None:
        """Write the report of the selected volume."""
        result = findResult(self._currentVolume())
        if result is None or result.part(REPORT) is None:
            return
        content = result.part(REPORT).GetText().encode()
        name = f"{fileNameOf(result.volumeNode)} brain age.html"
        self._write(
            _("Export report"), name, "HTML (*.html)", lambda path: write_atomically(path, content)
        )

    def _write(self, title: str, name: str, filters: str, write: Callable[[Path], None]) -> None:
        proposed = str(_exportFolder() / name)
        chosen = qt.QFileDialog.getSaveFileName(self._ui.applyButton, title, proposed, filters)
        if not chosen:
            return
        try:
            write(Path(chosen))
        except BrainAgeError as error:
            self._message.show("refuse", error.message, error.hint)
        else:
            slicer.app.userSettings().setValue(EXPORT_FOLDER, str(Path(chosen).parent))
            self._message.show("pass", _("Saved as {path}").format(path=chosen))


def _exportFolder() -> Path:
    """Return the folder that was exported to last, else the user's documents."""
    last = Path(str(slicer.app.userSettings().value(EXPORT_FOLDER) or ""))
    folders = [last, Path.home() / "Documents"]
    return next((each for each in folders if each.is_absolute() and each.is_dir()), Path.home())
