"""The application object, the module manager, and opening, leaving and reloading the module."""

from __future__ import annotations

import importlib
import os
import sys
import types
from pathlib import Path
from typing import Any

import slicer
from PySide6 import QtCore, QtWidgets

import dicom_database
import offscreen
from real_names import stands_for
from stand_in import bindings, ctk_widgets, data_menu, loader, mrml_widgets

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
MODULE_PATH = ROOT / "BrainAge" / "BrainAge.py"


@stands_for("qSlicerModuleManager")
class ModuleManager(QtCore.QObject):
    """Says when a module goes."""

    moduleAboutToBeUnloaded = QtCore.Signal(str)


@stands_for("qSlicerApplication")
class Application(offscreen.Application):
    """``slicer.app`` with what Qt gives it; what is not modelled raises AttributeError."""

    quitOnLastWindowClosed = True

    def __init__(self, home: Path, world: Any) -> None:
        super().__init__(str(home), world.layoutManager, world.applicationLogic)
        self._moduleManager = ModuleManager()
        signals = ("startupCompleted()", "aboutToQuit()", "lastWindowClosed()")
        self._receivers: dict[str, list[Any]] = {signal: [] for signal in signals}

    def moduleManager(self) -> Any:
        return self._moduleManager

    def processEvents(self) -> None:
        QtWidgets.QApplication.processEvents()

    def connect(self, signal: str, receiver: Any) -> None:
        self._receiversOf(signal).append(receiver)

    def disconnect(self, signal: str, receiver: Any) -> None:
        self._receiversOf(signal).remove(receiver)

    def _receiversOf(self, signal: str) -> list[Any]:
        if signal not in self._receivers:
            raise AttributeError(signal)
        return self._receivers[signal]

    def topLevelWidgets(self) -> Any:
        return QtWidgets.QApplication.topLevelWidgets()

    def userSettings(self) -> Any:
        file = str(Path(self.slicerHome) / "settings.ini")
        return QtCore.QSettings(file, QtCore.QSettings.Format.IniFormat)

    def testingEnabled(self) -> bool:
        return True

    def translate(self, _context: str, text: str) -> str:
        return text


def finishStartup() -> None:
    """Let the application send startupCompleted()."""
    for receiver in slicer.app._receivers["startupCompleted()"]:
        receiver()


def quitApplication(signal: str = "aboutToQuit()") -> None:
    """Let the application send aboutToQuit(), or what comes before the event loop ends."""
    for receiver in list(slicer.app._receivers[signal]):
        receiver()


@stands_for("qSlicerScriptedLoadableModuleWidget")
class ModuleWidget(QtWidgets.QWidget):
    """The parent of the module's widget."""

    def __init__(self) -> None:
        super().__init__()
        QtWidgets.QVBoxLayout(self)
        self.isEntered = False

    def setMRMLScene(self, _scene: Any) -> None:
        pass

    def reload(self) -> None:
        """Make the module's widget anew; as in Slicer, nothing says that it is open."""
        module = sys.modules["BrainAge"]
        slicer.modules.BrainAgeWidget = module.BrainAgeWidget(self)
        slicer.modules.BrainAgeWidget.setup()


def _slicerFiles() -> Path | None:
    named = os.environ.get("SLICER_PY")
    if not named:
        return None
    for folder in (Path(named), Path(named) / "slicer", Path(named) / "Base/Python/slicer"):
        if (folder / "parameterNodeWrapper").is_dir():
            return folder
    raise FileNotFoundError(f"SLICER_PY={named} does not hold Slicer's Base/Python/slicer")


def _chooseBase() -> None:
    """Slicer's own Python files when they are given, else our small ones."""
    own = _slicerFiles()
    slicer.__path__.insert(0, str(own or HERE / "slicer_base"))
    for name in ("i18n", "util", "ScriptedLoadableModule", "parameterNodeWrapper", "packaging"):
        if own is not None or name != "util":
            sys.modules.pop(f"slicer.{name}", None)
    importlib.invalidate_caches()


@stands_for("qSlicerScriptedLoadableModule")
class ScriptedModule:
    """What the application knows of a scripted module; the module fills in what it is shown as."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self.title = self.helpText = self.acknowledgementText = ""
        self.categories: list[str] = []
        self.dependencies: list[str] = []
        self.contributors: list[str] = []
        self._widget: Any = None
        self._onSwitch: Any = lambda: None

    def widgetRepresentation(self) -> Any:
        return self._widget


@stands_for("qSlicerLoadableModule")
class LoadableModule:
    """A module of the application's own."""

    def __init__(self, logic: Any) -> None:
        self._logic = logic

    def logic(self) -> Any:
        return self._logic


@stands_for("vtkSlicerPlotsLogic")
class PlotsLogic:
    """Shows a chart by changing the layout."""

    def __init__(self, layoutManager: Any) -> None:
        self._layoutManager = layoutManager

    def ShowChartInLayout(self, _chart: Any) -> None:
        self._layoutManager.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpPlotView)


def _makePythonSlicer(home: Path) -> None:
    """Put a Python where Slicer has it: a launcher of the real one."""
    launcher = home / "bin" / "PythonSlicer"
    launcher.parent.mkdir(parents=True)
    launcher.write_text(f'#!/bin/sh\n"{sys.executable}" "$@"\n')
    launcher.chmod(0o755)


def install(world: Any, home: Path) -> None:
    """Make this process look like Slicer to the module, with an empty folder ``home``; once."""
    _makePythonSlicer(home)
    bindings.makeQt(loader.UiLoader)
    sys.modules["ctk"] = ctk = types.ModuleType("ctk")
    ctk.__getattr__ = ctk_widgets.absent  # type: ignore[method-assign]
    for name in ("ctkCollapsibleButton", "ctkSliderWidget", "ctkPathLineEdit"):
        setattr(ctk, name, getattr(ctk_widgets, name))
    ctk.ctkDICOMIndexer = dicom_database.DicomIndexer
    mrml_widgets.install()
    data_menu.install()
    slicer.app = Application(home, world)
    slicer.modules = types.ModuleType("slicer.modules")
    sys.modules["slicer.modules"] = slicer.modules
    slicer.modules.plots = LoadableModule(PlotsLogic(world.layoutManager))
    slicer.modules.brainage = ScriptedModule(MODULE_PATH)
    slicer.selfTests = {}
    _chooseBase()


class OpenModule:
    """The module as the user sees it."""

    def __init__(self) -> None:
        for name in [each for each in sys.modules if each.split(".")[0] == "BrainAgeSlicer"]:
            del sys.modules[name]
        spec = importlib.util.spec_from_file_location("BrainAge", MODULE_PATH)
        module = importlib.util.module_from_spec(spec)
        sys.modules["BrainAge"] = module
        spec.loader.exec_module(module)
        self.parent = ModuleWidget()
        slicer.modules.brainage._widget = self.parent
        self.parent.reload()

    @property
    def widget(self) -> Any:
        return slicer.modules.BrainAgeWidget

    @property
    def ui(self) -> Any:
        return self.widget.panel.ui

    def enter(self) -> None:
        """Open the module."""
        self.parent.isEntered = True
        self.widget.enter()

    def offerInMenus(self) -> None:
        """Let the application set the module up, as it does once at its start."""
        module = sys.modules["BrainAge"].BrainAge(slicer.modules.brainage)
        module.setup()
        slicer.modules.brainage._onSwitch = self.enter

    def exit(self) -> None:
        """Open another module."""
        self.widget.exit()
        self.parent.isEntered = False

    def close(self) -> None:
        """End the application."""
        slicer.app.moduleManager().moduleAboutToBeUnloaded.emit("BrainAge")
        self.parent.deleteLater()
        slicer.app.processEvents()
