"""The saliency map over the scan in the slice views, the brain outline, and the way back.

Views belong to the user: what is shown there before is remembered, and comes back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _

from BrainAgeSlicer.installation import templateImage
from BrainAgeSlicer.results import COLORS, MASK, OVERLAY, TO_TEMPLATE, Result, adopt
from BrainAgeSlicer.volumes import OURS

TEMPLATE = "BrainAge.Template"
LEGEND_PART = 0.27  # of a view's width, at the right
ENTRIES = 255  # odd: the middle one is zero
ROBUST_PERCENTILE = 99.5  # one bright voxel must not darken the rest
# Blue for what makes the brain look younger, orange for older: told apart by people who confuse
# red and green. Every colour is saturated, so that the grey scan is never mistaken for one.
YOUNGER = ((0.0, (0.75, 0.90, 1.00)), (0.5, (0.20, 0.55, 0.95)), (1.0, (0.05, 0.15, 0.70)))
OLDER = ((0.0, (1.00, 0.95, 0.60)), (0.5, (1.00, 0.55, 0.05)), (1.0, (0.75, 0.05, 0.05)))


@dataclass(frozen=True)
class _Layers:
    """What one slice view showed before. Nodes are kept by id: they may be gone later."""

    background: str | None
    foreground: str | None
    foregroundOpacity: float
    sliceToRAS: tuple[float, ...]
    fieldOfView: tuple[float, ...]
    origin: tuple[float, ...]


class SliceViews:
    """The slice views while they show something of ours."""

    def __init__(self) -> None:
        self._before: dict[str, _Layers] = {}

    def show(self, background: Any, foreground: Any, opacity: float) -> None:
        """Show a node over another in all slice views, along the slices of the background."""
        rotate = not self._before
        for composite, sliceNode in _views():
            if composite.GetID() not in self._before:
                self._before[composite.GetID()] = _layersOf(composite, sliceNode)
        slicer.util.setSliceViewerLayers(background=background, foregroundOpacity=opacity)
        # Views turn along the foreground: the scan itself may lie under a warp, which they refuse.
        slicer.util.setSliceViewerLayers(
            foreground=foreground, rotateToVolumePlane=rotate, fit=rotate
        )
        if rotate:
            _makeRoomForLegend()

    def setOpacity(self, opacity: float) -> None:
        """Change how strongly our foreground shows."""
        for composite, _sliceNode in _views():
            if _foregroundIsOurs(composite):
                composite.SetForegroundOpacity(opacity)

    def restore(self) -> None:
        """Bring back what was shown before, in each view that still shows ours.

        In a scene that was saved with ours in its views nothing is known of before: ours goes.
        """
        before, self._before = self._before, {}
        for composite, sliceNode in _views():
            layers = before.get(composite.GetID())
            if layers and (_foregroundIsOurs(composite) or not composite.GetForegroundVolumeID()):
                _restore(composite, sliceNode, layers)
            elif _foregroundIsOurs(composite):
                composite.SetForegroundVolumeID(None)

    def forget(self) -> None:
        """Take the views as they are: the scene that they showed is gone."""
        self._before = {}


def isShown(node: Any) -> bool:
    """Return whether a slice view shows a node over another; None is never shown."""
    shown = [composite.GetForegroundVolumeID() for composite, _sliceNode in _views()]
    return node is not None and node.GetID() in shown


def setThreshold(result: Result, hiddenFraction: float) -> None:
    """Hide the values of the overlay below this part, 0-1, of the strongest."""
    overlay, colors = result.part(OVERLAY), result.part(COLORS)
    if overlay is None or colors is None:
        return
    display = overlay.GetDisplayNode()
    low, high = display.GetWindowLevelMin(), display.GetWindowLevelMax()
    fillColorNode(colors, ValueRange(high, low < 0), hiddenFraction)


def setLegendVisible(result: Result, visible: bool) -> None:
    """Show or hide the colours' legend; it says what the colours mean and in which unit."""
    overlay = result.part(OVERLAY)
    if overlay is None:
        return
    logic = slicer.vtkSlicerColorLogic
    legend = logic.GetColorLegendDisplayNode(overlay)
    if legend is None:
        if not visible:
            return
        legend = logic.AddDefaultColorLegendDisplayNode(overlay)
        _layOut(legend, overlay.GetDisplayNode().GetWindowLevelMin() < 0)
    legend.SetVisibility(visible)
    legend.Modified()  # the views look at it now, whether it changed or not


def isOutlineVisible(result: Result) -> bool:
    """Return whether the outline of the brain mask is shown."""
    mask = result.part(MASK)
    return mask is not None and bool(mask.GetDisplayNode().GetVisibility())


def setOutlineVisible(result: Result, visible: bool) -> None:
    """Show or hide the outline of the brain mask."""
    mask = result.part(MASK)
    if mask is not None:
        mask.GetDisplayNode().SetVisibility(visible)


def templateOverScan(result: Result) -> Any:
    """Return the template moved to where the scan is, loaded at the first call.

    It lies under the inverse of the registration, so it fits the scan if the registration does.
    """
    loaded = result.part(TEMPLATE)
    toTemplate = result.part(TO_TEMPLATE)
    if loaded is not None or toTemplate is None:
        return loaded
    node = slicer.mrmlScene.AddNewNodeByClass(
        "vtkMRMLScalarVolumeNode", f"{result.volumeNode.GetName()} {_('template')}"
    )
    node.SetAttribute(OURS, "template")
    storage = slicer.vtkMRMLVolumeArchetypeStorageNode()
    slicer.mrmlScene.AddNode(storage)
    storage.SetFileName(str(templateImage()))
    storage.ReadData(node)
    slicer.mrmlScene.RemoveNode(storage)
    node.CreateDefaultDisplayNodes()
    inverse = slicer.mrmlScene.AddNewNodeByClass(
        "vtkMRMLLinearTransformNode", f"{result.volumeNode.GetName()} {_('from template')}"
    )
    matrix = slicer.util.arrayFromTransformMatrix(toTemplate)
    inverse.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(np.linalg.inv(matrix)))
    node.SetAndObserveTransformNodeID(inverse.GetID())
    adopt(result, [node, inverse])
    result.recordNode.SetNodeReferenceID(TEMPLATE, node.GetID())
    return node


def _layOut(legend: Any, signed: bool) -> None:
    legend.SetTitleText(_("Effect on\nage, years"))
    legend.SetLabelFormat("%+.2g" if signed else "%.2g")
    legend.SetMaxNumberOfColors(ENTRIES)
    legend.SetNumberOfLabels(5)
    legend.SetSize(0.15, 0.42)
    legend.SetPosition(0.97, 0.5)
    for text in (legend.GetTitleTextProperty(), legend.GetLabelTextProperty()):
        text.SetFontSize(12)
        text.SetFontFamilyToArial()
        text.SetBold(True)  # a minus of one pixel is none
        text.SetShadow(True)  # readable over bright and dark


def _makeRoomForLegend() -> None:
    """Move and shrink the scan in each view as far as it lies where the legend stands."""
    manager = slicer.app.layoutManager()
    for widget in (manager.sliceWidget(name) for name in manager.sliceViewNames()):
        bounds = [0.0] * 6
        widget.sliceLogic().GetBackgroundSliceBounds(bounds)
        node, scanWidth = widget.mrmlSliceNode(), bounds[1] - bounds[0]
        width, height, depth = node.GetFieldOfView()
        scale = max(1.0, scanWidth / (width * (1 - LEGEND_PART)))
        node.SetFieldOfView(width * scale, height * scale, depth)
        margin = (width * scale - scanWidth) / 2
        x, y, z = node.GetXYZOrigin()
        node.SetXYZOrigin(x + max(0.0, LEGEND_PART * width * scale - margin), y, z)


def _views() -> list[tuple[Any, Any]]:
    """Return (composite node, slice node) of every slice view."""
    composites = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
    slices = {
        node.GetLayoutName(): node for node in slicer.util.getNodesByClass("vtkMRMLSliceNode")
    }
    return [
        (composite, slices[composite.GetLayoutName()])
        for composite in composites
        if composite.GetLayoutName() in slices
    ]


def _foregroundIsOurs(composite: Any) -> bool:
    foreground = slicer.mrmlScene.GetNodeByID(composite.GetForegroundVolumeID() or "")
    return foreground is not None and bool(foreground.GetAttribute(OURS))


def _layersOf(composite: Any, sliceNode: Any) -> _Layers:
    matrix = sliceNode.GetSliceToRAS()
    return _Layers(
        composite.GetBackgroundVolumeID(),
        None if _foregroundIsOurs(composite) else composite.GetForegroundVolumeID(),
        composite.GetForegroundOpacity(),
        tuple(matrix.GetElement(row, column) for row in range(4) for column in range(4)),
        tuple(sliceNode.GetFieldOfView()),
        tuple(sliceNode.GetXYZOrigin()),
    )


def _restore(composite: Any, sliceNode: Any, layers: _Layers) -> None:
    composite.SetBackgroundVolumeID(layers.background)
    composite.SetForegroundVolumeID(layers.foreground)
    composite.SetForegroundOpacity(layers.foregroundOpacity)
    sliceNode.GetSliceToRAS().DeepCopy(layers.sliceToRAS)
    sliceNode.UpdateMatrices()
    sliceNode.SetFieldOfView(*layers.fieldOfView)
    sliceNode.SetXYZOrigin(*layers.origin)


@dataclass(frozen=True)
class ValueRange:
    """The values that the colours span. ``signed``: they go from -highest to +highest."""

    highest: float
    signed: bool

    @property
    def lowest(self) -> float:
        """The value of the first colour."""
        return -self.highest if self.signed else 0.0


def rangeOf(saliency: np.ndarray) -> ValueRange:
    """Return the range of colours for a map; never empty, so an all-zero map shows nothing."""
    magnitude = np.abs(saliency[np.isfinite(saliency) & (saliency != 0)])
    highest = float(np.percentile(magnitude, ROBUST_PERCENTILE)) if magnitude.size else 1.0
    return ValueRange(highest, bool((saliency < 0).any()))


def colorsOf(valueRange: ValueRange, hiddenFraction: float) -> np.ndarray:
    """Return (entries, 4) red, green, blue, opacity; clear below ``hiddenFraction`` of the highest.

    Zero is always clear.
    """
    values = np.linspace(valueRange.lowest, valueRange.highest, ENTRIES) / valueRange.highest
    colors = np.zeros((ENTRIES, 4))
    for sign, ramp in ((-1, YOUNGER), (1, OLDER)):
        side = values * sign > 0
        places = [place for place, _color in ramp]
        for channel in range(3):
            levels = [color[channel] for _place, color in ramp]
            colors[side, channel] = np.interp(np.abs(values[side]), places, levels)
    step = values[1] - values[0]
    colors[:, 3] = np.abs(values) >= max(hiddenFraction, 0.5 * step)
    return colors


def fillColorNode(node: Any, valueRange: ValueRange, hiddenFraction: float) -> None:
    """Give a colour table node the colours, and names that a data probe shows."""
    wasModified = node.StartModify()
    if node.GetNumberOfColors() != ENTRIES:
        node.SetTypeToUser()
        node.SetNumberOfColors(ENTRIES)
    colors = colorsOf(valueRange, hiddenFraction)
    values = np.linspace(valueRange.lowest, valueRange.highest, ENTRIES)
    for entry in range(ENTRIES):
        node.SetColor(entry, f"{values[entry]:.3g}", *(float(part) for part in colors[entry]))
    node.GetLookupTable().SetRange(valueRange.lowest, valueRange.highest)
    node.EndModify(wasModified)


def newColorNode(name: str) -> Any:
    """Return a colour table node in the scene that is saved with it."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLColorTableNode", name)
    node.SetTypeToUser()
    node.SetHideFromEditors(False)
    return node
