"""The age and sex of the person in a scan: what DICOM says, or what the user typed for this scan.

What is typed belongs to the scan, not to the panel: the age of one patient must never be taken for
the next one.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from BrainAgeSlicer import dicomfiles, volumes

if TYPE_CHECKING:
    from BrainAgeSlicer.parameters import BrainAgeParameterNode

from BrainAgeLib.records import OLDEST_AGE_YEARS
from BrainAgeLib.scan.dicom_person import age_years_of, sex_of

AGE = "BrainAge.AgeYears"
SEX = "BrainAge.Sex"
TAGS = ("0010,1010", "0010,0030", "0008,0020", "0010,0040")  # age, birth and study date, sex


class Sex(enum.Enum):
    """The sex that DICOM and the library know, or nothing."""

    NOT_KNOWN = ""
    FEMALE = "F"
    MALE = "M"

    def label(self) -> str:
        """Return what the panel shows."""
        return {"": _("not known"), "F": _("female"), "M": _("male")}[self.value]


@dataclass(frozen=True)
class Subject:
    """``ageYears`` and ``sex`` ("F" or "M") or None; ``fromDicom``: whether the header said so."""

    ageYears: float | None = None
    sex: str | None = None
    fromDicom: bool = False


def isAge(years: float) -> bool:
    """Return whether a number can be a person's age."""
    return math.isfinite(years) and 0 < years <= OLDEST_AGE_YEARS


def ageFromText(text: str) -> float | None:
    """Return the age that a person typed, or None for nothing.

    Raises ValueError when it is no age in years.
    """
    text = text.strip().replace(",", ".")
    if not text:
        return None
    age = float(text)
    if not isAge(age):
        raise ValueError(text)
    return age


def textFromAge(ageYears: float | None) -> str:
    """Return an age as a person would type it."""
    return "" if ageYears is None else f"{ageYears:.1f}".removesuffix(".0")


def subjectOf(volumeNode: Any) -> Subject:
    """Return what is known of the person in a scan; what was typed wins."""
    fromHeader = _fromDicom(volumeNode)
    age, sex = volumeNode.GetAttribute(AGE), volumeNode.GetAttribute(SEX)
    if age is None and sex is None:
        return fromHeader
    try:
        ageYears = fromHeader.ageYears if age is None else ageFromText(age)
    except ValueError:
        ageYears = None
    return Subject(ageYears, fromHeader.sex if sex is None else sex or None)


def rememberSubject(volumeNode: Any, ageYears: float | None, sex: str | None) -> None:
    """Keep with a scan what differs from its header."""
    known = subjectOf(volumeNode)
    if textFromAge(known.ageYears) != textFromAge(ageYears):
        volumeNode.SetAttribute(AGE, textFromAge(ageYears))
    if known.sex != sex:
        volumeNode.SetAttribute(SEX, sex or "")


def _fromDicom(volumeNode: Any) -> Subject:
    database, uids = dicomfiles.database(), dicomfiles.instanceUIDs(volumeNode)
    if not database or not uids:
        return Subject()
    age, born, studied, sex = ((database.instanceValue(uids[0], tag) or "").strip() for tag in TAGS)
    ageYears, known = age_years_of(age, born, studied), sex_of(sex)
    return Subject(ageYears, known, ageYears is not None or known is not None)


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
            self._fillIn(parameters, subjectOf(node) if node else Subject())
        elif not volumes.whyNotUsable(node):
            try:
                age = ageFromText(parameters.ageText)
            except ValueError:
                return
            rememberSubject(node, age, parameters.sex.value or None)
            self._ui.subjectLabel.setVisible(subjectOf(node).fromDicom)

    def _fillIn(self, parameters: BrainAgeParameterNode, known: Subject) -> None:
        self.isFollowing = True
        parameters.ageText = textFromAge(known.ageYears)
        parameters.sex = Sex(known.sex or "")
        self._ui.subjectLabel.setVisible(known.fromDicom)
        self.isFollowing = False
