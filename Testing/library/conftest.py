"""What tests of several parts of the library start from."""

from __future__ import annotations

import pytest

from BrainAgeLib.imaging.slices import TemplateMaps
from BrainAgeLib.imaging.template import load_template
from Testing.library.model_folders import write_small_model
from Testing.library.phantoms import template_brain, thick_slices_of, write_volume


@pytest.fixture(scope="session")
def template():
    """Return the bundled template."""
    return load_template()


@pytest.fixture(scope="session")
def maps(template):
    """Return the template as tensors on the CPU."""
    return TemplateMaps(template)


@pytest.fixture(scope="session")
def thick_brain():
    """Return the template's brain as a routine scan: tilted axial slices, 6 mm apart."""
    return thick_slices_of(template_brain())


@pytest.fixture(scope="session")
def brain_file(thick_brain, tmp_path_factory):
    """Return the file of a brain-extracted scan whose world coordinates are MNI152."""
    return write_volume(thick_brain, tmp_path_factory.mktemp("scans") / "brain.nii.gz")


@pytest.fixture(scope="session")
def small_model(tmp_path_factory):
    """Return the folder of a small model with random weights."""
    return write_small_model(tmp_path_factory.mktemp("models"))
