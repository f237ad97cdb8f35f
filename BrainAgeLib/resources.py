"""Where the files that come with the library lie; nothing else knows it."""

from __future__ import annotations

import os
from pathlib import Path

from BrainAgeLib.errors import InstallationError


def resources_folder() -> Path:
    """Return the folder ``Resources`` of a checkout, a pip installation or Slicer's installed tree.

    The environment variable ``BRAINAGE_RESOURCES`` names another one.
    """
    named = os.environ.get("BRAINAGE_RESOURCES")
    package = Path(__file__).resolve().parent
    candidates = [Path(named)] if named else [package / "Resources", package.parent / "Resources"]
    for candidate in candidates:
        if (candidate / "Template").is_dir():
            return candidate
    raise InstallationError(
        f"the folder Resources is missing beside {package}", "install SlicerBrainAge again"
    )


def template_folder() -> Path:
    """Return the folder of the template."""
    return resources_folder() / "Template"


def models_folder() -> Path:
    """Return the folder that holds one folder per bundled model."""
    return resources_folder() / "Models"


def installed_models() -> list[str]:
    """Return the names of the bundled models."""
    folder = models_folder()
    if not folder.is_dir():
        return []
    return sorted(path.name for path in folder.iterdir() if (path / "card.json").is_file())


def sample_scan() -> Path:
    """Return the path of the bundled sample scan."""
    return resources_folder() / "SampleData" / "colin27_axial_5mm.nii.gz"
