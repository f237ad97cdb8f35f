"""Packages that only some commands need: found when they are used, named when they are missing."""

from __future__ import annotations

import importlib

from BrainAgeLib.errors import InputError


def require_extra(extra: str, *modules: str) -> None:
    """See that the modules of an optional extra can be imported.

    Raises InputError with the line that installs the extra.
    """
    for name in modules:
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise InputError(
                f"this needs the package {name}, which is not installed",
                f'pip install "slicerbrainage[{extra}]"',
            ) from error
