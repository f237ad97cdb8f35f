"""The models without a site, kept so small that anybody can make the yardstick's table anew.

Such a model saw nobody of one site. It takes hours and all its data to train it, so some lie beside
this file, in seven bits a weight. They serve the yardstick alone: they know whole brains only, and
no mean brain, so that their saliency means nothing.

    python -m Testing.studies.network._members_without RUN/NAME-without-SITE...
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import sys
import zipfile
from pathlib import Path

import torch
import torch.nn.functional as functional
from safetensors.torch import load, save

from BrainAgeLib.model.brain_maps import POOLED
from BrainAgeLib.model.card import read_card
from BrainAgeLib.model.slices import SliceModel
from BrainAgeLib.model.weights import FILE_NAME, LARGEST_SMALL_TENSOR, MEAN_MAPS
from BrainAgeLib.template.grid import GRID_HEIGHT, GRID_WIDTH, HEIGHT_COUNT
from BrainAgeLib.whole_file import write_atomically

KEPT = Path(__file__).with_name("members_without.zip")
TISSUES = 3  # of the mean brain
FEW_SLICES = ".slices."  # the models that the yardstick does not ask
# Either side of 0. Set by hand, by the room there is.
LEVELS = 63
BLOCK = 64  # weights that share a scale
SMALLEST_SCALE = 1e-12  # where all is 0
ROUNDED, SCALE = "rounded ", "scale "


def rounded(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the tensors of a model, the large ones as whole numbers and scales of blocks."""
    kept = {}
    for name, values in tensors.items():
        if name == MEAN_MAPS:
            continue
        if FEW_SLICES in name:
            kept[name] = torch.zeros_like(values)
            continue
        if not values.is_floating_point() or values.numel() <= LARGEST_SMALL_TENSOR:
            kept[name] = values
            continue
        blocks = _blocks(values.float())
        scale = (blocks.abs().amax(1, keepdim=True) / LEVELS).clamp(min=SMALLEST_SCALE)
        numbers = (blocks / scale).round().to(torch.int8)
        kept[ROUNDED + name] = numbers.flatten()[: values.numel()].view(values.shape)
        kept[SCALE + name] = scale[:, 0]
    return kept


def unrounded(kept: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the tensors of which :func:`rounded` kept the most part, in half precision.

    The models of few slices say nothing, in whatever shape they have today.
    """
    nothing = SliceModel().packed()
    grid = (HEIGHT_COUNT, GRID_HEIGHT // POOLED, GRID_WIDTH // POOLED)
    tensors = {MEAN_MAPS: torch.zeros(TISSUES, *grid, dtype=torch.float16)}
    for name, values in kept.items():
        if name.startswith(ROUNDED):
            plain = name.removeprefix(ROUNDED)
            blocks = _blocks(values.float()) * kept[SCALE + plain][:, None]
            tensors[plain] = blocks.flatten()[: values.numel()].view(values.shape).half()
        elif FEW_SLICES in name:
            shape = nothing[name.rpartition(".")[2]].shape
            tensors[name] = torch.zeros(shape, dtype=values.dtype)
        elif not name.startswith(SCALE):
            tensors[name] = values
    return tensors


def _blocks(values: torch.Tensor) -> torch.Tensor:
    """Return values in blocks (block, value), the last filled up by 0."""
    flat = values.flatten()
    return functional.pad(flat, [0, -len(flat) % BLOCK]).view(-1, BLOCK)


def keep(folders: list[Path], path: Path = KEPT) -> None:
    """Write model folders to one small file."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_LZMA) as archive:
        for folder in folders:
            name = read_card(folder).name
            kept = rounded(load((folder / FILE_NAME).read_bytes()))
            card = json.loads((folder / "card.json").read_text("utf-8"))
            for file, text in (("card.json", json.dumps(card).encode()), (FILE_NAME, save(kept))):
                entry = zipfile.ZipInfo(f"{name}/{file}")  # without the time of day
                entry.compress_type = zipfile.ZIP_LZMA
                archive.writestr(entry, text)
    write_atomically(path, content.getvalue())


def unpack(work: Path, path: Path = KEPT) -> dict[str, str]:
    """Write the kept models to folders in ``work``; return these by the site that each lacks."""
    with zipfile.ZipFile(path) as archive:
        names = [entry.rpartition("/")[0] for entry in archive.namelist() if "card" in entry]
        for name in names:
            (work / name).mkdir(parents=True, exist_ok=True)
            weights = save(unrounded(load(archive.read(f"{name}/{FILE_NAME}"))))
            write_atomically(work / name / FILE_NAME, weights)
            card = json.loads(archive.read(f"{name}/card.json"))
            if card["card_version"] == "4":  # of models of few slices that are not kept
                card["card_version"] = "5"
            card["sha256"] = hashlib.sha256(weights).hexdigest()  # as they are unpacked today
            write_atomically(work / name / "card.json", json.dumps(card).encode())
    return {name.rpartition("-without-")[2]: str(work / name) for name in names}


def main() -> int:
    """Keep the models of the folders that the command line names."""
    parser = argparse.ArgumentParser(description=keep.__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="MODEL_FOLDER")
    keep(parser.parse_args().folders)
    return 0


if __name__ == "__main__":
    sys.exit(main())
