"""A scan that was read: what is worked on, and the way back to its own grid."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import SimpleITK as sitk

from BrainAgeLib.findings import FindingCode
from BrainAgeLib.options import Options
from BrainAgeLib.records import Acquisition, Sex
from BrainAgeLib.scan.checks import check_extent_mm
from BrainAgeLib.scan.dicom_header import read_identifiers
from BrainAgeLib.scan.dicom_person import age_unlike_header, sex_unlike_header
from BrainAgeLib.scan.empty_slices import (
    Window,
    empty_at_ends,
    empty_between,
    window_of_signal,
)
from BrainAgeLib.scan.geometry import (
    Volume,
    describe_acquisition,
    to_canonical,
    to_grid_of,
    volume_from_sitk,
)
from BrainAgeLib.scan.read import Scan, read_scan, scan_from_image
from BrainAgeLib.scan.voxel_values import non_finite_in_brain

ScanSource: TypeAlias = str | os.PathLike[str] | sitk.Image  # a path, or an image in memory


@dataclass(frozen=True)
class Case:
    """A scan that was read. ``volume``: its voxels with axes nearest to L, P, S.

    ``window``: which part (k, j, i) of the whole scan ``volume`` is. ``age_years`` and ``sex`` are
    as given, or else as the header says.
    """

    scan: Scan
    volume: Volume
    window: Window
    acquisition: Acquisition
    age_years: float | None
    sex: Sex | None
    identifiers: dict[str, str] | None

    def on_scan_grid(self, voxels: np.ndarray) -> sitk.Image:
        """Return values (k, j, i) on ``volume`` as an image on the scan's own grid."""
        canonical = to_canonical(self.scan.image)
        whole = np.zeros(
            canonical.GetSize()[::-1], np.uint8 if voxels.dtype == bool else np.float32
        )
        whole[self.window] = voxels
        image = sitk.GetImageFromArray(whole)
        image.CopyInformation(canonical)
        return to_grid_of(image, self.scan.image)

    def cut_to_signal(self, mask: np.ndarray) -> Case:
        """Return the case without empty slices that cut off the brain, whose mask (k, j, i) is."""
        window = window_of_signal(self.volume, mask)
        note = empty_at_ends(mask.shape, window)
        if note is None:
            return self
        volume = self.volume.part(window)
        scan = self.scan
        acquisition = describe_acquisition(volume, scan.slice_thickness_mm, scan.sequence)
        scan = scan.with_findings(note)
        return replace(self, scan=scan, volume=volume, window=window, acquisition=acquisition)

    def with_lost_brain(self, mask: np.ndarray) -> Case:
        """Return the case with a warning where voxels inside the brain (k, j, i) were lost."""
        if self.scan.non_finite is None:
            return self
        places = sitk.GetArrayFromImage(to_canonical(self.scan.non_finite))[self.window] > 0
        warning = non_finite_in_brain(places, mask)
        if warning is None:
            return self
        scan = self.scan.without(FindingCode.NON_FINITE_VOXELS).with_findings(warning)
        return replace(self, scan=scan)


def read(source: ScanSource, options: Options) -> Case:
    """Return a scan with its axes in order. Raises InputError for what is no scan."""
    is_image = isinstance(source, sitk.Image)
    scan = scan_from_image(source) if is_image else read_scan(source, options.series_uid)
    scan = _compared(scan, options)
    volume = volume_from_sitk(to_canonical(scan.image))
    check_extent_mm((volume.spacing_mm * volume.voxels.shape[::-1]).tolist())
    hole = empty_between(volume)
    identifiers = None
    if options.keep_identifiers:
        files = scan.dicom_files
        identifiers = read_identifiers(files[0]) if files else {}
    return Case(
        scan.with_findings(hole) if hole else scan,
        volume,
        tuple(slice(0, count) for count in volume.voxels.shape),
        describe_acquisition(volume, scan.slice_thickness_mm, scan.sequence),
        scan.age_years if options.age_years is None else options.age_years,
        options.sex or scan.sex,
        identifiers,
    )


def _compared(scan: Scan, options: Options) -> Scan:
    """Return the scan with what differs between the person as given and as its header says."""
    doubts = []
    if options.age_years is not None:
        # The header's own two ages are settled then, if one of them is the age given.
        of_dates = [item.value for item in scan.findings if item.code == FindingCode.TWO_AGES]
        scan = scan.without(FindingCode.TWO_AGES).without(FindingCode.AGE_NOT_READ)
        if scan.age_years is not None:
            further = [scan.age_years + by for by in of_dates if isinstance(by, int | float)]
            doubts.append(age_unlike_header(options.age_years, [scan.age_years, *further]))
    if options.sex is not None and scan.sex is not None:
        doubts.append(sex_unlike_header(options.sex, scan.sex))
    return scan.with_findings(*(doubt for doubt in doubts if doubt is not None))
