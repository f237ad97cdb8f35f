"""From stored scans to batches for the network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from BrainAgeLib.training.simulated_scans import IMAGE_STEP, TEMPLATE_STEP, StoredScan

TORN_FRACTION = 0.15  # of the training scans show only few slices: 1 to half of a full set


@dataclass(frozen=True)
class Batch:
    """What the network takes: see ``SliceSetNetwork.forward``; ages are (scan,) in years."""

    images: torch.Tensor
    template: torch.Tensor
    planes: torch.Tensor
    present: torch.Tensor
    ages_years: torch.Tensor


def collate(scans: list[StoredScan], ages_years: list[float], device: str = "cpu") -> Batch:
    """Stack scans of different length, padded with empty slices."""
    longest = max(len(scan) for scan in scans)
    shape = (len(scans), longest, *scans[0].images.shape[1:])
    images, template = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    planes = np.zeros((len(scans), longest, 3), np.float32)
    present = np.zeros((len(scans), longest), bool)
    for n, scan in enumerate(scans):
        images[n, : len(scan)] = scan.images
        template[n, : len(scan)] = scan.template
        planes[n, : len(scan)] = scan.planes
        present[n, : len(scan)] = True
    return Batch(
        torch.from_numpy(images).to(device).float() * IMAGE_STEP,
        torch.from_numpy(template).to(device).float() * TEMPLATE_STEP,
        torch.from_numpy(planes).to(device),
        torch.from_numpy(present).to(device),
        torch.tensor(ages_years, dtype=torch.float32, device=device),
    )


def pick_slices(scan: StoredScan, most: int, generator: np.random.Generator) -> StoredScan:
    """Return at most ``most`` random slices of a scan, now and then only a few neighbouring ones.

    Spread slices keep a step cheap; few neighbouring ones teach what a scan that is cut off, or
    a single slice, can still tell.
    """
    count = len(scan)
    if generator.random() < TORN_FRACTION:
        kept = int(generator.integers(1, max(2, min(most, count // 2) + 1)))
        start = int(generator.integers(0, count - kept + 1))
        chosen = np.arange(start, start + kept)
    elif count > most:
        chosen = np.sort(generator.choice(count, most, replace=False))
    else:
        return scan
    return subset(scan, chosen)


def subset(scan: StoredScan, chosen: np.ndarray) -> StoredScan:
    """Return the chosen slices of a scan."""
    return StoredScan(
        scan.images[chosen],
        scan.template[chosen],
        scan.planes[chosen],
        scan.spacing_mm,
        scan.plane,
        scan.tilt_degrees,
    )


def flip_randomly(batch: Batch, generator: torch.Generator) -> Batch:
    """Mirror half of the scans left to right, heights included."""
    mirrored = torch.rand(len(batch.images), generator=generator) < 0.5
    mirrored = mirrored.to(batch.images.device)[:, None, None, None]
    planes = torch.where(mirrored[..., 0], mirror_planes(batch.planes), batch.planes)
    return Batch(
        torch.where(mirrored, batch.images.flip(-1), batch.images),
        torch.where(mirrored, batch.template.flip(-1), batch.template),
        planes,
        batch.present,
        batch.ages_years,
    )


def mirror_planes(planes: torch.Tensor) -> torch.Tensor:
    """Return the planes (..., 3) of slices mirrored in x: the slope along x changes its sign."""
    return planes * planes.new_tensor([1.0, -1.0, 1.0])
