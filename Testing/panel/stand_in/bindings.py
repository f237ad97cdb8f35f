"""PySide6 under the name ``qt``, speaking as PythonQt does: properties are attributes, and
``sender.connect("signal(args)", callable)``."""

from __future__ import annotations

import sys
import types
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets

MODULES = (QtCore, QtGui, QtWidgets)
# Qt reads these by virtual functions, for which PySide looks among the class attributes.
VIRTUAL = ("sizeHint", "minimumSizeHint")


class QtProperty:
    """A Qt property as PythonQt shows it: read and written as an attribute."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, owner: Any, _kind: Any = None) -> Any:
        return self if owner is None else QtCore.QObject.property(owner, self._name)

    def __set__(self, owner: Any, value: Any) -> None:
        if not QtCore.QObject.setProperty(owner, self._name, value):
            raise TypeError(f"{type(owner).__name__}.{self._name} does not take {value!r}")


def showProperties(kind: type) -> None:
    """Make the properties that a class adds readable as attributes."""
    meta = kind.staticMetaObject  # type: ignore[attr-defined]
    for index in range(meta.propertyOffset(), meta.propertyCount()):
        name = meta.property(index).name()
        if name not in VIRTUAL:
            setattr(kind, name, QtProperty(name))


def _signature(sender: Any, signal: str) -> str:
    text = bytes(QtCore.QMetaObject.normalizedSignature(signal).data()).decode()
    if QtCore.QObject.metaObject(sender).indexOfSignal(text) < 0:
        raise AttributeError(f"{type(sender).__name__} has no signal {signal}")
    return "2" + text


def _connector(sender: Any, original: Any) -> Any:
    def connect(signal: Any, receiver: Any, *rest: Any) -> bool:
        if not isinstance(signal, str):
            return original(signal, receiver, *rest)
        return _connect(sender, _signature(sender, signal), receiver)

    return connect


def _disconnector(sender: Any, original: Any) -> Any:
    def disconnect(signal: Any = None, receiver: Any = None, *rest: Any) -> bool:
        if not isinstance(signal, str):
            return original(signal, receiver, *rest)
        return _disconnect(sender, _signature(sender, signal), receiver)

    return disconnect


_connect, _disconnect = QtCore.QObject.connect, QtCore.QObject.disconnect


def hookConnect(kind: type) -> None:
    """PySide resolves ``connect`` by itself, past the class attributes; so step in there."""
    original = kind.__getattribute__

    def getattribute(self: Any, name: str) -> Any:
        value = original(self, name)
        if name == "connect":
            return _connector(self, value)
        if name == "disconnect":
            return _disconnector(self, value)
        return value

    kind.__getattribute__ = getattribute  # type: ignore[method-assign]


def makeQt(uiLoader: type) -> types.ModuleType:
    """Put a module ``qt`` in place; ``uiLoader`` stands for qt.QUiLoader."""
    if "qt" in sys.modules:
        return sys.modules["qt"]
    qt = types.ModuleType("qt")
    for module in MODULES:
        for name in dir(module):
            if name.startswith("Q"):
                value = getattr(module, name)
                setattr(qt, name, value)
                if isinstance(value, type) and issubclass(value, QtCore.QObject):
                    showProperties(value)
    QtCore.QObject.name = QtProperty("objectName")
    for kind in (QtCore.QObject, QtCore.QProcess):  # these have a way of their own
        hookConnect(kind)
    qt.QUiLoader = uiLoader
    qt.Signal = QtCore.Signal
    sys.modules["qt"] = qt
    return qt
