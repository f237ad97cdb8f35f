"""A real browser without a window, where one is installed: what pages do and how they print."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)
needs_browser = pytest.mark.skipif(
    BROWSER is None, reason="no Chromium is installed (Debian: chromium)"
)


def pages_on_paper(page: Path) -> int:
    """Return on how many sheets a page prints."""
    paper = page.with_suffix(".pdf")
    _browse(page, "--no-pdf-header-footer", f"--print-to-pdf={paper}")
    return len(re.findall(rb"/Type\s*/Page\b", paper.read_bytes()))


def after_script(page: Path, script: str) -> str:
    """Return the page as HTML once its own scripts and then ``script`` have run."""
    changed = page.with_name(f"changed-{page.name}")
    text = page.read_text("utf-8")
    changed.write_text(text.replace("</body>", f"<script>{script}</script></body>"), "utf-8")
    return _browse(changed, "--dump-dom")


def _browse(page: Path, *options: str) -> str:
    command = [
        *(BROWSER, "--headless", "--no-sandbox", "--disable-gpu", *options),
        *(f"--user-data-dir={page.parent / 'profile'}", page.resolve().as_uri()),
    ]
    done = subprocess.run(command, check=True, capture_output=True)
    return done.stdout.decode("utf-8")
