"""Model, device, site calibration and sequence: choices that no widget connects by itself.

Where the model can run is found without torch: it never enters Slicer's own process.
"""

from __future__ import annotations

import platform
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ctk
import qt
import slicer
from slicer.i18n import tr as _

from BrainAgeLib.model.card import Card
from BrainAgeSlicer.parameters import BrainAgeParameterNode

DEVICE = "BrainAge/device"  # of the user's settings
AUTOMATIC = "auto"
QUERY = ["--query-gpu=index,name", "--format=csv,noheader"]


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
        with _Quiet(self._comboBox):
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
        with _Quiet(self._comboBox):
            if name and name not in self._names:
                self._names.append(name)
                self._comboBox.addItem(name)
            if self._names:
                self._comboBox.setCurrentIndex(self._names.index(name) if name else 0)

    def _onIndexChanged(self, _index: int) -> None:
        self._onChosen(self.name())


class _Quiet:
    """Keeps a widget's signals in."""

    def __init__(self, widget: qt.QWidget) -> None:
        self._widget = widget

    def __enter__(self) -> None:
        self._before = self._widget.blockSignals(True)

    def __exit__(self, *_details: Any) -> None:
        self._widget.blockSignals(self._before)


class AdvancedChoices:
    """Model, device, site calibration, sequence: what Slicer's parameter wrapper cannot connect."""

    def __init__(self, ui: Any) -> None:
        self._ui = ui
        self._parameters: BrainAgeParameterNode | None = None
        self._model = Choice(ui.modelComboBox, lambda name: self._choose("model", name))
        self._device = Choice(ui.deviceComboBox, self._chooseDevice)
        self._sequence = Choice(ui.sequenceComboBox, lambda name: self._choose("sequence", name))
        self._sequence.setEntries(sequences())
        ui.siteCalibrationPath.filters = ctk.ctkPathLineEdit.Files
        ui.siteCalibrationPath.nameFilters = ["*.json"]
        ui.siteCalibrationPath.connect(
            "currentPathChanged(QString)", lambda path: self._choose("siteCalibration", path)
        )
        self._offered: set[str] = set()
        self._cards = GraphicsCards(self._offerDevices)
        self._offerDevices([])
        self._cards.find()

    def offer(self, models: Mapping[str, Card | None]) -> None:
        """Offer the bundled models."""
        entries = [("", _("Default"))]
        for name, card in models.items():
            label = name
            if card is not None:
                low, high = card.age_range_years
                label = _("{name} (ages {low:.0f} to {high:.0f})").format(
                    name=name, low=low, high=high
                )
            entries.append((name, label))
        self._model.setEntries(entries)

    def show(self, parameters: BrainAgeParameterNode) -> None:
        """Show the scene's choices, and write new ones there."""
        self._parameters = None
        self._model.setName(parameters.model)
        self._takeRememberedDevice(parameters)
        self._device.setName(parameters.device)
        self._sequence.setName(parameters.sequence)
        self._ui.siteCalibrationPath.currentPath = parameters.siteCalibration
        self._parameters = parameters

    def refresh(self) -> None:
        """Show the sequence: another scan brings its own."""
        if self._parameters is not None:
            self._sequence.setName(self._parameters.sequence)

    def stop(self) -> None:
        """Stop looking for graphics cards."""
        self._cards.stop()
        self._parameters = None

    def _offerDevices(self, cards: Sequence[Device]) -> None:
        offered = [(each.name, each.label) for each in [*alwaysThere(), *cards]]
        self._offered = {name for name, _label in offered}
        self._device.setEntries(offered)
        if self._parameters is not None:
            self._takeRememberedDevice(self._parameters)
            self._device.setName(self._parameters.device)

    def _chooseDevice(self, name: str) -> None:
        if self._parameters is not None:
            slicer.app.userSettings().setValue(DEVICE, name)
        self._choose("device", name)

    def _takeRememberedDevice(self, parameters: BrainAgeParameterNode) -> None:
        """Take what was chosen last on this machine, where it is still there and none is chosen."""
        remembered = str(slicer.app.userSettings().value(DEVICE) or "")
        if parameters.device == AUTOMATIC and remembered in self._offered:
            parameters.device = remembered

    def _choose(self, name: str, value: str) -> None:
        if self._parameters is not None and getattr(self._parameters, name) != value:
            setattr(self._parameters, name, value)


def sequences() -> list[tuple[str, str]]:
    """Return what a scan may be said to be, as the worker and as the user call it.

    Whether a T1 was made after contrast agent, the picture tells in any case.
    """
    return [
        ("", _("As the picture shows")),
        ("T1w", _("T1, also after contrast agent")),
        ("T2w", _("T2-weighted")),
        ("FLAIR", _("FLAIR")),
    ]


@dataclass(frozen=True)
class Device:
    """``name`` is what the worker is told, ``label`` what the user reads."""

    name: str
    label: str


def alwaysThere() -> list[Device]:
    """Return the devices that need no asking."""
    devices = [Device("auto", _("Automatic")), Device("cpu", _("CPU"))]
    if platform.system() == "Darwin" and platform.machine() == "arm64":
        devices.append(Device("mps", _("GPU (Apple, untested)")))
    return devices


class GraphicsCards:
    """Asks the driver for its cards, in the background: it can take a second."""

    def __init__(self, onFound: Callable[[list[Device]], None]) -> None:
        self._onFound = onFound
        self._process = qt.QProcess()

    def find(self) -> None:
        """Call back with the cards, if there are any."""
        program = shutil.which("nvidia-smi")
        if program is None:
            return
        self._process.connect("finished(int,QProcess::ExitStatus)", self._onFinished)
        self._process.start(program, QUERY)

    def stop(self) -> None:
        """Stop asking."""
        self._onFound = lambda _devices: None
        self._process.kill()
        self._process.waitForFinished(1000)

    def _onFinished(self, exitCode: int, _exitStatus: object) -> None:
        if exitCode == 0:
            text = bytes(self._process.readAllStandardOutput().data()).decode(errors="replace")
            self._onFound(devicesFrom(text))


def devicesFrom(text: str) -> list[Device]:
    """Return the devices in the driver's answer: lines of ``index, name``."""
    rows = [line.split(",", 1) for line in text.splitlines() if "," in line]
    return [
        Device(
            f"cuda:{int(index)}", _("GPU {index}: {name}").format(index=index, name=name.strip())
        )
        for index, name in rows
        if index.strip().isdigit()
    ]
