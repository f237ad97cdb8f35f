"""The ctk widgets of the panel."""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore, QtWidgets

from real_names import stands_for

SLIDER_STEPS = 1000


@stands_for("ctkCollapsibleButton")
class ctkCollapsibleButton(QtWidgets.QWidget):
    """A headline that folds what is below it away."""

    contentsCollapsed = QtCore.Signal(bool)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._text, self._collapsed, self._hasMargins = "", False, False
        self._button = QtWidgets.QToolButton(self)
        self._button.setSizePolicy(
            QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Fixed
        )
        self._button.setToolButtonStyle(QtCore.Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._button.clicked.connect(lambda: self._set(not self._collapsed))
        self._set(False)

    def _getText(self) -> str:
        return self._text

    def _setText(self, text: str) -> None:
        self._text = text
        self._button.setText(text)

    text = QtCore.Property(str, _getText, _setText)

    def _getCollapsed(self) -> bool:
        return self._collapsed

    def _set(self, collapsed: bool) -> None:
        self._collapsed = collapsed
        arrow = QtCore.Qt.ArrowType
        self._button.setArrowType(arrow.RightArrow if collapsed else arrow.DownArrow)
        self._showChildren()
        self.contentsCollapsed.emit(collapsed)

    collapsed = QtCore.Property(bool, _getCollapsed, _set)

    def _showChildren(self) -> None:
        if QtWidgets.QWidget.layout(self) is None:
            return
        for child in QtCore.QObject.children(self):
            if isinstance(child, QtWidgets.QWidget) and child is not self._button:
                hidden = child.property("hiddenByUser")
                if self._collapsed:
                    child.setProperty("hiddenByUser", child.isHidden())
                    child.hide()
                elif hidden is False:
                    child.show()
        self.updateGeometry()

    def sizeHint(self) -> QtCore.QSize:
        hint = QtWidgets.QWidget.sizeHint(self)
        if self._collapsed:
            return QtCore.QSize(hint.width(), self._button.sizeHint().height())
        return hint

    def resizeEvent(self, event: Any) -> None:
        height = self._button.sizeHint().height()
        self._button.setGeometry(0, 0, event.size().width(), height)

    def showEvent(self, _event: Any) -> None:
        layout = QtWidgets.QWidget.layout(self)
        if layout is not None and not self._hasMargins:
            self._hasMargins = True
            height = self._button.sizeHint().height()
            layout.setContentsMargins(8, height + 6, 8, 6)
        self._showChildren()


@stands_for("ctkSliderWidget")
class ctkSliderWidget(QtWidgets.QWidget):
    """A slider with a spin box."""

    valueChanged = QtCore.Signal(float)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._slider = QtWidgets.QSlider(QtCore.Qt.Orientation.Horizontal)
        self._slider.setRange(0, SLIDER_STEPS)
        self._spinBox = QtWidgets.QDoubleSpinBox()
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._slider)
        layout.addWidget(self._spinBox)
        self._spinBox.valueChanged.connect(self._onChanged)
        self._slider.sliderMoved.connect(self._onMoved)

    def _onChanged(self, value: float) -> None:
        span = self._spinBox.property("maximum") - self._spinBox.property("minimum")
        part = (value - self._spinBox.property("minimum")) / span if span else 0.0
        self._slider.setValue(round(SLIDER_STEPS * part))
        self.valueChanged.emit(value)

    def _onMoved(self, position: int) -> None:
        low, high = self._spinBox.property("minimum"), self._spinBox.property("maximum")
        self._spinBox.setValue(low + (high - low) * position / SLIDER_STEPS)

    def _forward(name: str, kind: type) -> Any:
        return QtCore.Property(
            kind,
            lambda self: self._spinBox.property(name),
            lambda self, value: self._spinBox.setProperty(name, value),
        )

    value = _forward("value", float)
    minimum = _forward("minimum", float)
    maximum = _forward("maximum", float)
    singleStep = _forward("singleStep", float)
    decimals = _forward("decimals", int)
    suffix = _forward("suffix", str)


@stands_for("ctkPathLineEdit")
class ctkPathLineEdit(QtWidgets.QWidget):
    """A line for a path."""

    currentPathChanged = QtCore.Signal(str)
    Files = 0x002

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._filters, self._nameFilters = 0, []
        self._edit = QtWidgets.QLineEdit()
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._edit)
        layout.addWidget(QtWidgets.QToolButton(text="..."))
        self._edit.textChanged.connect(self.currentPathChanged)

    currentPath = QtCore.Property(
        str,
        lambda self: self._edit.property("text"),
        lambda self, value: self._edit.setText(value),
    )
    filters = QtCore.Property(
        int, lambda self: self._filters, lambda self, value: setattr(self, "_filters", value)
    )
    nameFilters = QtCore.Property(
        "QStringList",
        lambda self: self._nameFilters,
        lambda self, value: setattr(self, "_nameFilters", list(value)),
    )


class Absent:
    """A class that Slicer's own files name, and that the panel must not use."""

    def __init__(self, *_arguments: Any) -> None:
        raise NotImplementedError(f"{type(self).__name__} is not modelled")


def absent(name: str) -> type:
    """Return a class of that name that cannot be made."""
    if not name.startswith("ctk") and not name.startswith("qMRML"):
        raise AttributeError(name)
    return type(name, (Absent,), {})
