"""The output of a BIDS dataset as a BIDS derivative: the files that say so."""

from __future__ import annotations

import json
from pathlib import Path

from BrainAgeLib import __version__
from BrainAgeLib.batch.bids_dataset import DESCRIPTION
from BrainAgeLib.software import NAME
from BrainAgeLib.whole_file import write_atomically

# Of the BIDS release whose names the folders follow.
BIDS_VERSION = "1.10.0"
# A folder has BIDS entities in its name; the files in it are those of every other scan.
NOT_BIDS = ("results.csv", "selection.csv", "batch.json", "index.html", "**/*_T1w/**")


def describe_derivative(output: Path) -> None:
    """Write ``dataset_description.json`` and ``.bidsignore``. Raises BrainAgeError."""
    description = {
        "Name": "Brain age",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": NAME, "Version": __version__}],
    }
    write_atomically(output / DESCRIPTION, f"{json.dumps(description, indent=2)}\n".encode())
    write_atomically(output / ".bidsignore", "".join(f"{name}\n" for name in NOT_BIDS).encode())
