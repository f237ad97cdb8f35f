"""The age and sex of the person in a scan: what DICOM says, or what the user typed for this scan.

What is typed belongs to the scan, not to the panel: the age of one patient must never be taken for
the next one. Where nothing is typed the header counts, as on the command line.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from BrainAgeLib.records import OLDEST_AGE_YEARS
from BrainAgeLib.scan.dicom_person import (
    MOST_DIFFERENCE_YEARS,
    age_not_read,
    age_years_of,
    sex_of,
    two_ages,
)
from BrainAgeSlicer import dicomfiles, volumes

if TYPE_CHECKING:
    from BrainAgeSlicer.parameters import BrainAgeParameterNode

AGE = "BrainAge.AgeYears"
SEX = "BrainAge.Sex"
ROUNDED_YEARS = 1e-3  # a record keeps an age to the hour, a header's dates give it on and on
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


def isSameAge(one: float, other: float | None) -> bool:
    """Return whether two ages differ by no more than a record rounds them."""
    return other is not None and abs(one - other) <= ROUNDED_YEARS


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
    """Return an age as a person would type it; a baby's by two digits, since 0 is none."""
    if ageYears is None:
        return ""
    return f"{ageYears:.1f}".removesuffix(".0") if ageYears >= 1 else f"{ageYears:.2g}"


def subjectOf(volumeNode: Any) -> Subject:
    """Return what is known of the person in a scan; what was typed wins."""
    typed, header = typedFor(volumeNode), ofHeader(volumeNode)
    if typed == Subject():
        return header
    ageYears = header.ageYears if typed.ageYears is None else typed.ageYears
    return Subject(ageYears, typed.sex or header.sex)


def typedFor(volumeNode: Any) -> Subject:
    """Return what was typed for a scan, and nothing of its header."""
    try:
        ageYears = ageFromText(volumeNode.GetAttribute(AGE) or "")
    except ValueError:  # of a scene that somebody edited
        ageYears = None
    return Subject(ageYears, volumeNode.GetAttribute(SEX) or None)


def rememberSubject(volumeNode: Any, ageYears: float | None, sex: str | None) -> None:
    """Keep with a scan what differs from what is known of it; nothing typed is the header's.

    An age is kept as exactly as it was typed. What the field showed is not: a header's age is
    rounded there.
    """
    known = subjectOf(volumeNode)
    if ageYears not in (known.ageYears, ageFromText(shownAge(volumeNode))):
        _keep(volumeNode, AGE, "" if ageYears is None else repr(ageYears))
    if known.sex != sex:
        _keep(volumeNode, SEX, sex or "")


def shownAge(volumeNode: Any) -> str:
    """Return what the panel's field shows of a scan: what was typed, or the header's age."""
    typed = typedFor(volumeNode).ageYears
    if typed is None:
        return textFromAge(ofHeader(volumeNode).ageYears)
    return repr(typed).removesuffix(".0")


def _keep(volumeNode: Any, name: str, text: str) -> None:
    if text:
        volumeNode.SetAttribute(name, text)
    else:
        volumeNode.RemoveAttribute(name)


def ofHeader(volumeNode: Any) -> Subject:
    """Return what the DICOM header of a scan says, as Slicer's database has it."""
    age, born, studied, sex = _headerTexts(volumeNode)
    ageYears, known = age_years_of(age, born, studied), sex_of(sex)
    return Subject(ageYears, known, ageYears is not None or known is not None)


def doubtAbout(volumeNode: Any, given: float | None) -> str:
    """Return why the age that a scan was predicted with is doubtful, or an empty string.

    For an image that goes to the worker alone, which cannot compare ages with those of a header.
    """
    header = ofHeader(volumeNode).ageYears
    if given is None:
        age, born, studied, _sex = _headerTexts(volumeNode)
        finding = two_ages(age, born, studied) or age_not_read(age, bool(age))
        return finding.message if finding else ""
    if header is None or abs(given - header) <= MOST_DIFFERENCE_YEARS:
        return ""
    return _("The age that was given, {given}, is not that of the DICOM header, {header}.").format(
        given=textFromAge(given), header=textFromAge(header)
    )


def _headerTexts(volumeNode: Any) -> list[str]:
    database, uids = dicomfiles.database(), dicomfiles.instanceUIDs(volumeNode)
    if not database or not uids:
        return [""] * len(TAGS)
    return [(database.instanceValue(uids[0], tag) or "").strip() for tag in TAGS]


class SubjectFields:
    """Age and sex belong to the scan: another scan brings its own.

    While ``isFollowing``, the parameters are being filled in and must not be taken for typed ones.
    """

    def __init__(self, ui: Any) -> None:
        self._ui = ui
        self._shownID: str | None = None
        self._sequenceOf: str | None = None  # the scan that the sequence was said of
        self.isFollowing = False

    def forget(self) -> None:
        """Fill in anew at the next call."""
        self._shownID = None

    def follow(self, parameters: BrainAgeParameterNode) -> None:
        """Fill in what is known of a newly selected scan, or keep what was typed for this one."""
        node = parameters.inputVolume
        nodeID = node.GetID() if node is not None else None
        if nodeID is not None:
            self._dropSequence(parameters, nodeID)
        if nodeID != self._shownID or node is None:
            self._shownID = nodeID
            self._fillIn(parameters, node)
            self._showSource(node)
        elif not volumes.whyNotUsable(node):
            try:
                age = ageFromText(parameters.ageText)
            except ValueError:
                return
            rememberSubject(node, age, parameters.sex.value or None)
            self._showSource(node)

    def _dropSequence(self, parameters: BrainAgeParameterNode, nodeID: str) -> None:
        """Let the picture of another scan tell its sequence: what is said settles what is doubtful.

        So a proton density scan would have the age of the FLAIR scan that was selected before.
        """
        if self._sequenceOf not in (None, nodeID):
            self.isFollowing = True
            parameters.sequence = ""
            self.isFollowing = False
        self._sequenceOf = nodeID

    def _fillIn(self, parameters: BrainAgeParameterNode, node: Any) -> None:
        self.isFollowing = True
        parameters.ageText = shownAge(node) if node is not None else ""
        parameters.sex = Sex((subjectOf(node).sex if node is not None else None) or "")
        self.isFollowing = False

    def _showSource(self, node: Any) -> None:
        """Say what comes from the header, and in an empty field what the header has."""
        self._ui.subjectLabel.setVisible(node is not None and subjectOf(node).fromDicom)
        years = textFromAge(ofHeader(node).ageYears) if node is not None else ""
        said = _("{years} by the DICOM header").format(years=years) if years else _("not known")
        self._ui.ageEdit.placeholderText = said
