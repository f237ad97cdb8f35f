"""What the user chose, kept in the scene and saved with it."""

from __future__ import annotations

import enum
from typing import Annotated

import slicer
from slicer.i18n import tr as _
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper


class Sex(enum.Enum):
    """The sex that DICOM and the library know, or nothing."""

    NOT_KNOWN = ""
    FEMALE = "F"
    MALE = "M"

    def label(self) -> str:
        """Return what the panel shows."""
        return {"": _("not known"), "F": _("female"), "M": _("male")}[self.value]


@parameterNodeWrapper
class BrainAgeParameterNode:
    """The choices of the panel.

    ``ageText`` is what was typed, empty for not known: 0 is an age. ``siteCalibration`` is a file's
    path. ``overlayThreshold`` hides what is below so many percent of the strongest effect.
    """

    inputVolume: slicer.vtkMRMLScalarVolumeNode
    ageText: str = ""
    sex: Sex = Sex.NOT_KNOWN
    model: str = ""
    device: str = "auto"
    brainExtracted: bool = False
    siteCalibration: str = ""
    makeSaliency: bool = True
    makeReport: bool = True
    overlayVisible: bool = False
    overlayThreshold: Annotated[float, WithinRange(0.0, 100.0)] = 15.0
    overlayOpacity: Annotated[float, WithinRange(0.0, 1.0)] = 0.6
    outlineVisible: bool = False
    templateVisible: bool = False
