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
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

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


def run(
    text: str | None,
    name: str,
    seen: Callable[[Any, Path], Anything],
    teach: Callable[[Anything, Path, Callable[[int, float], None]], nn.Module],
    names: Mapping[str, str] | None = None,
) -> None:
    """Read the command line of a maker of this text, teach and write the weights by their name.

    ``seen`` makes of the data and a folder for work what ``teach`` shows the network. ``names``:
    files by network, one of which is chosen then, each taught on several datasets.
    """
    parser = argparse.ArgumentParser(description=(text or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, nargs="+" if names else None)
    parser.add_argument("--work", type=Path, required=True)
    if names:
        parser.add_argument("--network", choices=names, required=True)
    options = parser.parse_args()
    name = names[options.network] if names else name
    torch.set_num_threads(1)
    network = teach(
        seen(options.data, options.work),
        (options.work / name).with_suffix(".pt"),
        lambda done, loss: print(f"{done} steps, loss {loss:.3f}", flush=True),
    )
    weights = {key: value.half().contiguous() for key, value in network.state_dict().items()}
    content = save(weights)
    write_atomically(template_folder() / name, content)
    print(f"sha256 {hashlib.sha256(content).hexdigest()}")


def main() -> None:
    """Make the pairs, teach the network and write its file."""
    run(__doc__, WEIGHTS_NAME, all_pairs, teach)


if __name__ == "__main__":
    main()
