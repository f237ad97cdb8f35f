"""The panel's button and choice that write results into Slicer's DICOM database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from BrainAgeLib.errors import BrainAgeError
from BrainAgeSlicer import archive, installation
from BrainAgeSlicer.results import Result
from BrainAgeSlicer.views import MessageView

ALWAYS = "BrainAge/alwaysToDicom"  # of the user's settings


class ArchiveControls:
    """Files the result that is shown, on request, or every one that comes, where that was chosen.

    ``ensureDependencies`` raises BrainAgeError when the packages for it cannot be had.
    """

    def __init__(
        self, ui: Any, message: MessageView, ensureDependencies: Callable[[Path], None]
    ) -> None:
        self._ui = ui
        self._message = message
        self._ensureDependencies = ensureDependencies
        self._result: Result | None = None
        self._tip = ui.archiveButton.toolTip
        ui.archiveLabel.text = archive.noticeText()
        ui.archiveAlwaysCheckBox.setChecked(_isAlways())
        ui.archiveButton.connect("clicked(bool)", lambda _checked: self._onButton())
        ui.archiveAlwaysCheckBox.connect("toggled(bool)", self._onAlways)

    def show(self, result: Result | None) -> None:
        """Take the result that is shown; a tool tip says why it cannot be filed."""
        self._result = result
        why = archive.whyNotFiled(result)
        self._ui.archiveButton.setEnabled(not why)
        self._ui.archiveButton.toolTip = why or self._tip

    def onResult(self, result: Result) -> None:
        """File a result that has just come, if that was chosen and it can be."""
        if self._ui.archiveAlwaysCheckBox.checked and not archive.whyNotFiled(result):
            self._file(result)

    def _onButton(self) -> None:
        if self._result is None:
            return
        if archive.isKept(self._result) or self._havePackages():
            self._file(self._result)

    def _onAlways(self, isWanted: bool) -> None:
        if isWanted and not self._havePackages():
            self._ui.archiveAlwaysCheckBox.setChecked(False)
            return
        slicer.app.userSettings().setValue(ALWAYS, "yes" if isWanted else "")

    def _havePackages(self) -> bool:
        try:
            self._ensureDependencies(installation.dicomRequirementsFile())
        except BrainAgeError as error:
            self._message.show("refuse", error.message, error.hint)
            return False
        return True

    def _file(self, result: Result) -> None:
        try:
            archive.fileAway(result)
        except BrainAgeError as error:
            self._message.show("warn", error.message, error.hint)
        else:
            self._message.show(
                "pass", _("Written into Slicer's DICOM database, beside the scan's study.")
            )


def _isAlways() -> bool:
    return bool(slicer.app.userSettings().value(ALWAYS))
