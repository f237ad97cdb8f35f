"""The controls of what lies over the scan, and the views that they change."""

from __future__ import annotations

from typing import Any

from slicer.i18n import tr as _

from BrainAgeSlicer import overlay
from BrainAgeSlicer.parameters import BrainAgeParameterNode
from BrainAgeSlicer.scene import MASK, OVERLAY, TO_TEMPLATE, Result

PERCENT = 100.0


class OverlayControls:
    """Makes the views show what the parameters say, for one result at a time."""

    def __init__(self, ui: Any) -> None:
        self._ui = ui
        self._views = overlay.SliceViews()
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

    def update(self, parameters: BrainAgeParameterNode) -> None:
        """Make the views show what the parameters say."""
        result = self._result
        if result is None:
            return
        wanted = (
            parameters.overlayVisible,
            parameters.templateVisible,
            parameters.outlineVisible,
            parameters.overlayOpacity,
            parameters.overlayThreshold,
        )
        if wanted == self._applied:
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
        """Bring the views back to what they showed before."""
        result, self._result, self._applied = self._result, None, ()
        self._views.restore()
        if result is not None and result.recordNode.GetScene() is not None:
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
