"""The colours of the saliency overlay, and which values it shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer

ENTRIES = 255  # odd: the middle one is zero
ROBUST_PERCENTILE = 99.5  # one bright voxel must not darken the rest
# Blue for what makes the brain look younger, orange for older: told apart by people who confuse
# red and green. Every colour is saturated, so that the grey scan is never mistaken for one.
YOUNGER = ((0.0, (0.75, 0.90, 1.00)), (0.5, (0.20, 0.55, 0.95)), (1.0, (0.05, 0.15, 0.70)))
OLDER = ((0.0, (1.00, 0.95, 0.60)), (0.5, (1.00, 0.55, 0.05)), (1.0, (0.75, 0.05, 0.05)))


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
