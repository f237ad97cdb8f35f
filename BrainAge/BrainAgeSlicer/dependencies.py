"""The packages that the worker needs: asked for once, at Apply, all together.

Nothing is installed before the user has agreed and everything that installing needs is there.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import tempfile
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from BrainAgeLib.errors import InstallationError

TORCH = "torch>=2.4"
OLDEST_SLICER = "5.12"
# Slicer's own copies, and what the PyTorch extension chose: another package must not replace them.
KEPT = ("numpy", "SimpleITK", "pydicom", "torch")
# The library's advice for a shell, whose pip is that of another Python.
PIP_LINE = re.compile(
    r"pip install (?P<options>(?:--[a-z-]+ )*)(?P<package>[\w.-]+)(?P<version>\S*)"
)

_isInstalling = False


def whyTooOld() -> str:
    """Return a sentence when this Slicer lacks what the module builds on, or nothing."""
    if importlib.util.find_spec("slicer.packaging") is not None:
        return ""
    return _("Brain Age needs 3D Slicer {version} or newer; this one is older.").format(
        version=OLDEST_SLICER
    )


def refuseOldSlicer() -> None:
    """Raise InstallationError when this Slicer lacks what the module builds on."""
    tooOld = whyTooOld()
    if tooOld:
        raise InstallationError(tooOld, _("install a newer Slicer"))


def requireDependencies(requirements: Path) -> None:
    """Raise InstallationError that names what is missing; a script is asked nothing."""
    refuseOldSlicer()
    missing = _missingPackages(requirements)
    if missing or not _torchIsInstalled():
        named = _named([*([] if _torchIsInstalled() else [TORCH]), *missing])
        raise InstallationError(
            _("These packages are not installed: {packages}.").format(packages=named),
            _("press Apply in the module Brain Age once, which installs them"),
        )


def ensureDependencies(requirements: Path) -> None:
    """Install what is missing, after asking.

    Raises InstallationError with a sentence when the user says no or something fails; asked
    again, it goes on with what is still missing.
    """
    global _isInstalling
    refuseOldSlicer()
    if _isInstalling:  # the window lives meanwhile, and so do its buttons
        raise InstallationError(
            _("Packages are being installed."), _("try again when that has ended")
        )
    torch = [] if _torchIsInstalled() else [TORCH]
    missing = _missingPackages(requirements)
    if not torch and not missing:
        return
    installTorch = _torchInstaller() if torch else None
    wanted = _named([*torch, *missing])
    _ask([*torch, *missing])
    slicer.util.showStatusMessage(_("Brain age: installing {packages}").format(packages=wanted))
    _isInstalling = True
    try:
        if installTorch is not None:
            _attempt(installTorch, TORCH)
        if missing:
            _attempt(lambda: _installPackages(missing), _named(missing))
    finally:
        _isInstalling = False
        slicer.util.showStatusMessage("")
    _refuseIncomplete(requirements)


def hintInSlicer(hint: str) -> str:
    """Return what the library says to do, with its lines of pip as they are in Slicer."""
    line = PIP_LINE.search(hint)
    if line is None:
        return hint
    if line["package"] == "torch":
        return _(
            "on Windows, install Microsoft's Visual C++ Redistributable and restart Slicer; "
            "otherwise uninstall torch in the module PyTorch Utils, restart Slicer and press "
            "Apply again, which installs it anew"
        )
    options = line["options"]
    if "--force-reinstall" in options and "--no-deps" not in options:
        options += "--no-deps "  # else it replaces Slicer's own packages, too
    command = f'slicer.util.pip_install("{options}{line["package"]}{line["version"]}")'
    told = _("{command} in the Python console").format(command=command)
    return f"{hint[: line.start()]}{told}{hint[line.end() :]}"


def _ask(wanted: list[Any]) -> None:
    question = _(
        "BrainAge needs these Python packages:\n\n{packages}\n\n"
        "They are installed into Slicer's own Python; this takes a few minutes and, for torch, "
        "up to 3 GB of disk. Install them now?"
    ).format(packages="\n".join(f"  {name}" for name in wanted))
    if not slicer.util.confirmOkCancelDisplay(question, _("BrainAge")):
        raise InstallationError(
            _("Nothing was installed, so no brain age can be predicted."),
            _("press Apply again when you want to install: {packages}").format(
                packages=_named(wanted)
            ),
        )


def _refuseIncomplete(requirements: Path) -> None:
    importlib.invalidate_caches()
    left = _missingPackages(requirements)
    if left:
        raise InstallationError(
            _("These packages were not installed: {packages}.").format(packages=_named(left)),
            _("see the Python console, then try again"),
        )


def _attempt(install: Any, what: str) -> None:
    try:
        install()
    except Exception as error:  # pip, the network, the disk: all end in one sentence
        raise InstallationError(
            _("Installing {what} failed: {reason}").format(what=what, reason=error),
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
        try:
            torch = logic.installTorch(askConfirmation=False, torchVersionRequirement=version)
        except Exception:
            # It imports torch at the end, which fails where the system lacks a library. The worker
            # says so; to call that a failure of the network or the disk would mislead.
            importlib.invalidate_caches()
            if not _torchIsInstalled():
                raise
            return
        if torch is None:
            raise RuntimeError(_("the PyTorch extension gave up"))

    return install


def _missingPackages(requirements: Path) -> list[Any]:
    import slicer.packaging

    wanted = slicer.packaging.load_requirements(requirements)
    return [each for each in wanted if not slicer.packaging.pip_check(each)]


def _installPackages(missing: list[Any]) -> None:
    import slicer.packaging

    with tempfile.TemporaryDirectory(prefix="BrainAge-") as folder:
        constraints = Path(folder) / "constraints.txt"
        constraints.write_text("".join(f"{line}\n" for line in _keptVersions()))
        slicer.packaging.pip_ensure(
            missing, constraints=constraints, requester="BrainAge", prompt_install=False
        )


def _keptVersions() -> list[str]:
    kept = []
    for name in KEPT:
        try:
            kept.append(f"{name}=={importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return kept


def _named(packages: list[Any]) -> str:
    return ", ".join(str(each) for each in packages)
