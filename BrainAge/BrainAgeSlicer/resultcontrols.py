"""One result in the panel: its card, and what lies over the scan in the views."""

from __future__ import annotations

import html
from typing import Any

import qt
from slicer.i18n import tr as _

from BrainAgeLib.errors import BrainAgeError
from BrainAgeLib.records import NOTICE, Prediction
from BrainAgeLib.report import wording
from BrainAgeSlicer import card, overlay, sliceviews, subject, table
from BrainAgeSlicer.parameters import BrainAgeParameterNode
from BrainAgeSlicer.results import (
    CHANGE_MAP,
    CHART,
    MASK,
    OVERLAY,
    REPORT,
    TO_TEMPLATE,
    Result,
)
from BrainAgeSlicer.views import isDark

HEADLINE_SCALE = 2.4  # of the window's own font, so it follows the user's scaling
PERCENT = 100.0
LAYERS = 3  # of what is wanted: what may lie over the scan


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
            self._showCard(_titleOf(result, prediction), prediction)

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
    said.append(result.ageDoubt)
    if result.isOfOtherVoxels:
        said.append(_("The image was changed since this prediction; press Apply to predict it."))
    known = subject.subjectOf(result.volumeNode).ageYears
    if known is not None and not subject.isSameAge(known, prediction.chronological_age_years):
        said.append(_("The age was changed since this prediction; press Apply to use it."))
    return prediction, " ".join(filter(None, said))


def _titleOf(result: Result, prediction: Prediction) -> str:
    said = {"label": wording.brain_age(prediction).label, "name": result.volumeNode.GetName()}
    if result.isEarlier:
        return _("Earlier result: {label} of {name}").format(**said)
    return _("{label} of {name}").format(**said)


class OverlayControls:
    """Makes the views show what the parameters say, for one result at a time."""

    def __init__(self, ui: Any) -> None:
        self._ui = ui
        self._views = sliceviews.SliceViews()
        self._result: Result | None = None
        self._applied: tuple[Any, ...] = ()
        boxes = (ui.overlayCheckBox, ui.outlineCheckBox, ui.templateCheckBox, ui.changeCheckBox)
        self._tips = [box.toolTip for box in boxes]
        self._enable()

    def setResult(self, result: Result | None) -> None:
        """Take another result; what an earlier one showed is taken down first."""
        if not self._same(result):
            self.takeDown()
            self._result = result
        self._enable()  # the map of a change comes later

    def _enable(self) -> None:
        """Enable the controls of what there is; a tool tip says why another is not."""
        result, ui = self._result, self._ui
        parts = (
            (ui.overlayCheckBox, OVERLAY, _("No map of what the age rests on was made.")),
            (ui.outlineCheckBox, MASK, _("There is no brain mask.")),
            (ui.templateCheckBox, TO_TEMPLATE, _("The scan was not registered.")),
            (ui.changeCheckBox, CHANGE_MAP, _("There is no map of a change yet: press Compare.")),
        )
        for (box, role, reason), tip in zip(parts, self._tips, strict=True):
            there = result is not None and result.part(role) is not None
            wanting = reason if result is not None else _("There is no result for this scan yet.")
            box.setEnabled(there)
            box.toolTip = tip if there else wanting
        for slider in (ui.thresholdSlider, ui.opacitySlider):
            slider.setEnabled(ui.overlayCheckBox.enabled or ui.changeCheckBox.enabled)

    def takeUp(self, parameters: BrainAgeParameterNode) -> None:
        """Make the parameters say what the views show: opening the module changes no view."""
        result = self._result
        parameters.overlayVisible = result is not None and sliceviews.isShown(result.part(OVERLAY))
        parameters.templateVisible = result is not None and sliceviews.isShown(
            result.part(overlay.TEMPLATE)
        )
        parameters.changeVisible = result is not None and sliceviews.isShown(
            result.part(CHANGE_MAP)
        )
        parameters.outlineVisible = result is not None and overlay.isOutlineVisible(result)
        self._applied = _wanted(parameters)

    def update(self, parameters: BrainAgeParameterNode) -> None:
        """Make the views show what the parameters say."""
        result, wanted = self._result, _wanted(parameters)
        if result is None or wanted == self._applied:
            return
        before, self._applied = self._applied, wanted
        overlay.setOutlineVisible(result, parameters.outlineVisible)
        shown = _foregroundFor(result, parameters)
        maps = [result.part(OVERLAY), result.part(CHANGE_MAP)]
        if shown in maps:
            overlay.setThreshold(shown, parameters.overlayThreshold / PERCENT)
        if shown is None:
            self._views.restore()
        elif before[:LAYERS] != wanted[:LAYERS]:
            self._views.show(result.volumeNode, shown, parameters.overlayOpacity)
        else:
            self._views.setOpacity(parameters.overlayOpacity)
        # Last: a view shows a legend only of what it shows already.
        for each in maps:
            overlay.setLegendVisible(each, each is shown)

    def takeDown(self) -> None:
        """Bring the views back to what they showed before this result."""
        result, self._result, self._applied = self._result, None, ()
        if result is None:
            return
        self._views.restore()
        if result.recordNode.GetScene() is not None:
            for role in (OVERLAY, CHANGE_MAP):
                overlay.setLegendVisible(result.part(role), False)
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


def _foregroundFor(result: Result, parameters: BrainAgeParameterNode) -> Any:
    """Return what is to lie over the scan: the template before a map, a change before the rest."""
    if parameters.templateVisible and result.part(TO_TEMPLATE) is not None:
        return overlay.templateOverScan(result)
    if parameters.changeVisible and result.part(CHANGE_MAP) is not None:
        return result.part(CHANGE_MAP)
    return result.part(OVERLAY) if parameters.overlayVisible else None


def _wanted(parameters: BrainAgeParameterNode) -> tuple[Any, ...]:
    return (
        parameters.overlayVisible,
        parameters.templateVisible,
        parameters.changeVisible,
        parameters.outlineVisible,
        parameters.overlayOpacity,
        parameters.overlayThreshold,
    )
