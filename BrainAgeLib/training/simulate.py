"""Simulated 2D scans of one person, as the models see them: cut, lit and placed like real ones."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
import torch

from BrainAgeLib.scan.brain_extraction import mask_of_extracted
from BrainAgeLib.scan.geometry import Volume, apply_affine
from BrainAgeLib.template.grid import mid_brain_heights_mm
from BrainAgeLib.template.intensity import HIGHEST_LEVEL, normalise_intensity
from BrainAgeLib.template.slices import SliceSet, TemplateMaps, normalised, on_the_grid
from BrainAgeLib.training.appearance import (
    EVALUATION,
    TRAINING,
    AppearanceRange,
    change_appearance,
    distort,
    disturb_mask,
    registration_error,
)
from BrainAgeLib.training.strips import (
    LOOSE,
    TIGHT,
    Strip,
    kept_by,
    random_strip,
    ventricles,
    with_leftovers,
)
from BrainAgeLib.training.thick_slices import Protocol, cut_thick_slices, random_protocol

# Eight bits a pixel are kept: steps far below a scan's noise.
IMAGE_STEP = HIGHEST_LEVEL / 255.0
TEMPLATE_STEP = 1.0 / 255.0

# What a model is measured on; tilts are drawn up to 15 degrees for each person.
EVALUATION_PROTOCOLS = {
    "axial 5+1 mm": Protocol(thickness_mm=5.0, gap_mm=1.0),
    "axial 7+2 mm": Protocol(thickness_mm=7.0, gap_mm=2.0),
    "axial 3+0 mm": Protocol(thickness_mm=3.0, gap_mm=0.0),
    "coronal 5+1 mm": Protocol(plane="coronal", thickness_mm=5.0, gap_mm=1.0),
    "sagittal 5+1 mm": Protocol(plane="sagittal", thickness_mm=5.0, gap_mm=1.0),
    "3D 2 mm": None,
}
TIGHT_PROTOCOL = "axial 5+1 mm, stripped tight"
EVALUATION_PROTOCOLS[TIGHT_PROTOCOL] = EVALUATION_PROTOCOLS["axial 5+1 mm"]
AXIAL_SCANS = (0, 1, 2, 5)  # by their number here: the axial ones, and 3D, which becomes axial
LARGEST_TILT_DEGREES = 15.0  # set by hand


@dataclass(frozen=True)
class StoredScan:
    """One simulated scan: uint8 images and template (slice, y, x), float32 planes (slice, 3).

    ``protocol`` is None for the 3D volume itself.
    """

    images: np.ndarray
    template: np.ndarray
    planes: np.ndarray
    spacing_mm: float
    plane: str
    tilt_degrees: float

    def __len__(self) -> int:
        return len(self.planes)

    @property
    def mid_brain_heights_mm(self) -> np.ndarray:
        """Height (slice,) of each slice at the middle of the brain."""
        return mid_brain_heights_mm(torch.from_numpy(self.planes)).numpy()


class Simulator:
    """Makes simulated scans of one person's brain-extracted volume.

    ``scan_to_template``: 4 x 4 LPS affine of the person's registration. Every scan sees it with
    an error of the size that registering thick slices has.
    """

    def __init__(self, brain: Volume, scan_to_template: np.ndarray, maps: TemplateMaps) -> None:
        self.volume = torch.as_tensor(brain.voxels, dtype=torch.float32, device=maps.maps.device)
        self.affine = brain.affine
        self.voxel_mm = float(np.linalg.norm(brain.affine[:3, 0]))
        self.scan_to_template = scan_to_template
        self.maps = maps
        self.levels = self._levels()
        self.ventricles = ventricles(self.levels, self.voxel_mm)

    def _levels(self) -> torch.Tensor:
        """Return the normalised brightness (k, j, i) of the volume, 0 outside of the brain."""
        index = torch.stack(
            torch.meshgrid(*(torch.arange(n) for n in self.volume.shape), indexing="ij"), -1
        ).flip(-1)
        places = apply_affine(self.scan_to_template @ self.affine, index.numpy().astype(float))
        points = torch.as_tensor(places, dtype=torch.float32, device=self.volume.device)
        _, grey_matter, white_matter = self.maps.at(points)
        inside = (self.volume > 0).float()
        return normalise_intensity(self.volume, inside, points, grey_matter, white_matter)

    def simulate(
        self,
        protocol: Protocol | None,
        appearance: AppearanceRange,
        seed: list[int],
        strip: Strip = LOOSE,
        strip_after_cut: bool = False,
    ) -> StoredScan:
        """Return the scan that ``protocol`` makes (None: the 3D volume), with random appearance.

        ``strip_after_cut``: whether the thick slices are stripped, not the volume that they are cut
        from, whose tissue then mixes with nothing in the slices.
        """
        stacked, to_template = self._acquired(protocol, appearance, seed, strip, strip_after_cut)
        return stored(normalised(*on_the_grid(stacked, to_template), self.maps), protocol)

    def pair(
        self,
        protocol: Protocol,
        appearance: AppearanceRange,
        seed: list[int],
        strip: Strip,
        strip_after_cut: bool,
    ) -> tuple[SliceSet, torch.Tensor, torch.Tensor]:
        """Return the slices of such a scan, what they were made of, and their points.

        That is the levels (slice, y, x) of the volume as it was given, loosely stripped, cut at the
        same places; the points (slice, y, x, 3) are in mm, of the template.
        """
        stacked, to_template = self._acquired(
            protocol, appearance, seed, strip, strip_after_cut, also=(self.levels,)
        )
        values, points = on_the_grid(stacked, to_template)
        return normalised(values, points, self.maps), values[2], points

    def _acquired(
        self,
        protocol: Protocol | None,
        appearance: AppearanceRange,
        seed: list[int],
        strip: Strip,
        strip_after_cut: bool,
        also: tuple[torch.Tensor, ...] = (),
    ) -> tuple[torch.Tensor, np.ndarray]:
        """Return masked scan, mask and ``also`` (channel, k, j, i), and their way to the template.

        ``also``: volumes (k, j, i) that are moved and cut as the scan is.
        """
        generator = np.random.default_rng(seed)
        torch_generator = torch.Generator(device=self.volume.device)
        torch_generator.manual_seed(int(generator.integers(2**62)))
        kept = kept_by(strip, self.levels, self.ventricles, generator).float()
        whole = self.volume if strip_after_cut else self.volume * kept
        whole = with_leftovers(whole, strip, self.voxel_mm, generator)
        parts = torch.stack([whole, kept, *also])
        moved = distort(parts, self.voxel_mm, appearance.distortion_mm, generator)
        affine = self.affine
        if protocol is not None:
            cut = [cut_thick_slices(part, affine, protocol, within=moved[0]) for part in moved]
            moved, affine = torch.stack([part for part, _ in cut]), cut[0][1]
        scan, kept = moved[:2]
        mask = mask_of_extracted(scan)
        if strip_after_cut:
            mask = mask * (kept > 0.5)
        in_plane_mm = 2.0 if protocol is None else protocol.in_plane_mm
        mask = disturb_mask(mask, in_plane_mm, appearance.mask_wander, generator)
        scan = change_appearance(scan, appearance, generator, torch_generator)
        to_template = registration_error(generator) @ self.scan_to_template @ affine
        return torch.stack([scan * mask, mask, *moved[2:]]), to_template


def random_scans(
    simulator: Simulator, participant_id: str, count: int, seed: int
) -> list[StoredScan]:
    """Return ``count`` scans of random protocols for training."""
    scans = []
    for number in range(count):
        entropy = [seed, number, zlib.crc32(participant_id.encode())]
        protocol = random_protocol(np.random.default_rng([*entropy, 1]))
        draw = np.random.default_rng([*entropy, 2])
        scans.append(
            simulator.simulate(
                protocol, TRAINING, entropy, random_strip(draw), bool(draw.random() < 0.5)
            )
        )
    return scans


def evaluation_scans(simulator: Simulator, participant_id: str, seed: int) -> dict[str, StoredScan]:
    """Return one scan of each protocol that a model is measured on."""
    scans = {}
    for number, (name, protocol) in enumerate(EVALUATION_PROTOCOLS.items()):
        entropy = [seed, 1000 + number, zlib.crc32(participant_id.encode())]
        strip = TIGHT if name == TIGHT_PROTOCOL else LOOSE
        scans[name] = simulator.simulate(
            protocol and tilted(protocol, entropy), EVALUATION, entropy, strip
        )
    return scans


def tilted(protocol: Protocol, entropy: list[int]) -> Protocol:
    """Return the protocol with a random phase and tilts of up to 15 degrees about each axis."""
    generator = np.random.default_rng([*entropy, 1])
    x, y, z = generator.uniform(-LARGEST_TILT_DEGREES, LARGEST_TILT_DEGREES, 3)
    return Protocol(
        protocol.plane,
        protocol.thickness_mm,
        protocol.gap_mm,
        protocol.in_plane_mm,
        (float(x), float(y), float(z)),
        float(generator.random()),
    )


def stored(slices: SliceSet, protocol: Protocol | None) -> StoredScan:
    """Return the slices of a scan that ``protocol`` made as they are kept, in eight bits."""
    tilt = max(map(abs, protocol.tilt_degrees)) if protocol else 0.0
    return StoredScan(
        (slices.images / IMAGE_STEP).round().byte().cpu().numpy(),
        (slices.template / TEMPLATE_STEP).round().byte().cpu().numpy(),
        slices.planes.float().cpu().numpy(),
        protocol.spacing_mm if protocol else 2.0,
        protocol.plane if protocol else "3d",
        tilt,
    )


def as_slices(scan: StoredScan, device: str) -> SliceSet:
    """Return a stored scan as :func:`slices_of_scan` gave it, to the byte that was kept."""
    return SliceSet(
        torch.from_numpy(scan.images).to(device).float() * IMAGE_STEP,
        torch.from_numpy(scan.template).to(device).float() * TEMPLATE_STEP,
        torch.from_numpy(scan.planes).to(device),
    )


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
