"""The menu of the Data module, as far as a scripted plugin takes part in it."""

from __future__ import annotations

import importlib.util
import sys
import types
from pathlib import Path
from typing import Any

import slicer
from PySide6 import QtCore

from real_names import stands_for


@stands_for("qSlicerSubjectHierarchyScriptedPlugin")
class ScriptedPlugin(QtCore.QObject):
    """Makes the class that a file is named after."""

    def setPythonSource(self, filePath: str) -> bool:
        name = Path(filePath).stem
        spec = importlib.util.spec_from_file_location(name, filePath)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        self._self = getattr(module, name)(self)
        return True


@stands_for("qSlicerSubjectHierarchyAbstractPlugin")
class DefaultPlugin(QtCore.QObject):
    """Switches to a module."""

    def switchToModule(self, moduleName: str) -> Any:
        assert moduleName == "BrainAge"
        slicer.modules.brainage._onSwitch()
        return slicer.modules.brainage.widgetRepresentation()


@stands_for("qSlicerSubjectHierarchyPluginHandler")
class PluginHandler(QtCore.QObject):
    """Knows the plugins and the item under the pointer."""

    _only: Any = None

    def __init__(self) -> None:
        super().__init__()
        self._plugins: list[Any] = []
        self._default = DefaultPlugin()
        self._item = 0

    @staticmethod
    def instance() -> Any:
        if PluginHandler._only is None:
            PluginHandler._only = PluginHandler()
        return PluginHandler._only

    def registerPlugin(self, plugin: Any) -> bool:
        self._plugins.append(plugin)
        return True

    def pluginByName(self, name: str) -> Any:
        assert name == "Default"
        return self._default

    def currentItem(self) -> int:
        return self._item

    def subjectHierarchyNode(self) -> Any:
        return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)


@stands_for("AbstractScriptedSubjectHierarchyPlugin")
class AbstractScriptedSubjectHierarchyPlugin:
    """What Slicer gives scripted plugins to begin with."""

    def __init__(self, scriptedPlugin: Any) -> None:
        self.scriptedPlugin = scriptedPlugin
        self.register()

    def register(self) -> None:
        PluginHandler.instance().registerPlugin(self.scriptedPlugin)


def install() -> None:
    """Put the classes where Slicer has them."""
    slicer.qSlicerSubjectHierarchyScriptedPlugin = ScriptedPlugin
    slicer.qSlicerSubjectHierarchyPluginHandler = PluginHandler
    # The class's own module is nowhere on the path until this package is imported.
    package = types.ModuleType("SubjectHierarchyPlugins")
    package.AbstractScriptedSubjectHierarchyPlugin = AbstractScriptedSubjectHierarchyPlugin
    sys.modules[package.__name__] = package
