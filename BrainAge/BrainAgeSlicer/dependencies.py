"""The packages that the worker needs: asked for once, at Apply, all together.

Nothing is installed before the user has agreed and everything that installing needs is there.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from BrainAgeLib.errors import InstallationError

TORCH = "torch>=2.4"
OLDEST_SLICER = "5.12"


def ensureDependencies(requirements: Path) -> None:
    """Install what is missing, after asking.

    Raises InstallationError with a sentence when the user says no or something fails; asked
    again, it goes on with what is still missing.
    """
    torchMissing = not _torchIsInstalled()
    missing = _missingPackages(requirements)
    if not torchMissing and not missing:
        return
    installTorch = _torchInstaller() if torchMissing else None
    wanted = ([TORCH] if torchMissing else []) + [str(each) for each in missing]
    question = _(
        "BrainAge needs these Python packages:\n\n{packages}\n\n"
        "They are installed into Slicer's own Python; this takes a few minutes and, for torch, "
        "up to 3 GB of disk. Install them now?"
    ).format(packages="\n".join(f"  {name}" for name in wanted))
    if not slicer.util.confirmOkCancelDisplay(question, _("BrainAge")):
        raise InstallationError(
            _("Nothing was installed, so no brain age can be predicted."),
            _("press Apply again when you want to install: {packages}").format(
                packages=", ".join(wanted)
            ),
        )
    if installTorch is not None:
        _attempt(installTorch, TORCH)
    if missing:
        _attempt(lambda: _installPackages(missing), ", ".join(str(each) for each in missing))


def _attempt(install: Any, what: str) -> None:
    try:
        install()
    except Exception as error:  # pip, the network, the disk: all end in one sentence
        raise InstallationError(
            _("{what} could not be installed: {reason}").format(what=what, reason=error),
            _("see the Python console; check the network and the free disk space, then try again"),
        ) from error


def _torchIsInstalled() -> bool:
    """Look for torch without importing it."""
    if importlib.util.find_spec("torch") is None:
        return False
    from packaging.requirements import Requirement

    try:
        return Requirement(TORCH).specifier.contains(
            importlib.metadata.version("torch"), prereleases=True
        )
    except importlib.metadata.PackageNotFoundError:
        return False


def _torchInstaller() -> Any:
    try:
        import PyTorchUtils
    except ImportError as error:
        raise InstallationError(
            _("The PyTorch extension is not installed."),
            _("install it in the Extensions Manager, restart Slicer and press Apply again"),
        ) from error
    logic = PyTorchUtils.PyTorchUtilsLogic()
    version = TORCH.removeprefix("torch")

    def install() -> None:
        if logic.installTorch(askConfirmation=False, torchVersionRequirement=version) is None:
            raise RuntimeError(_("the PyTorch extension gave up"))

    return install


def _missingPackages(requirements: Path) -> list[Any]:
    packaging = _packaging()
    wanted = packaging.load_requirements(requirements)
    return [each for each in wanted if not packaging.pip_check(each)]


def _installPackages(missing: list[Any]) -> None:
    _packaging().pip_ensure(missing, requester="BrainAge", prompt_install=False)


def _packaging() -> Any:
    try:
        import slicer.packaging
    except ImportError as error:
        raise InstallationError(
            _("This version of 3D Slicer is too old for BrainAge."),
            _("install Slicer {version} or newer").format(version=OLDEST_SLICER),
        ) from error
    return slicer.packaging
