"""What the panel says while it works: progress, messages, and why a button is disabled."""

from __future__ import annotations

import time
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from BrainAgeSlicer import card

PERCENT = 100
STATUS_MILLISECONDS = 5000  # that the end of a run stays in the status bar


def isDark(widget: Any) -> bool:
    """Return whether a widget is drawn light on dark."""
    palette = widget.palette
    return bool(palette.color(qt.QPalette.Window).lightness() < 128)


class ProgressView:
    """Stage, progress bar, elapsed time and log of a run."""

    def __init__(self, ui: Any) -> None:
        self._ui = ui
        self._started = 0.0
        self._stage = self._which = ""
        self._timer = qt.QTimer()
        self._timer.setInterval(500)
        self._timer.connect("timeout()", self._showElapsed)
        ui.progressFrame.hide()

    def begin(self) -> None:
        """Show an empty progress bar and start the clock."""
        self._started = time.monotonic()
        self._stage = self._which = ""
        self._ui.logText.clear()
        self._ui.stageLabel.text = _("Starting")
        self._ui.progressBar.setValue(0)
        self._ui.progressFrame.show()
        self._showElapsed()
        self._timer.start()

    def end(self, how: str) -> None:
        """Stop the clock and say in the status bar how it ended; the log stays."""
        self._timer.stop()
        self._ui.progressFrame.hide()
        slicer.util.showStatusMessage(_("Brain age: {how}").format(how=how), STATUS_MILLISECONDS)

    def setItem(self, which: str) -> None:
        """Show which of several scans is at work."""
        self._stage, self._which = "", which
        self._ui.stageLabel.text = which
        self._ui.progressBar.setValue(0)

    def setStage(self, name: str, fraction: float) -> None:
        """Show how far the run is; a new stage goes into the log too."""
        words = stageWords(name)
        if name != self._stage:
            self._stage = name
            self.addLog(f"{self._elapsed()}  {words}")
        which = self._which
        percent = round(PERCENT * fraction)
        self._ui.stageLabel.text = f"{which}: {words}" if which else words
        self._ui.progressBar.setValue(percent)
        # Seen in other modules too, where people go while they wait.
        slicer.util.showStatusMessage(
            _("Brain age: {what}, {n} %").format(what=self._ui.stageLabel.text, n=percent)
        )

    def setCancelling(self) -> None:
        """Show that the end is being waited for."""
        self._ui.stageLabel.text = _("Cancelling")

    def addLog(self, line: str) -> None:
        """Add a line to the log."""
        self._ui.logText.appendPlainText(line)

    def _showElapsed(self) -> None:
        self._ui.elapsedLabel.text = self._elapsed()

    def _elapsed(self) -> str:
        seconds = int(time.monotonic() - self._started)
        return f"{seconds // 60}:{seconds % 60:02d}"


def stageWords(name: str) -> str:
    """Return a stage as the user reads it; one that is not known here as the worker says it."""
    words = {
        "read": _("Reading the scan"),
        "brain_extraction": _("Extracting the brain"),
        "registration": _("Registering to the template"),
        "prediction": _("Predicting the age"),
        "saliency": _("Mapping what the age rests on"),
        "write": _("Writing the results"),
    }
    return words.get(name, name.replace("_", " "))


class MessageView:
    """Errors and notices: a sentence with a sign, in the panel and not in a dialog."""

    def __init__(self, label: Any) -> None:
        self._label = label
        self.clear()

    def clear(self) -> None:
        """Say nothing."""
        self._label.text = ""
        self._label.hide()

    def show(self, severity: str, message: str, hint: str = "") -> None:
        """Say something; severity as in the quality findings."""
        text = card.signed(severity, card.sentence(message), isDark(self._label))
        if hint:
            text += f"<br>{card.readable(card.sentence(hint))}"
        self._label.text = text
        self._label.show()


class ReasonView:
    """Why the button above is disabled: in its tool tip, and below it for those who wonder."""

    def __init__(self, button: Any, label: Any) -> None:
        self._button, self._label = button, label

    def show(self, reason: str, otherwise: str) -> None:
        """Disable the button for a reason, or enable it with the tool tip ``otherwise``."""
        self._button.setEnabled(not reason)
        self._button.toolTip = card.tip(reason or otherwise)
        self._label.text = card.breakable(reason)
        self._label.setVisible(bool(reason))
