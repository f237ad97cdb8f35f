"""Brain age from routine clinical 2D T1 MRI: the module that 3D Slicer loads.

Only what Slicer asks of this file is here; the work is in BrainAgeSlicer, and behind it, in a
process of its own, in BrainAgeLib.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)

if importlib.util.find_spec("BrainAgeLib") is None:  # a source checkout, where it lies one up
    sys.path.append(str(Path(__file__).resolve().parents[1]))


SAMPLE_SHA256 = "4fd9a94ee8a661eded4b2a507961974863c5c2ec1600c26cb2afad75ce094f39"


class BrainAge(ScriptedLoadableModule):
    """What Slicer shows of the module before it is opened."""

    def __init__(self, parent: Any) -> None:
        super().__init__(parent)
        parent.title = _("Brain Age")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Neuroimaging")]
        parent.dependencies = []
        parent.contributors = ["SlicerBrainAge contributors"]
        parent.helpText = _(
            "Predicts brain age from a 2D thick-slice (or 3D) T1 scan of the head. Research use "
            "only. Not a medical device. Not for diagnosis, screening or treatment."
        )
        page = Path(__file__).resolve().parent / "Resources" / "help.html"
        parent.helpText += f'<p><a href="{page.as_uri()}">{_("How to use it")}</a></p>'
        parent.acknowledgementText = _(
            "Written after the idea of doi:10.1038/s41514-025-00260-x; trained on Cam-CAN."
        )
        if hasattr(slicer.app, "connect"):
            slicer.app.connect("startupCompleted()", registerSampleData)

    def setup(self) -> None:
        """Offer the module in the menu of a scan in the Data module, where there are menus."""
        from BrainAgeSlicer.dependencies import whyTooOld

        if not whyTooOld() and hasattr(slicer, "qSlicerSubjectHierarchyScriptedPlugin"):
            from BrainAgeSlicer.installation import dataMenuFile

            plugin = slicer.qSlicerSubjectHierarchyScriptedPlugin(None)
            plugin.setPythonSource(str(dataMenuFile()))


def registerSampleData() -> None:
    """Offer the bundled scan in the Sample Data module; nothing is downloaded."""
    from BrainAgeSlicer.dependencies import whyTooOld

    if whyTooOld():  # its Python may be too old to import the rest
        return
    import SampleData

    from BrainAgeLib.resources import sample_scan
    from BrainAgeSlicer.installation import MODULE_FOLDER

    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="BrainAge",
        sampleName="BrainAgeColin27",
        thumbnailFileName=str(MODULE_FOLDER / "Resources" / "Icons" / "BrainAgeColin27.png"),
        uris=sample_scan().as_uri(),
        checksums=f"SHA256:{SAMPLE_SHA256}",
        fileNames=sample_scan().name,
        nodeNames="Colin27 axial T1",
    )


class BrainAgeWidget(ScriptedLoadableModuleWidget):
    """The module's place in the window; BrainAgeSlicer.panel fills it."""

    def __init__(self, parent: Any = None) -> None:
        self.panel: Any = None
        super().__init__(parent)

    def setup(self) -> None:
        """Load the panel: the user opened the module for the first time."""
        super().setup()
        from BrainAgeSlicer.dependencies import ensureDependencies, whyTooOld

        tooOld = whyTooOld()
        if tooOld:  # what the panel builds on is not there
            self._say(tooOld)
            return
        from BrainAgeSlicer.panel import Panel

        uiWidget = slicer.util.loadUI(self.resourcePath("UI/BrainAge.ui"))
        self.layout.addWidget(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        ui = slicer.util.childWidgetVariables(uiWidget)
        self.logic = BrainAgeLogic()
        self.panel = Panel(
            ui, self.logic.predictor, ensureDependencies, self.logic.getParameterNode
        )
        if getattr(self.parent, "isEntered", False):  # reloaded: Slicer does not open it anew
            self.panel.enter()

    def _say(self, text: str) -> None:
        import qt

        label = qt.QLabel(text)
        label.wordWrap = True
        self.layout.addWidget(label)

    def enter(self) -> None:
        """Take up the scene: the user opened the module."""
        if self.panel is not None:
            self.panel.enter()

    def exit(self) -> None:
        """Let go of the scene: the user opened another module."""
        if self.panel is not None:
            self.panel.exit()

    def selectVolume(self, volumeNode: Any) -> None:
        """Select a scan: the user asked for it in another module."""
        if self.panel is not None:
            self.panel.selectVolume(volumeNode)

    def cleanup(self) -> None:
        """End what is under way: the module is reloaded or the application closes."""
        if self.panel is not None:
            self.panel.cleanup()

    def onReload(self) -> None:
        """Reload our packages too: Slicer reloads only this file."""
        ours = ("BrainAgeSlicer", "BrainAgeLib")
        for name in [each for each in sys.modules if each.split(".")[0] in ours]:
            del sys.modules[name]
        importlib.invalidate_caches()
        super().onReload()


class BrainAgeLogic(ScriptedLoadableModuleLogic):
    """Brain age for scripts: ``BrainAgeLogic().process(volumeNode, ageYears=63.0)``."""

    def __init__(self, command: list[str] | None = None) -> None:
        super().__init__()
        from BrainAgeSlicer.dependencies import refuseOldSlicer

        refuseOldSlicer()
        from BrainAgeSlicer.logic import Predictor

        self.predictor = Predictor(command)

    def getParameterNode(self) -> Any:
        """Return the scene's choices."""
        from BrainAgeSlicer.parameters import BrainAgeParameterNode

        return BrainAgeParameterNode(super().getParameterNode())

    def process(
        self,
        volumeNode: Any,
        ageYears: float | None = None,
        sex: str | None = None,
        callback: Callable[[Any], None] | None = None,
        onStage: Callable[[str, float], None] = lambda _name, _fraction: None,
        **options: Any,
    ) -> Any:
        """Predict the brain age of a scan and bring the result into the scene.

        Without ``callback`` it waits and returns the record (``BrainAgeLib.records.Prediction``);
        a scan that the quality gate refused has no age in it, and why in its ``quality``. With
        ``callback`` it returns the run at once, which can be cancelled, and calls back with how it
        ended (``BrainAgeSlicer.run.Ended``). ``options`` are those of
        ``BrainAgeSlicer.request.Request``: device, model, brainExtracted, siteCalibration, force,
        saliency, report, sequence.

        Raises BrainAgeError when the volume or an option cannot be used, and without ``callback``
        also when the prediction fails.
        """
        from BrainAgeSlicer.request import requestFor
        from BrainAgeSlicer.run import Listener

        request = requestFor(ageYears, sex, **options)
        if callback is None:
            return self.predictor.predict(volumeNode, request, Listener(onStage=onStage))
        return self.predictor.start(volumeNode, request, Listener(callback, onStage))


class BrainAgeTest(ScriptedLoadableModuleTest):
    """Runs in Slicer itself: "Reload and Test" in developer mode, or ctest in a build tree."""

    def setUp(self) -> None:
        """Start with an empty scene."""
        slicer.mrmlScene.Clear()

    def runTest(self) -> None:
        """Predict the bundled sample and look at the scene."""
        self.setUp()
        self.test_whatIsNoScanIsRefused()
        self.setUp()
        self.test_sampleGivesAnAge()

    def test_sampleGivesAnAge(self) -> None:
        """The whole way: file, worker, scene. Skipped where Slicer's tests install nothing."""
        from BrainAgeLib.errors import InstallationError
        from BrainAgeLib.resources import sample_scan
        from BrainAgeSlicer.dependencies import ensureDependencies
        from BrainAgeSlicer.installation import requirementsFile
        from BrainAgeSlicer.results import MASK, OVERLAY, findResults

        try:
            ensureDependencies(requirementsFile())
        except InstallationError as error:
            if slicer.app.testingEnabled():
                self.skipTest(str(error))
            raise
        volume = slicer.util.loadVolume(str(sample_scan()))
        prediction = BrainAgeLogic().process(volume, ageYears=30.0)
        self.assertIsNotNone(prediction.brain_age_years)
        low, high = prediction.interval_years
        self.assertTrue(low < prediction.brain_age_years < high)
        (result,) = findResults()
        self.assertIs(result.volumeNode, volume)
        self.assertIsNotNone(result.part(MASK))
        overlay = result.part(OVERLAY)
        self.assertEqual(
            overlay.GetImageData().GetDimensions(), volume.GetImageData().GetDimensions()
        )

    def test_whatIsNoScanIsRefused(self) -> None:
        """An empty volume gets a sentence and leaves nothing behind."""
        from BrainAgeLib.errors import BrainAgeError

        volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "empty")
        count = slicer.mrmlScene.GetNumberOfNodes()
        with self.assertRaises(BrainAgeError):
            BrainAgeLogic().process(volume)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), count)
