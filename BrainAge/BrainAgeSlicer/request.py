"""What to predict with: the panel's choices or a script's arguments as the worker's options."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from BrainAgeLib.errors import InputError
from BrainAgeLib.options import SEQUENCES
from BrainAgeLib.records import OLDEST_AGE_YEARS
from BrainAgeSlicer import subject
from BrainAgeSlicer.volumes import whyNotUsable

if TYPE_CHECKING:
    from BrainAgeSlicer.parameters import BrainAgeParameterNode


@dataclass(frozen=True)
class Request:
    """What to predict with; empty means the library's own choice, the header's age and sex, say.

    ``force``: give the age although the quality check refuses the scan. ``sequence``: T1w, T2w,
    FLAIR or PDw; empty has it told from the picture.
    """

    ageYears: float | None = None
    sex: str | None = None
    device: str = "auto"
    model: str = ""
    brainExtracted: bool = False
    siteCalibration: str = ""
    force: bool = False
    saliency: bool = True
    report: bool = True
    sequence: str = ""

    def completedBy(self, header: subject.Subject) -> Request:
        """Return the request with age and sex of a header where none are given."""
        ageYears = header.ageYears if self.ageYears is None else self.ageYears
        return replace(self, ageYears=ageYears, sex=self.sex or header.sex)

    def arguments(self) -> list[str]:
        """Return the command-line options."""
        pairs = {
            "--age": "" if self.ageYears is None else str(self.ageYears),
            "--sex": self.sex or "",
            "--device": self.device,
            "--model": self.model,
            "--site": self.siteCalibration,
            "--sequence": self.sequence,
        }
        flags = {
            "--brain-extracted": self.brainExtracted,
            "--force": self.force,
            "--no-saliency": not self.saliency,
            "--no-report": not self.report,
        }
        given = [part for name, value in pairs.items() if value for part in (name, value)]
        return given + [name for name, wanted in flags.items() if wanted]


def requestFor(ageYears: float | None, sex: str | None, **options: Any) -> Request:
    """Return a request from a script's arguments.

    Raises InputError when they cannot be meant.
    """
    if sex not in (None, "", "F", "M"):
        raise InputError(_("The sex is F or M, not {sex}.").format(sex=sex))
    try:
        years = None if ageYears is None else float(ageYears)
    except (OverflowError, TypeError, ValueError):
        years = math.nan
    if isinstance(ageYears, bool) or (years is not None and not subject.isAge(years)):
        raise InputError(_("The age is in years, not {age}.").format(age=ageYears))
    _refuseStrange(options)
    sequence = options.get("sequence") or ""
    if sequence not in ("", *SEQUENCES):
        words = _("The sequence is {names}, not {sequence}.")
        raise InputError(words.format(names=", ".join(SEQUENCES), sequence=sequence))
    options = {name: str(v) if isinstance(v, Path) else v for name, v in options.items()}
    return Request(ageYears=years, sex=sex or None, **options | {"sequence": sequence})


def _refuseStrange(options: dict[str, Any]) -> None:
    """Refuse an option that is not known, and a flag that is neither on nor off."""
    kinds = {each.name: each.type for each in fields(Request)}
    for name, value in options.items():
        if name not in kinds:
            words = _("There is no option {name}; there are {names}.")
            raise InputError(words.format(name=name, names=", ".join(kinds)))
        if kinds[name] == "bool" and not isinstance(value, bool):
            words = _("The option {name} is True or False, not {value}.")
            raise InputError(words.format(name=name, value=repr(value)))


def requestOf(parameters: BrainAgeParameterNode, volumeNode: Any) -> Request:
    """Return what the panel's choices ask for one scan; age and sex are those typed for it."""
    typed = subject.typedFor(volumeNode)
    return Request(
        ageYears=typed.ageYears,
        sex=typed.sex,
        device=parameters.device,
        model=parameters.model,
        brainExtracted=parameters.brainExtracted,
        siteCalibration=parameters.siteCalibration,
        force=parameters.force,
        saliency=parameters.makeSaliency,
        report=parameters.makeReport,
        sequence=parameters.sequence,
    )


def whyNotReady(parameters: BrainAgeParameterNode) -> str:
    """Return a sentence that says what keeps the panel's choices from being run, or nothing."""
    return whyNotUsable(parameters.inputVolume) or whyNotMeant(parameters)


def whyNotMeant(parameters: BrainAgeParameterNode) -> str:
    """Return a sentence on a choice that cannot be meant, whichever the scan, or nothing."""
    try:
        subject.ageFromText(parameters.ageText)
    except ValueError:
        return _("The age is a number of years up to {oldest:.0f}, or empty.").format(
            oldest=OLDEST_AGE_YEARS
        )
    calibration = parameters.siteCalibration
    if calibration and not Path(calibration).is_file():
        return _("The site calibration {path} does not exist; choose another or empty it.").format(
            path=calibration
        )
    return ""
