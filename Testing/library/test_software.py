"""A result names the versions that made it."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

import pytest

import BrainAgeLib
from BrainAgeLib import software
from BrainAgeLib.software import software_record


@pytest.fixture
def forgotten():
    """Let the versions be looked up anew, in this test and after it."""
    software_record.cache_clear()
    yield
    software_record.cache_clear()


def test_program_and_dependencies():
    record = software_record()

    assert (record.name, record.version) == ("SlicerBrainAge", BrainAgeLib.__version__)
    assert record.dependencies["torch"] == version("torch")
    assert set(record.dependencies) == set(software.DEPENDENCIES)


@pytest.mark.usefixtures("forgotten")
def test_a_package_without_metadata_is_left_out(monkeypatch):
    def unknown(name):
        if name == "deepbet":
            raise PackageNotFoundError(name)
        return "1.0"

    monkeypatch.setattr(software, "version", unknown)

    assert set(software_record().dependencies) == set(software.DEPENDENCIES) - {"deepbet"}
