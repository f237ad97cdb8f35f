"""The slice views belong to the user: what they showed before is remembered, and comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import slicer

from BrainAgeSlicer.volumes import OURS

LEGEND_PART = 0.27  # of a view's width, at the right


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
