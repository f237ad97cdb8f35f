"""Combo boxes whose entries are only known at run time: a name for the program, a label to read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import qt


class Choice:
    """One combo box. ``onChosen(name)`` is called when the user picks another entry."""

    def __init__(self, comboBox: Any, onChosen: Callable[[str], None]) -> None:
        self._comboBox = comboBox
        self._onChosen = onChosen
        self._names: list[str] = []
        comboBox.connect("currentIndexChanged(int)", self._onIndexChanged)

    def setEntries(self, entries: Sequence[tuple[str, str]]) -> None:
        """Offer (name, label) entries; what was chosen stays chosen when it is among them."""
        chosen = self.name()
        with _quiet(self._comboBox):
            self._comboBox.clear()
            self._names = [name for name, _label in entries]
            for _name, label in entries:
                self._comboBox.addItem(label)
        self.setName(chosen)

    def name(self) -> str:
        """Return the name of the chosen entry."""
        index = self._comboBox.currentIndex
        return self._names[index] if 0 <= index < len(self._names) else ""

    def setName(self, name: str) -> None:
        """Choose an entry without calling back; a name that is not offered is added."""
        with _quiet(self._comboBox):
            if name and name not in self._names:
                self._names.append(name)
                self._comboBox.addItem(name)
            if self._names:
                self._comboBox.setCurrentIndex(self._names.index(name) if name else 0)

    def _onIndexChanged(self, _index: int) -> None:
        self._onChosen(self.name())


class _quiet:
    """Keeps a widget's signals in."""

    def __init__(self, widget: qt.QWidget) -> None:
        self._widget = widget

    def __enter__(self) -> None:
        self._before = self._widget.blockSignals(True)

    def __exit__(self, *_details: Any) -> None:
        self._widget.blockSignals(self._before)
