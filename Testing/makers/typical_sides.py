"""Put what is typical of healthy people's two sides into a model that was trained before.

    python -m Testing.makers.typical_sides RUN [MODEL_FOLDER]

RUN is the output folder of ``brainage train``; its people's simulated scans are read and nothing
else. ``brainage train`` does the same for new models. Ages do not move, but the weights and so the
sha256 of the card are others afterwards: site calibrations name it and have to be made again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

from safetensors.torch import load, save

from BrainAgeLib.model.ensemble import DEFAULT_MODEL
from BrainAgeLib.model.weights import FILE_NAME, SIDES
from BrainAgeLib.resources import models_folder
from BrainAgeLib.training.stored_maps import typical_sides_of
from BrainAgeLib.whole_file import write_atomically


def put_into(folder: Path, paths: list[Path]) -> int:
    """Write the sides of the people with these maps into a model; return how many they are."""
    tensors = load((folder / FILE_NAME).read_bytes())
    tensors[SIDES] = typical_sides_of(paths).packed().contiguous()
    content = save(tensors)
    card = json.loads((folder / "card.json").read_text("utf-8"))
    card["sha256"] = hashlib.sha256(content).hexdigest()
    write_atomically(folder / FILE_NAME, content)
    text = json.dumps(card, indent=1, ensure_ascii=False) + "\n"
    write_atomically(folder / "card.json", text.encode("utf-8"))
    return len(paths)


def main() -> None:
    """Write both files of the model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument(
        "model", type=Path, nargs="?", default=models_folder() / DEFAULT_MODEL, help="its folder"
    )
    options = parser.parse_args()
    paths = sorted((options.run / "work" / "scans").glob("*_maps.npz"))
    if not paths:
        parser.error(f"{options.run} holds no simulated scans")
    print(f"{put_into(options.model, paths)} people")


if __name__ == "__main__":
    main()
