"""The panel: the user's choices on one side, the scene and the worker on the other.

It keeps no result of its own. What it shows is read from the scene, so closing, loading or editing
the scene needs no special case.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import qt
import slicer
import vtk
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin

from BrainAgeLib.errors import BrainAgeError
from BrainAgeSlicer import installation, volumes
from BrainAgeSlicer.archivecontrols import ArchiveControls
from BrainAgeSlicer.batchlist import BatchList
from BrainAgeSlicer.choices import AdvancedChoices
from BrainAgeSlicer.exports import Exports
from BrainAgeSlicer.followcontrols import FollowControls
from BrainAgeSlicer.logic import Predictor
from BrainAgeSlicer.parameters import BrainAgeParameterNode, GuiConnection
from BrainAgeSlicer.request import Request, requestOf, whyNotMeant, whyNotReady
from BrainAgeSlicer.resultcontrols import OverlayControls, ResultView
from BrainAgeSlicer.results import Result, findResult, removeResult
from BrainAgeSlicer.runcontrols import RunControls
from BrainAgeSlicer.subject import SubjectFields
from BrainAgeSlicer.views import MessageView, ReasonView


class Panel(VTKObservationMixin):
    """Everything between the widgets of ``BrainAge.ui`` and the rest.

    ``ensureDependencies`` raises BrainAgeError when the worker cannot be run.
    """

    def __init__(
        self,
        ui: Any,
        predictor: Predictor,
        ensureDependencies: Callable[[Path], None],
        getParameters: Callable[[], BrainAgeParameterNode],
    ) -> None:
        super().__init__()
        self.ui = ui
        self._getParameters = getParameters
        self._parameters: BrainAgeParameterNode | None = None
        self._connection: GuiConnection | None = None
        self._entered = False
        self._maybeNewVolume = False
        self._watched: Any = None  # the scan whose name and voxels are shown
        self._orphans: list[Result] = []  # whose scan is being removed
        self._message = MessageView(ui.messageLabel)
        self._reason = ReasonView(ui.applyButton, ui.reasonLabel)
        self._result = ResultView(ui)
        self._overlay = OverlayControls(ui)
        self._batchList = BatchList(ui.batchTree, ui.tickAllButton, self._checkCanApply)
        self._runs = RunControls(ui, predictor, ensureDependencies, self._batchList, self._message)
        self._runs.onChanged = self._refresh
        self._runs.onResult = self._onResult
        self._exports = Exports(ui, self._message, self._currentVolume)
        self._archive = ArchiveControls(ui, self._message, ensureDependencies)
        self._runs.onEveryResult = self._archive.onResult
        self._follow = FollowControls(
            ui, self._message, self._exports, ensureDependencies, lambda: self._parameters
        )
        self._subject = SubjectFields(ui)
        self._advanced = AdvancedChoices(ui)
        self._refreshTimer = qt.QTimer()
        self._connect()

    # Life

    def _connect(self) -> None:
        ui = self.ui
        self._refreshTimer.setSingleShot(True)
        self._refreshTimer.setInterval(0)
        self._refreshTimer.connect("timeout()", self._onSceneSettled)
        ui.applyButton.connect("clicked(bool)", lambda _checked: self._onApply())
        ui.batchCollapsibleButton.connect(
            "contentsCollapsed(bool)", lambda _folded: self._refresh()
        )
        ui.ageEdit.connect("returnPressed()", self._onReturnPressed)
        ui.batchButton.connect("clicked(bool)", lambda _checked: self._onApplyToList())
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self._onSceneStartClose)
        for event in (scene.EndImportEvent, scene.EndCloseEvent):
            self.addObserver(scene, event, self._onSceneReplaced)
        self.addObserver(scene, scene.NodeAddedEvent, self._onNodeAdded)
        self.addObserver(scene, scene.NodeAboutToBeRemovedEvent, self._onNodeRemoved)
        self.addObserver(scene, scene.NodeRemovedEvent, self._onNodesChanged)
        try:
            self._advanced.offer(installation.models())
        except BrainAgeError as error:
            self._message.show("refuse", error.message, error.hint)

    def enter(self) -> None:
        """Take up the scene's parameters: the user opened the module."""
        self._entered = True
        self._setParameters(self._getParameters())
        self._batchList.refresh()

    def selectVolume(self, volumeNode: Any) -> None:
        """Select a scan, once the module is open."""
        if self._parameters is not None:
            self._parameters.inputVolume = volumeNode

    def exit(self) -> None:
        """Let the widgets go: the user opened another module. A run goes on.

        What lies over the scan stays: people take pictures of it in other modules.
        """
        self._entered = False
        self._exports.restoreLayout()
        self._setParameters(None)

    def cleanup(self) -> None:
        """End everything: the module is reloaded or the application ends."""
        self._runs.stop(_("The module was closed, so the prediction was stopped."))
        self._follow.stop()
        self._overlay.takeDown()
        self._advanced.stop()
        self._setParameters(None)
        self.removeObservers()
        self._refreshTimer.stop()

    def _onSceneStartClose(self, _caller: Any, _event: Any) -> None:
        self._runs.stop(_("The scene was closed, so the prediction was stopped."))
        self._follow.stop()
        self._overlay.forget()
        self._batchList.forget()
        self._setParameters(None)
        self._result.show(None)
        self._archive.show(None)

    def _onSceneReplaced(self, _caller: Any, _event: Any) -> None:
        if self._entered:
            self.enter()

    def _onNodeAdded(self, caller: Any, event: Any) -> None:
        self._maybeNewVolume = True
        self._onNodesChanged(caller, event)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _onNodeRemoved(self, _caller: Any, _event: Any, node: Any) -> None:
        result = findResult(node)
        if result is not None:
            self._orphans.append(result)
            self._refreshTimer.start()  # once the scene is done with the scan

    def _onNodesChanged(self, _caller: Any, _event: Any) -> None:
        if self._entered and not slicer.mrmlScene.IsBatchProcessing():
            self._refreshTimer.start()

    def _onSceneSettled(self) -> None:
        new, self._maybeNewVolume = self._maybeNewVolume, False
        orphans, self._orphans = self._orphans, []
        for result in orphans:
            if result.recordNode.GetScene() is not None:
                removeResult(result)
        parameters = self._parameters
        if new and parameters is not None and parameters.inputVolume is None:
            parameters.inputVolume = volumes.volumeToStartWith()  # loaded with the module open
        self._refresh()

    # Choices

    def _setParameters(self, parameters: BrainAgeParameterNode | None) -> None:
        if self._connection is not None:
            self._connection.end()
            self._connection = None
            self.removeObserver(
                self._parameters, vtk.vtkCommand.ModifiedEvent, self._onParametersModified
            )
        self._parameters = parameters
        self._watch(None if parameters is None else parameters.inputVolume)
        if parameters is None:
            return
        if parameters.inputVolume is None:
            parameters.inputVolume = volumes.volumeToStartWith()
        self._subject.forget()
        self._overlay.setResult(findResult(parameters.inputVolume))
        self._overlay.takeUp(parameters)
        self._connection = GuiConnection(parameters, self.ui)
        self.addObserver(parameters, vtk.vtkCommand.ModifiedEvent, self._onParametersModified)
        self._advanced.show(parameters)
        self._refresh()

    def _watch(self, node: Any) -> None:
        """Hear when the selected scan gets another name or other voxels."""
        if node is self._watched:
            return
        for watched, act in ((self._watched, self.removeObserver), (node, self.addObserver)):
            if watched is not None:
                act(watched, vtk.vtkCommand.ModifiedEvent, self._onNodesChanged)
                act(watched, watched.ImageDataModifiedEvent, self._onNodesChanged)
        self._watched = node

    def _onParametersModified(self, _caller: Any, _event: Any) -> None:
        self._refresh()

    def _refresh(self) -> None:
        """Show what the parameters and the scene say."""
        if self._parameters is None or self._subject.isFollowing:
            return
        self._subject.follow(self._parameters)
        self._advanced.refresh()
        self._watch(self._parameters.inputVolume)
        result = findResult(self._parameters.inputVolume)
        self._result.show(result)
        self._archive.show(result)
        self._follow.refresh()
        self._overlay.setResult(result)
        if self._parameters.changeVisible and not self.ui.changeCheckBox.enabled:
            self._parameters.changeVisible = False  # there is no such map of this scan
        self._overlay.update(self._parameters)
        if not self._runs.running and not self.ui.batchCollapsibleButton.collapsed:
            self._batchList.refresh()
        self._checkCanApply()

    def _currentVolume(self) -> Any:
        return self._parameters.inputVolume if self._parameters is not None else None

    # Apply and Cancel

    def _checkCanApply(self) -> None:
        batch = self.ui.batchButton
        if self._runs.running:
            if not self._runs.cancelling:
                self._reason.show("", _("Stop the prediction; nothing of it stays"))
            batch.setEnabled(False)
            return
        reason = whyNotReady(self._parameters) if self._parameters else ""
        self._reason.show(reason, _("Predict the brain age of the selected volume"))
        ticked = len(self._batchList.ticked())
        batch.text = _("Apply to {n} volumes").format(n=ticked) if ticked else _("Apply to list")
        missing = "" if ticked else _("Tick the volumes to predict")
        wrong = missing or (whyNotMeant(self._parameters) if self._parameters else "")
        batch.setEnabled(not wrong)
        batch.toolTip = wrong or _("Predict one after the other; a failure does not stop the rest")

    def _onReturnPressed(self) -> None:
        if self.ui.applyButton.enabled and not self._runs.running:
            self._onApply()

    def _onApply(self) -> None:
        if self._runs.running:
            self._runs.cancel()
        elif self._parameters is not None and not whyNotReady(self._parameters):
            self._runs.start([self._parameters.inputVolume], self._requestFor)

    def _onApplyToList(self) -> None:
        if not self._runs.running:
            self._runs.start(self._batchList.ticked(), self._requestFor)

    def _requestFor(self, node: Any) -> Request:
        if self._parameters is None:
            raise BrainAgeError(_("Open the module first."))
        return requestOf(self._parameters, node)

    def _onResult(self, node: Any) -> None:
        """Show the result of the one volume that was asked for, if it is still selected."""
        if self._parameters is not None and self._parameters.inputVolume is node:
            self._parameters.overlayVisible = True
