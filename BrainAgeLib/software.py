"""Which versions of what speak in a result."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version

import BrainAgeLib
from BrainAgeLib.records import SoftwareRecord

NAME = "SlicerBrainAge"
DEPENDENCIES = ("torch", "numpy", "SimpleITK", "deepbet", "safetensors")


@cache
def software_record() -> SoftwareRecord:
    """Return the program's version and those of its main dependencies."""
    versions = {}
    for name in DEPENDENCIES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return SoftwareRecord(NAME, BrainAgeLib.__version__, versions)
