"""The way out of a result: plot and table beside the views, files for others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from BrainAgeLib.errors import BrainAgeError
from BrainAgeLib.whole_file import write_atomically
from BrainAgeSlicer import table
from BrainAgeSlicer.results import CHART, REPORT, findResult
from BrainAgeSlicer.views import MessageView
from BrainAgeSlicer.volumes import fileNameOf

EXPORT_FOLDER = "BrainAge/exportFolder"  # of the user's settings


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
        self.showChart(result.part(CHART))

    def showChart(self, chart: Any) -> None:
        """Show any plot beside the slice views."""
        with self._anotherLayout():
            slicer.modules.plots.logic().ShowChartInLayout(chart)

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
        self.writeReport(result.part(REPORT), _("brain age"))

    def writeReport(self, textNode: Any, what: str) -> None:
        """Write a report of the selected volume; ``what``: the end of its proposed name."""
        content = textNode.GetText().encode()
        name = f"{fileNameOf(self._currentVolume())} {what}.html"
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
