"""A real MRML scene with real slice views, without the application and without a screen.

As in the application there is one scene a process; ``clear`` empties it between tests.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
import types
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")  # read at the import
os.environ.setdefault("LP_NUM_THREADS", "1")  # small pictures: threads cost more than they give
os.environ.setdefault("ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS", "1")

import numpy as np
import slicer
import slicer.util
import vtk
from vtkmodules.util.numpy_support import vtk_to_numpy

from real_names import stands_for

VIEW_NAMES = ("Red", "Yellow", "Green")
ORIENTATIONS = {"Red": "Axial", "Yellow": "Sagittal", "Green": "Coronal"}
MANAGERS = ("vtkMRMLSegmentationsDisplayableManager2D", "vtkMRMLColorLegendDisplayableManager")
VIEW_SIZE = 420


class SliceView:
    """One slice view: logic, displayable managers and an offscreen window."""

    def __init__(self, name: str, applicationLogic: Any, scene: Any) -> None:
        self.window = vtk.vtkRenderWindow()
        self.window.SetOffScreenRendering(1)
        self.window.SetSize(VIEW_SIZE, VIEW_SIZE)
        renderer = vtk.vtkRenderer()
        renderer.GetActiveCamera().ParallelProjectionOn()
        self.window.AddRenderer(renderer)
        self._interactor = vtk.vtkRenderWindowInteractor()  # the managers need one
        self._interactor.SetRenderWindow(self.window)
        self._mapper = vtk.vtkImageMapper()
        self._mapper.SetColorWindow(255)
        self._mapper.SetColorLevel(127.5)
        actor = vtk.vtkActor2D()
        actor.SetMapper(self._mapper)
        actor.GetProperty().SetDisplayLocationToBackground()
        renderer.AddViewProp(actor)
        factory = slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance()
        factory.SetMRMLApplicationLogic(applicationLogic)
        for manager in MANAGERS:
            if not factory.IsDisplayableManagerRegistered(manager):
                factory.RegisterDisplayableManager(manager)
        self._managers = slicer.vtkMRMLDisplayableManagerGroup()
        self._managers.Initialize(factory, renderer)
        self.logic = slicer.vtkMRMLSliceLogic()
        self.logic.SetMRMLApplicationLogic(applicationLogic)
        self.logic.SetMRMLScene(scene)
        applicationLogic.GetSliceLogics().AddItem(self.logic)
        self.node = self.logic.AddSliceNode(name)
        self.node.SetOrientation(ORIENTATIONS[name])
        self._managers.SetMRMLDisplayableNode(self.node)
        self.logic.ResizeSliceNode(VIEW_SIZE, VIEW_SIZE)
        self._actor = actor

    def picture(self, offset: float | None = None, size: int = VIEW_SIZE) -> np.ndarray:
        """Render; return (row, column, 3) uint8, top row first."""
        self.window.SetSize(size, size)
        self.logic.ResizeSliceNode(size, size)
        if offset is not None:
            self.logic.SetSliceOffset(offset)
        self.node.Modified()  # as when the layout is drawn; the managers look at nothing else
        connection = self.logic.GetImageDataConnection()
        self._actor.SetVisibility(connection is not None)
        if connection is not None:
            self._mapper.SetInputConnection(connection)
        self.window.Render()
        grabbed = vtk.vtkWindowToImageFilter()
        grabbed.SetInput(self.window)
        grabbed.ReadFrontBufferOff()
        grabbed.Update()
        image = grabbed.GetOutput()
        width, height, _depth = image.GetDimensions()
        array = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(height, width, -1)
        return np.array(array[::-1, :, :3])


@stands_for("qMRMLSliceWidget")
class SliceWidget:
    """A slice view as the module gets hold of it."""

    def __init__(self, view: SliceView) -> None:
        self._view = view

    def mrmlSliceNode(self) -> Any:
        """Return the slice node."""
        return self._view.node

    def sliceLogic(self) -> Any:
        """Return the slice logic."""
        return self._view.logic


@stands_for("qSlicerLayoutManager")
class LayoutManager:
    """The part that knows slice views and which layout is shown."""

    def __init__(self, views: dict[str, SliceView], logics: Any) -> None:
        self._widgets = {name: SliceWidget(view) for name, view in views.items()}
        self._logics = logics
        self.layout = slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView

    def sliceViewNames(self) -> tuple[str, ...]:
        """Return the names of the views."""
        return tuple(self._widgets)

    def sliceWidget(self, name: str) -> SliceWidget:
        """Return a view by name."""
        return self._widgets[name]

    def mrmlSliceLogics(self) -> Any:
        """Return all slice logics."""
        return self._logics

    def setLayout(self, layout: int) -> None:
        """Show another layout."""
        self.layout = layout


@stands_for("qSlicerApplication")
class Application:
    """``slicer.app`` without Qt; what is not modelled raises AttributeError."""

    def __init__(self, home: str, layoutManager: LayoutManager, applicationLogic: Any) -> None:
        self.slicerHome = home
        self._layoutManager = layoutManager
        self._applicationLogic = applicationLogic

    def layoutManager(self) -> LayoutManager:
        """Return who knows the views."""
        return self._layoutManager

    def applicationLogic(self) -> Any:
        """Return the logic behind the application."""
        return self._applicationLogic


@dataclass
class World:
    """Everything that has to be kept alive: the scene holds no reference to its logics."""

    scene: Any
    applicationLogic: Any
    colorLogic: Any
    logics: list[Any]
    views: dict[str, SliceView]
    layoutManager: LayoutManager

    def clear(self) -> None:
        """Close the scene, as the application does."""
        self.scene.Clear(0)
        self.prepare()

    def prepare(self) -> None:
        """Make what the application's layout and plugins make in every new scene."""
        for name, orientation in ORIENTATIONS.items():
            self.view(name).node.SetOrientation(orientation)
        slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(self.scene)

    def view(self, name: str) -> SliceView:
        """Return a slice view."""
        return self.views[name]


def _useErrorStream() -> None:
    window = vtk.vtkOutputWindow()
    window.SetDisplayModeToAlwaysStdErr()
    vtk.vtkOutputWindow.SetInstance(window)


@stands_for("module i18n")
def tr(text: str) -> str:
    """Return a text as it is."""
    return text


@stands_for("module i18n")
def translate(context: str, text: str) -> str:
    """Return a text as it is."""
    return text


def _withTranslation() -> None:
    """Give ``slicer.i18n`` where Slicer's own is not at hand."""
    if "slicer.i18n" not in sys.modules:
        module = types.ModuleType("slicer.i18n")
        module.tr, module.translate = tr, translate  # type: ignore[attr-defined]
        sys.modules["slicer.i18n"] = module
        slicer.i18n = module


def _useCache(scene: Any, folder: str) -> None:
    """Scene bundles are unpacked into the cache of the scene's data manager."""
    cache = slicer.vtkCacheManager()
    (Path(folder) / ".slicer-cache").touch()
    cache.SetRemoteCacheDirectory(folder)
    manager = slicer.vtkDataIOManager()
    manager.SetCacheManager(cache)
    scene.SetCacheManager(cache)
    scene.SetDataIOManager(manager)


_world: World | None = None


def world() -> World:
    """Return the one scene of this process with its views, made at the first call."""
    global _world
    if _world is None:
        _world = _makeWorld()
    return _world


def _makeWorld() -> World:
    _useErrorStream()
    _withTranslation()
    scene = slicer.vtkMRMLScene()
    slicer.mrmlScene = scene
    slicer.dicomDatabase = None  # as before the application has opened one
    applicationLogic = slicer.vtkSlicerApplicationLogic()
    folder = tempfile.mkdtemp(prefix="offscreen-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (Path(folder) / "share" / "ColorFiles").mkdir(parents=True)  # none there, and none needed
    applicationLogic.SetHomeDirectory(folder)
    applicationLogic.SetShareDirectory("share")
    _useCache(scene, folder)
    applicationLogic.SetMRMLScene(scene)
    applicationLogic.SetSliceLogics(vtk.vtkCollection())
    applicationLogic.SetViewLogics(vtk.vtkCollection())
    colorLogic = applicationLogic.GetColorLogic()
    colorLogic.SetMRMLScene(scene)
    colorLogic.AddDefaultColorNodes()
    logics = []
    for name, kind in (
        ("Colors", slicer.vtkSlicerColorLogic),
        ("Volumes", slicer.vtkSlicerVolumesLogic),
        ("Segmentations", slicer.vtkSlicerSegmentationsModuleLogic),
        ("SubjectHierarchy", slicer.vtkSlicerSubjectHierarchyModuleLogic),
        ("Tables", slicer.vtkSlicerTablesLogic),
        ("Texts", slicer.vtkSlicerTextsLogic),
        ("Transforms", slicer.vtkSlicerTransformLogic),
        ("Plots", slicer.vtkSlicerPlotsLogic),
    ):
        logic = kind()
        logic.SetMRMLApplicationLogic(applicationLogic)
        logic.SetMRMLScene(scene)
        applicationLogic.SetModuleLogic(name, logic)
        logics.append(logic)
    slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene, True)
    views = {name: SliceView(name, applicationLogic, scene) for name in VIEW_NAMES}
    manager = LayoutManager(views, applicationLogic.GetSliceLogics())
    if not hasattr(slicer, "app"):
        slicer.app = Application("", manager, applicationLogic)
    return World(scene, applicationLogic, colorLogic, logics, views, manager)


def savePicture(picture: np.ndarray, path: Path) -> None:
    """Write a picture as PNG."""
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path, optimize=True)
