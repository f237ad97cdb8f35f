"""Teach the network that shows every scan as the training's own scanner would have shown it.

    python -m Testing.makers.harmonisation --data BIDS --work FOLDER

BIDS holds brain-extracted 3D T1 scans of one scanner, loosely stripped; held-out people are not
looked at. FOLDER, empty at first, keeps the pairs and the training's state: a run that was killed
goes on. On one processor core it takes some 40 minutes. Writes
Resources/Template/harmonisation.safetensors and prints its checksum, which belongs into
``template/harmonisation.py``. The models of whole brains have to be trained anew on what comes of
it.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from safetensors.torch import save
from torch import nn

from BrainAgeLib.resources import template_folder
from BrainAgeLib.template.harmonisation import WEIGHTS_NAME
from BrainAgeLib.training.harmonisation import pairs_of, teach
from BrainAgeLib.training.people import is_held_out, read_people
from BrainAgeLib.whole_file import write_atomically, written_atomically

Anything = TypeVar("Anything")


def all_pairs(data: Path, work: Path) -> torch.Tensor:
    """Return the pairs of everybody who is not held out; each person's are made once."""
    folder = work / "pairs"
    folder.mkdir(parents=True, exist_ok=True)
    parts = []
    for person in read_people(data):
        if is_held_out(person.participant_id):
            continue
        path = folder / f"{person.participant_id}.npy"
        if not path.exists():
            with written_atomically(path) as unfinished, unfinished.open("wb") as stream:
                np.save(stream, pairs_of(person, work))
        parts.append(np.load(path, allow_pickle=False))
    return torch.from_numpy(np.concatenate(parts))


def write_taught(
    name: str,
    work: Path,
    seen: Anything,
    teach: Callable[[Anything, Path, Callable[[int, float], None]], nn.Module],
) -> None:
    """Teach a network on what it is shown and write its bundled file; print the checksum.

    ``work`` keeps the training's state by the file's name.
    """
    torch.set_num_threads(1)
    network = teach(
        seen,
        (work / name).with_suffix(".pt"),
        lambda done, loss: print(f"{done} steps, loss {loss:.3f}", flush=True),
    )
    weights = {key: value.half().contiguous() for key, value in network.state_dict().items()}
    content = save(weights)
    write_atomically(template_folder() / name, content)
    print(f"sha256 {hashlib.sha256(content).hexdigest()}")


def main() -> None:
    """Make the pairs, teach the network and write its file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    options = parser.parse_args()
    write_taught(WEIGHTS_NAME, options.work, all_pairs(options.data, options.work), teach)


if __name__ == "__main__":
    main()
