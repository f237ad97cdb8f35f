"""What the user chose, kept in the scene and saved with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import slicer
import vtk
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper

from BrainAgeSlicer.subject import Sex


@parameterNodeWrapper
class BrainAgeParameterNode:
    """The choices of the panel.

    ``earlierVolume``: an earlier scan of the same person. ``ageText`` is what was typed, empty for
    not known: 0 is an age. ``siteCalibration`` is a file's path. ``sequence``: what the scan is
    said to be, empty where the picture tells. ``overlayThreshold`` hides what is below so many
    percent of the strongest effect.
    """

    inputVolume: slicer.vtkMRMLScalarVolumeNode
    earlierVolume: slicer.vtkMRMLScalarVolumeNode
    ageText: str = ""
    sex: Sex = Sex.NOT_KNOWN
    model: str = ""
    device: str = "auto"
    brainExtracted: bool = False
    siteCalibration: str = ""
    sequence: str = ""
    force: bool = False
    makeSaliency: bool = True
    makeReport: bool = True
    overlayVisible: bool = False
    overlayThreshold: Annotated[float, WithinRange(0.0, 100.0)] = 15.0
    overlayOpacity: Annotated[float, WithinRange(0.0, 1.0)] = 0.6
    outlineVisible: bool = False
    templateVisible: bool = False
    changeVisible: bool = False

    if TYPE_CHECKING:  # what the decorator adds

        def __init__(self, parameterNode: Any) -> None: ...
        def connectGui(self, gui: Any) -> int: ...
        def disconnectGui(self, guiTag: int) -> None: ...
        def AddObserver(self, event: int, callback: Callable[[Any, Any], None]) -> int: ...
        def RemoveObserver(self, tag: int) -> None: ...


class GuiConnection:
    """Widgets and parameters that follow each other, until ``end``.

    Slicer before 5.12 forgets to remove an observer at ``disconnectGui``. It stays on the node,
    keeps the wrapper in a cycle, and crashes Slicer once Python has collected that cycle.
    """

    def __init__(self, parameters: BrainAgeParameterNode, ui: Any) -> None:
        self._parameters = parameters
        first = self._nextTag()
        self._guiTag = parameters.connectGui(ui)
        self._tags = range(first + 1, self._nextTag())

    def end(self) -> None:
        """Let the widgets go."""
        self._parameters.disconnectGui(self._guiTag)
        for tag in self._tags:  # one that is gone is no error
            self._parameters.RemoveObserver(tag)

    def _nextTag(self) -> int:
        """Return the tag of a new observer; a node counts them up."""
        node = self._parameters
        tag = node.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda _caller, _event: None)
        node.RemoveObserver(tag)
        return tag
