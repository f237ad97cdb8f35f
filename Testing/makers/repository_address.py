"""Write the repository's address, which stands in BrainAge.json, into CMakeLists.txt.

    python -m Testing.makers.repository_address

BrainAge.json is the one place to set it: ``scm_url``, and ``scm_revision`` for the pictures. The
Extensions Index reads the addresses of CMakeLists.txt by regular expressions, so they are literal.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def with_address(text: str, address: str, revision: str) -> str:
    """Return the text of a CMakeLists.txt with the address of its homepage and of its pictures."""
    before = re.search(r'set\(EXTENSION_HOMEPAGE "([^"]+)"\)', text)
    if before is None:
        raise SystemExit("CMakeLists.txt sets no EXTENSION_HOMEPAGE")
    text = re.sub(re.escape(before[1]) + r"/raw/[^/]+/", f"{address}/raw/{revision}/", text)
    return text.replace(f'HOMEPAGE "{before[1]}"', f'HOMEPAGE "{address}"')


def main() -> None:
    """Read the one file and write the other."""
    entry = json.loads((ROOT / "BrainAge.json").read_text("utf-8"))
    path = ROOT / "CMakeLists.txt"
    text = with_address(path.read_text("utf-8"), entry["scm_url"], entry["scm_revision"])
    path.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
