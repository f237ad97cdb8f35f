"""Fakes of Slicer's, CTK's and Qt's classes, held to the names that the real ones have.

``@stands_for("ctkDICOMDatabase")`` refuses a class with a name more, when it is made and later. The
real names come from real_names.ini, which makers/read_real_names.py wrote, or from slicer-core and
PySide6.
"""

from __future__ import annotations

import ast
import configparser
import inspect
import textwrap
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

Fake = TypeVar("Fake", type, Callable[..., Any])


def _read() -> configparser.ConfigParser:
    listed = configparser.ConfigParser(interpolation=None)
    listed.read_string(Path(__file__).with_name("real_names.ini").read_text("utf-8"))
    return listed


LISTED = _read()
VERSIONS = dict(LISTED["versions"])


def stands_for(*names: str) -> Callable[[Fake], Fake]:
    """Hold a class, or a function of a module, to the names of the real ones.

    ``names``: a class, or "module NAME" for those that a function may be from. Raises NameError
    when the fake has what the real one lacks: a member, a signal with these arguments, a parameter.
    """

    def hold(fake: Fake) -> Fake:
        wrong = complaints(fake, *names)
        if wrong:
            raise NameError("; ".join(wrong))
        if isinstance(fake, type):
            _refuseLaterNames(fake, realNames(*names))
        return fake

    return hold


def complaints(fake: Any, *names: str) -> list[str]:
    """Return what a fake has that the real class or module lacks."""
    real = realNames(*names)
    called = " or ".join(names)
    if not isinstance(fake, type):
        wrong = _strangeParameters(fake, real, fake.__name__)
        return wrong if fake.__name__ in real else [f"{called} has no {fake.__name__}"]
    members = {each for each in dir(fake) if not each.startswith("_")} - set(dir(object))
    members |= _stored(fake)
    found = [f"{called} has no {each}" for each in sorted(members - set(real))]
    for each in sorted(members & set(vars(fake)) | {"__init__"} & set(vars(fake))):
        if inspect.isfunction(vars(fake)[each]):
            found += _strangeParameters(vars(fake)[each], real, each)
    return found + [f"{called} has no signal {each}" for each in _strangeSignals(fake, *names)]


def realNames(*names: str) -> dict[str, list[str] | None]:
    """Return the public names of classes and modules; of Python's functions with their parameters.

    Raises NameError when nothing is known of one.
    """
    found: dict[str, list[str] | None] = {}
    for name in names:
        if name in LISTED:
            for entry in LISTED[name].get("names", "").split():
                member, _bracket, parameters = entry.partition("(")
                found[member] = parameters.rstrip(")").split(",") if _bracket else None
            for base in LISTED[name].get("bases", "").split():
                # A base that is not listed gives nothing, which makes the fake stricter still.
                found |= realNames(base) if base in LISTED or _realClass(base) else {}
        elif _realClass(name) is not None:
            found |= dict.fromkeys(_namesOf(_realClass(name)))
        else:
            raise NameError(f"nothing is known of {name}: see makers/read_real_names.py")
    return found


def _realClass(name: str) -> type | None:
    """Return a class of Qt, MRML, VTK or Python, from the packages that the tests run on."""
    places: list[Any] = [unittest]
    if name.startswith("vtk"):
        import slicer
        import vtk

        places = [slicer, vtk]
    elif name.startswith("Q"):
        from PySide6 import QtCore, QtGui, QtUiTools, QtWidgets

        places = [QtCore, QtGui, QtWidgets, QtUiTools]
    return next((getattr(place, name) for place in places if hasattr(place, name)), None)


def _namesOf(kind: Any) -> set[str]:
    names = set(dir(kind))
    if hasattr(kind, "staticMetaObject"):
        meta = kind.staticMetaObject
        names |= {meta.property(index).name() for index in range(meta.propertyCount())}
    return names


def _stored(kind: type) -> set[str]:
    """Return the public names that the methods of a class write to ``self``."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(kind)))
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and ast.unparse(node.value) == "self"
        and not node.attr.startswith("_")
    }


def _refuseLaterNames(kind: type, real: dict[str, Any]) -> None:
    def setAttribute(self: Any, name: str, value: Any) -> None:
        # Classes that derive from the fake are the project's own and may have what they like.
        if type(self) is kind and not name.startswith("_") and name not in real:
            raise NameError(f"what {kind.__name__} stands for has no {name}")
        super(kind, self).__setattr__(name, value)

    kind.__setattr__ = setAttribute  # type: ignore[method-assign,assignment]


def _strangeParameters(function: Any, real: dict[str, list[str] | None], name: str) -> list[str]:
    known = real.get(name)
    if known is None:
        return []
    found = []
    for each in list(inspect.signature(function).parameters.values()):
        if each.name in ("self", "cls") or each.name.startswith("_"):
            continue
        if each.kind is each.VAR_KEYWORD or each.name not in known:
            found.append(f"{name} has no parameter {each.name}")
    return found


def _strangeSignals(fake: Any, *names: str) -> list[str]:
    """Return the signals of a Qt class that the real one does not send like this."""
    if not hasattr(fake, "staticMetaObject"):
        return []
    meta = fake.staticMetaObject
    sent = [meta.method(n) for n in range(meta.methodOffset(), meta.methodCount())]
    signatures = [
        bytes(each.methodSignature().data()).decode()
        for each in sent
        if each.methodType() == each.MethodType.Signal
    ]
    real = {each for name in names for each in _signalsOf(name)}
    # A node or a scene can only be sent as any Python object here.
    pointers = {each.split("(")[0] + "(PyObject)" for each in real if each.endswith("*)")}
    return [each for each in signatures if each not in real | pointers]


def _signalsOf(name: str) -> list[str]:
    if name not in LISTED:
        return []
    inherited = [s for base in LISTED[name].get("bases", "").split() for s in _signalsOf(base)]
    return LISTED[name].get("signals", "").split() + inherited
