"""Where the parts of this installation lie that Slicer's own process needs to find."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

import slicer

from BrainAgeLib import errors

MODULE_FOLDER = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Model:
    """What the panel shows of one bundled model.

    ``ages_years`` and ``predicted_years`` are the reference people, one entry a person.
    """

    name: str
    ageRangeYears: tuple[float, float] | None = None
    ages_years: tuple[float, ...] = field(default=(), repr=False)
    predicted_years: tuple[float, ...] = field(default=(), repr=False)
    referenceDescribedAs: str = ""


def libraryFolder() -> Path:
    """Return the folder that holds BrainAgeLib: what the worker puts on its module path."""
    return Path(errors.__file__).resolve().parents[1]


def resourcesFolder() -> Path:
    """Return the library's folder of models, template and sample.

    Raises InstallationError when it is missing.
    """
    for candidate in (libraryFolder() / "BrainAgeLib" / "Resources", libraryFolder() / "Resources"):
        if (candidate / "Template").is_dir():
            return candidate
    raise errors.InstallationError(
        f"the folder Resources is missing beside {libraryFolder() / 'BrainAgeLib'}",
        "install the extension again",
    )


def sampleScan() -> Path:
    """Return the path of the bundled sample scan."""
    return resourcesFolder() / "SampleData" / "colin27_axial_5mm.nii.gz"


def templateImage() -> Path:
    """Return the path of the T1 template."""
    return resourcesFolder() / "Template" / "T1.nii.gz"


def requirementsFile() -> Path:
    """Return the list of packages that the worker needs beside torch."""
    return MODULE_FOLDER / "Resources" / "requirements.txt"


def models() -> list[Model]:
    """Return the bundled models by name; a damaged card leaves its model without details."""
    folder = resourcesFolder() / "Models"
    cards = sorted(folder.glob("*/card.json"))
    return [_modelFromCard(card) for card in cards]


def modelNamed(name: str) -> Model:
    """Return the model of that name; one that is not bundled has a name and nothing else."""
    for model in models():
        if model.name == name:
            return model
    return Model(name)


def _modelFromCard(path: Path) -> Model:
    try:
        card = json.loads(path.read_text("utf-8"))
        reference = card.get("out_of_fold") or {}
        low, high = card["age_range_years"]
        return Model(
            str(card.get("name", path.parent.name)),
            (float(low), float(high)),
            tuple(float(age) for age in reference.get("ages_years", ())),
            tuple(float(age) for age in reference.get("predicted_years", ())),
            str(reference.get("described_as", "")),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return Model(path.parent.name)


def pythonInterpreter() -> str:
    """Return the Python that runs the worker: Slicer's own, through its launcher."""
    home = getattr(slicer.app, "slicerHome", "")
    found = shutil.which("PythonSlicer", path=str(Path(home) / "bin")) if home else None
    return found or shutil.which("PythonSlicer") or sys.executable


def workerCommand() -> list[str]:
    """Return the command that starts the library in a child process."""
    launcher = Path(__file__).with_name("launcher.py")
    return [pythonInterpreter(), str(launcher), str(libraryFolder()), "BrainAgeLib"]
