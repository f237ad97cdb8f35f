"""Where the parts of this installation lie that Slicer's own process needs to find."""

from __future__ import annotations

import shutil
from pathlib import Path

import slicer
from slicer.i18n import tr as _

from BrainAgeLib import errors, resources
from BrainAgeLib.model.card import Card, read_card
from BrainAgeLib.records import Reference

MODULE_FOLDER = Path(__file__).resolve().parents[1]


def libraryFolder() -> Path:
    """Return the folder that holds BrainAgeLib: what the worker puts on its module path."""
    return Path(errors.__file__).resolve().parents[1]


def dataMenuFile() -> Path:
    """Return the file with the action for the Data module's menu."""
    return Path(__file__).with_name("BrainAgeSubjectHierarchyPlugin.py")


def templateImage() -> Path:
    """Return the path of the T1 template."""
    return resources.template_folder() / "T1.nii.gz"


def requirementsFile() -> Path:
    """Return the list of packages that the worker needs beside torch."""
    return MODULE_FOLDER / "Resources" / "requirements.txt"


def dicomRequirementsFile() -> Path:
    """Return the list of packages that DICOM reports need besides."""
    return MODULE_FOLDER / "Resources" / "requirements_dicom.txt"


def models() -> dict[str, Card | None]:
    """Return the bundled models by name, with their cards; None for a card that is damaged.

    Raises InstallationError when the library's resources are missing.
    """
    return {name: _cardOf(name) for name in resources.installed_models()}


def referencePeople(modelName: str) -> Reference | None:
    """Return the people that a bundled model was checked on; None for any other model."""
    cards = [card for card in models().values() if card is not None]
    return next((card.out_of_fold for card in cards if card.name == modelName), None)


def _cardOf(name: str) -> Card | None:
    try:
        return read_card(resources.models_folder() / name)
    except errors.BrainAgeError:  # the worker says why, when it is asked for this model
        return None


def pythonInterpreter() -> str:
    """Return the Python that runs the worker: Slicer's own, through its launcher.

    Raises InstallationError when it is missing; the program of this process is Slicer itself.
    """
    folder = Path(slicer.app.slicerHome) / "bin"
    launcher = shutil.which("PythonSlicer", path=str(folder)) or shutil.which("PythonSlicer")
    if launcher is None:
        raise errors.InstallationError(
            _("PythonSlicer is missing in {folder}.").format(folder=folder),
            _("install Slicer again"),
        )
    return launcher


def workerCommand() -> list[str]:
    """Return the command that starts the library in a child process.

    Raises InstallationError when it is missing.
    """
    launcher = Path(__file__).with_name("launcher.py")
    return [pythonInterpreter(), str(launcher), str(libraryFolder()), "BrainAgeLib"]
