"""What lies over a scan: the saliency map with its colours and legend, an outline, the template."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _

from BrainAgeSlicer.installation import templateImage
from BrainAgeSlicer.results import MASK, TO_TEMPLATE, Result, adopt
from BrainAgeSlicer.volumes import OURS

TEMPLATE = "BrainAge.Template"
CHANGE = "followMap"  # what a map of a change is, by the attribute of our nodes
ENTRIES = 255  # odd: the middle one is zero
LABELS = 5
ROBUST_PERCENTILE = 99.5  # one bright voxel must not darken the rest
# Blue for what makes the brain look younger, orange for older: told apart by people who confuse
# red and green. Every colour is saturated, so that the grey scan is never mistaken for one.
YOUNGER = ((0.0, (0.75, 0.90, 1.00)), (0.5, (0.20, 0.55, 0.95)), (1.0, (0.05, 0.15, 0.70)))
OLDER = ((0.0, (1.00, 0.95, 0.60)), (0.5, (1.00, 0.55, 0.05)), (1.0, (0.75, 0.05, 0.05)))


def setThreshold(node: Any, hiddenFraction: float) -> None:
    """Hide the values of a map below this part, 0-1, of the strongest. None is no map."""
    colors = node.GetDisplayNode().GetColorNode() if node is not None else None
    if colors is None or not colors.GetAttribute(OURS):  # the user chose other colours
        return
    display = node.GetDisplayNode()
    low, high = display.GetWindowLevelMin(), display.GetWindowLevelMax()
    fillColorNode(colors, ValueRange(high, low < 0), hiddenFraction)


def setLegendVisible(node: Any, visible: bool) -> None:
    """Show or hide the legend of a map; it says what the colours mean and in which unit."""
    if node is None:
        return
    logic = slicer.vtkSlicerColorLogic
    legend = logic.GetColorLegendDisplayNode(node)
    if legend is None:
        if not visible:
            return
        legend = logic.AddDefaultColorLegendDisplayNode(node)
        isChange = node.GetAttribute(OURS) == CHANGE
        title = _("Change of\neffect on\nage, years") if isChange else _("Effect on\nage, years")
        display = node.GetDisplayNode()
        low, high = display.GetWindowLevelMin(), display.GetWindowLevelMax()
        _layOut(legend, title, ValueRange(high, low < 0))
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

    It lies under the inverse of the registration, and under what the outline lies under, so it fits
    the scan if the registration does.
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
    matrix = result.workerToScene @ np.linalg.inv(slicer.util.arrayFromTransformMatrix(toTemplate))
    inverse.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
    mask = result.part(MASK)
    inverse.SetAndObserveTransformNodeID(mask.GetTransformNodeID() if mask is not None else None)
    node.SetAndObserveTransformNodeID(inverse.GetID())
    adopt(result, [node, inverse])
    result.recordNode.SetNodeReferenceID(TEMPLATE, node.GetID())
    return node


def _layOut(legend: Any, title: str, valueRange: ValueRange) -> None:
    legend.SetTitleText(title)
    legend.SetLabelFormat(labelFormat(valueRange))
    legend.SetMaxNumberOfColors(ENTRIES)
    legend.SetNumberOfLabels(LABELS)
    legend.SetSize(0.15, 0.42)
    legend.SetPosition(0.97, 0.5)
    for text in (legend.GetTitleTextProperty(), legend.GetLabelTextProperty()):
        text.SetFontSize(12)
        text.SetFontFamilyToArial()
        text.SetBold(True)  # a minus of one pixel is none
        text.SetShadow(True)  # readable over bright and dark


@dataclass(frozen=True)
class ValueRange:
    """The values that the colours span. ``signed``: they go from -highest to +highest."""

    highest: float
    signed: bool

    @property
    def lowest(self) -> float:
        """The value of the first colour."""
        return -self.highest if self.signed else 0.0


def labelFormat(valueRange: ValueRange) -> str:
    """Return the format of a legend's numbers: as many decimals in each, two digits in a step."""
    step = (valueRange.highest - valueRange.lowest) / (LABELS - 1)
    decimals = max(0, 1 - math.floor(math.log10(step))) if step > 0 else 1
    return f"%{'+' if valueRange.signed else ''}.{decimals}f"


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


def showInColors(node: Any, values: np.ndarray, name: str, hiddenFraction: float = 0.0) -> Any:
    """Show a volume node of these values in colours of its own; return their node."""
    valueRange, colors = rangeOf(values), newColorNode(name)
    fillColorNode(colors, valueRange, hiddenFraction)
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetAndObserveColorNodeID(colors.GetID())
    display.SetAutoWindowLevel(False)
    display.SetWindowLevelMinMax(valueRange.lowest, valueRange.highest)
    display.SetInterpolate(False)
    return colors


def newColorNode(name: str) -> Any:
    """Return a colour table node in the scene that is saved with it."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLColorTableNode", name)
    node.SetTypeToUser()
    node.SetHideFromEditors(False)
    return node
