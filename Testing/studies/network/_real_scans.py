"""Real scans of several sequences: what their BIDS names say."""

from __future__ import annotations

SUFFIXES = ("T1w", "T2w", "FLAIR", "PDw")


def shown_by(name: str) -> tuple[str | None, bool]:
    """Return what a file shows by its name, None for anything else, and whether it has no skull."""
    stem = name.split(".")[0]
    suffix = stem.rsplit("_", 1)[-1]
    if suffix not in SUFFIXES:
        return None, False
    return f"{suffix} after contrast" if "_ce-" in stem else suffix, "desc-brain" in stem
