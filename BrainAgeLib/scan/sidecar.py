"""What the JSON files beside an image say of how it was acquired.

BIDS and dcm2niix put them there. In a BIDS dataset those of the folders above hold for many images:
https://bids-specification.readthedocs.io/en/stable/common-principles.html#the-inheritance-principle
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from BrainAgeLib.records import SequenceTags
from BrainAgeLib.scan.agent_words import is_agent, names_agent

_SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd")


def read_sidecar(path: Path) -> dict[str, Any]:
    """Return what is said of an image file, of the nearest file where several say it, or nothing.

    Numbers are floats. A file that cannot be read counts as one that is not there.
    """
    said: dict[str, Any] = {}
    for sidecar in _sidecars(path):
        try:
            content = json.loads(sidecar.read_text(encoding="utf-8"), parse_int=float)
        except (OSError, ValueError, RecursionError):
            continue
        said |= content if isinstance(content, dict) else {}
    return said


def tags_of_file(path: Path) -> SequenceTags:
    """Return what the sidecars of an image file, and its name, say of the sequence."""
    said = read_sidecar(path)
    names = path.name, str(said.get("SeriesDescription", ""))
    return SequenceTags(
        str(said["Modality"])[:16] if isinstance(said.get("Modality"), str) else None,
        _milliseconds(said, "EchoTime"),
        _milliseconds(said, "RepetitionTime"),
        _milliseconds(said, "InversionTime"),
        is_agent(str(said.get("ContrastBolusAgent") or "")) or any(map(names_agent, names)),
        is_echo_planar="EP" in str(said.get("ScanningSequence", "")),
    )


def _sidecars(path: Path) -> Iterator[Path]:
    """Yield the files that may speak of an image, the farthest first."""
    name = path.name
    stem = next((name[: -len(end)] for end in _SUFFIXES if name.lower().endswith(end)), name)
    *entities, suffix = stem.split("_")
    folders = [path.parent]
    while stem.startswith("sub-") and folders[-1].name.startswith(("anat", "ses-", "sub-")):
        folders.append(folders[-1].parent)
    for folder in reversed(folders[1:]):
        for sidecar in sorted(folder.glob(f"*{suffix}.json")):
            *others, theirs = sidecar.stem.split("_")
            if theirs == suffix and set(others) <= set(entities):
                yield sidecar
    yield path.with_name(f"{stem}.json")


def _milliseconds(said: dict[str, Any], key: str) -> float | None:
    """Return a time that is given in seconds."""
    value = said.get(key)
    if not isinstance(value, float) or not math.isfinite(value) or value <= 0:
        return None
    return 1000.0 * value
