"""Typed parameters in a scripted module node, for the types and widgets that the panel uses."""

import enum
import typing
from dataclasses import dataclass

import ctk
import qt
import slicer
import vtk

from real_names import stands_for


@stands_for("WithinRange")
@dataclass
class WithinRange:
    minimum: float
    maximum: float


@stands_for("module wrapper")
def parameterNodeWrapper(classtype):
    hints = typing.get_type_hints(classtype, include_extras=True)
    parameters = {name: _Parameter(name, hint, classtype) for name, hint in hints.items()}
    classtype._parameters = parameters
    for name, parameter in parameters.items():
        setattr(classtype, name, property(parameter.read, parameter.write))
    for method in (_init, connectGui, disconnectGui, AddObserver, RemoveObserver):
        setattr(classtype, "__init__" if method is _init else method.__name__, method)
    return classtype


class _Parameter:
    def __init__(self, name, hint, owner):
        self.name = name
        self.kind = typing.get_args(hint)[0] if typing.get_origin(hint) else hint
        self.range = next(iter(typing.get_args(hint)[1:]), None)
        self.default = getattr(owner, name, None)
        self.isNode = isinstance(self.kind, type) and issubclass(self.kind, slicer.vtkMRMLNode)

    def read(self, wrapper):
        node = wrapper.parameterNode
        if self.isNode:
            return node.GetNodeReference(self.name)
        text = node.GetParameter(self.name)
        if not node.GetParameterNames() or self.name not in node.GetParameterNames():
            return self.default
        if self.kind is bool:
            return text == "True"
        return self.kind(text)

    def write(self, wrapper, value):
        node = wrapper.parameterNode
        if self.isNode:
            node.SetNodeReferenceID(self.name, value.GetID() if value else None)
            return
        if self.range and not self.range.minimum <= value <= self.range.maximum:
            raise ValueError(f"{self.name} is {value}")
        if not isinstance(value, self.kind):
            raise TypeError(f"{self.name} is a {self.kind.__name__}, not {value!r}")
        text = value.value if isinstance(value, enum.Enum) else str(value)
        node.SetParameter(self.name, text)


def _init(self, parameterNode):
    self.parameterNode = parameterNode
    self._links = []


@stands_for("a parameter node")
def AddObserver(self, event, callback, priority=0.0):
    return self.parameterNode.AddObserver(event, callback, priority)


@stands_for("a parameter node")
def RemoveObserver(self, tag):
    self.parameterNode.RemoveObserver(tag)


@stands_for("a parameter node")
def connectGui(self, ui):
    links = []
    for widget in vars(ui).values():
        name = widget.property("SlicerParameterName")
        if name:
            links.append(_link(self, self._parameters[name], widget))

    def toWidgets(*_details):
        for _parameter, write, _signal, _slot in links:
            write()

    toWidgets()
    tag = self.parameterNode.AddObserver(vtk.vtkCommand.ModifiedEvent, toWidgets)
    self._links.append((links, tag))
    return len(self._links) - 1


@stands_for("a parameter node")
def disconnectGui(self, index):
    links, tag = self._links[index]
    self.parameterNode.RemoveObserver(tag)
    for _parameter, _write, signal, slot in links:
        signal.disconnect(slot)


def _link(wrapper, parameter, widget):
    read, write, signal = _ways(parameter, widget)
    updating = []

    def toParameter(*_details):
        if not updating:
            parameter.write(wrapper, read())

    def toWidget():
        value = parameter.read(wrapper)
        if read() != value:
            updating.append(True)
            write(value)
            updating.pop()

    signal.connect(toParameter)
    return parameter, toWidget, signal, toParameter


def _ways(parameter, widget):
    """Return how to read and write a widget, and the signal of its changes."""
    if type(widget) is qt.QCheckBox:
        return lambda: widget.checked, widget.setChecked, widget.stateChanged
    if type(widget) is qt.QLineEdit:
        return lambda: widget.text, widget.setText, widget.textChanged
    if type(widget) is ctk.ctkSliderWidget:
        widget.minimum, widget.maximum = parameter.range.minimum, parameter.range.maximum
        return (
            lambda: widget.value,
            lambda value: setattr(widget, "value", value),
            (widget.valueChanged),
        )
    if type(widget) is slicer.qMRMLNodeComboBox:
        return widget.currentNode, widget.setCurrentNode, widget.currentNodeChanged
    if type(widget) is qt.QComboBox and issubclass(parameter.kind, enum.Enum):
        entries = list(parameter.kind)
        widget.clear()
        for entry in entries:
            widget.addItem(entry.label())
        return (
            lambda: entries[widget.currentIndex],
            lambda value: widget.setCurrentIndex(entries.index(value)),
            widget.currentIndexChanged,
        )
    raise RuntimeError(f"{type(widget)} cannot show {parameter.name}")
