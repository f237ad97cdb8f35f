"""Files that another program has open, as Windows has them: they cannot be renamed or replaced."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

SHARING_VIOLATION = 32  # of Windows


class HeldFiles:
    """Lets ``Path.replace`` or ``Path.rename`` onto a name fail as Windows lets it, so many times.

    There a PermissionError comes with the attribute ``winerror``, by which it is told from others.
    """

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, method: str, name: str, times: int | None = None
    ) -> None:
        self.refusals = 0
        really = getattr(Path, method)

        def change(path: Path, target: Path) -> Path:
            if Path(target).name == name and (times is None or self.refusals < times):
                self.refusals += 1
                error = PermissionError(errno.EACCES, "used by another process", str(path))
                error.winerror = SHARING_VIOLATION  # type: ignore[attr-defined]
                raise error
            moved: Path = really(path, target)
            return moved

        monkeypatch.setattr(Path, method, change)
