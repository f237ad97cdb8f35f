"""The fields for age and sex: they show the person of the selected scan, and take what is typed."""

from __future__ import annotations

from typing import Any

from BrainAgeSlicer import subject, volumes
from BrainAgeSlicer.parameters import BrainAgeParameterNode, Sex


class SubjectFields:
    """Age and sex belong to the scan: another scan brings its own.

    While ``isFollowing``, the parameters are being filled in and must not be taken for typed ones.
    """

    def __init__(self, ui: Any) -> None:
        self._ui = ui
        self._shownID: str | None = None
        self.isFollowing = False

    def forget(self) -> None:
        """Fill in anew at the next call."""
        self._shownID = None

    def follow(self, parameters: BrainAgeParameterNode) -> None:
        """Fill in what is known of a newly selected scan, or keep what was typed for this one."""
        node = parameters.inputVolume
        nodeID = node.GetID() if node is not None else None
        if nodeID != self._shownID or node is None:
            self._shownID = nodeID
            self._fillIn(parameters, subject.subjectOf(node) if node else subject.Subject())
        elif not volumes.whyNotUsable(node):
            try:
                age = subject.ageFromText(parameters.ageText)
            except ValueError:
                return
            subject.rememberSubject(node, age, parameters.sex.value or None)
            self._ui.subjectLabel.setVisible(subject.subjectOf(node).fromDicom)

    def _fillIn(self, parameters: BrainAgeParameterNode, known: subject.Subject) -> None:
        self.isFollowing = True
        parameters.ageText = subject.textFromAge(known.ageYears)
        parameters.sex = Sex(known.sex or "")
        self._ui.subjectLabel.setVisible(known.fromDicom)
        self.isFollowing = False
