"""One place knows where the files lie that come with the library."""

from __future__ import annotations

import pytest

from BrainAgeLib import resources
from BrainAgeLib.errors import InstallationError


def test_this_installation_has_what_it_needs():
    assert {path.name for path in resources.template_folder().iterdir()} >= {
        "T1.nii.gz",
        "grey_matter.nii.gz",
        "white_matter.nii.gz",
        "harmonisation.safetensors",
        "enhanced.safetensors",
        "t2w_flair.safetensors",
        "NOTICE.txt",
    }
    assert resources.sample_scan().is_file()
    assert resources.models_folder() == resources.resources_folder() / "Models"


def test_another_folder_can_be_named(tmp_path, monkeypatch):
    (tmp_path / "Template").mkdir()
    monkeypatch.setenv("BRAINAGE_RESOURCES", str(tmp_path))

    assert resources.template_folder() == tmp_path / "Template"
    assert resources.sample_scan().parent == tmp_path / "SampleData"


def test_a_named_folder_without_a_template_is_not_replaced_in_silence(tmp_path, monkeypatch):
    monkeypatch.setenv("BRAINAGE_RESOURCES", str(tmp_path / "gone"))

    with pytest.raises(InstallationError, match="Resources is missing"):
        resources.resources_folder()


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Return the folder of a package that stands alone."""
    package = tmp_path / "site-packages" / "BrainAgeLib"
    package.mkdir(parents=True)
    monkeypatch.delenv("BRAINAGE_RESOURCES", raising=False)
    monkeypatch.setattr(resources, "__file__", str(package / "resources.py"))
    return package


def test_a_wheel_has_them_inside_and_a_checkout_beside(package):
    beside = package.parent / "Resources"
    (beside / "Template").mkdir(parents=True)
    assert resources.resources_folder() == beside

    inside = package / "Resources"
    (inside / "Template").mkdir(parents=True)
    assert resources.resources_folder() == inside


def test_an_installation_without_them_is_damaged(package):
    assert package.is_dir()

    with pytest.raises(InstallationError, match="install SlicerBrainAge again") as caught:
        resources.resources_folder()

    assert caught.value.exit_code == 4
