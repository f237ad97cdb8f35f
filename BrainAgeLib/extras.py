"""Packages that are found when they are used, named when they are missing or cannot be loaded."""

from __future__ import annotations

import importlib
from traceback import walk_tb
from typing import Any

from BrainAgeLib.errors import BrainAgeError, InputError, InstallationError, is_out_of_memory


def require_extra(extra: str, *modules: str) -> None:
    """See that the modules of an optional extra can be imported.

    Raises InputError with the line that installs the extra, InstallationError where a module is
    there but cannot be loaded.
    """
    line = f'pip install "slicerbrainage[{extra}]"'
    for name in modules:
        missing = InputError(f"this needs the package {name}, which is not installed", line)
        load_package(name, missing)


def load_package(name: str, missing: BrainAgeError) -> Any:
    """Import a module and return it.

    Raises ``missing`` where there is none, InstallationError where there is one that fails: to
    install it again, as ``missing`` says, would not bring a library that the system lacks.
    """
    try:
        return importlib.import_module(name)
    except Exception as error:  # an old package beside a new one fails in any way
        if is_out_of_memory(error):
            raise
        package = name.partition(".")[0]
        if isinstance(error, ModuleNotFoundError) and f"{name}.".startswith(f"{error.name}."):
            raise missing from error
        raise not_loaded(package, error) from error


def fault_of_loading(error: Exception) -> InstallationError | None:
    """Return what an error says of the installation if it ended an import, else None.

    The base install is imported without a check; on Windows, torch wants a library of the system.
    """
    for frame, _line in walk_tb(error.__traceback__):
        module = str(frame.f_globals.get("__name__")).partition(".")[0]
        if frame.f_code.co_name == "<module>" and module not in ("BrainAgeLib", "__main__"):
            return not_loaded(module, error)
    if isinstance(error, ModuleNotFoundError) and error.name:
        return InstallationError(
            f"the package {error.name.partition('.')[0]} is not installed",
            "install slicerbrainage again, with what it needs",
        )
    return None


def not_loaded(package: str, error: Exception) -> InstallationError:
    """Return the error of a package that is installed but cannot be loaded."""
    # numpy and pandas wrap what happened in a page of advice.
    while isinstance(error.__cause__, Exception):
        error = error.__cause__
    if isinstance(error, ModuleNotFoundError) and error.name is not None:
        needed = error.name.partition(".")[0]  # a name to import, and no name for pip
        return InstallationError(
            f"the package {package} is installed but cannot be loaded: it needs {needed}, which is "
            "not",
            f"pip install {package} adds what it needs",
        )
    why = " ".join(str(error).split()) or type(error).__name__
    return InstallationError(
        f"the package {package} is installed but cannot be loaded: {why}",
        "add the library of the system if it names one, else "
        f"pip install --force-reinstall {package}",
    )
