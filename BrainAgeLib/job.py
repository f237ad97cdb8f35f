"""One scan being worked on: the steps that ``pipeline`` puts in their order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch

from BrainAgeLib.gate.evidence import Evidence
from BrainAgeLib.gate.gate import on_the_cpu_instead
from BrainAgeLib.model.blend import RawAge
from BrainAgeLib.model.brain_maps import ScanMaps
from BrainAgeLib.model.devices import DeviceInUse
from BrainAgeLib.model.ensemble import Ensemble, Interpretation, load_ensemble
from BrainAgeLib.model.saliency import leaning_on_regions
from BrainAgeLib.model.site import read_site
from BrainAgeLib.options import Options
from BrainAgeLib.records import (
    Acquisition,
    Finding,
    Pictures,
    Prediction,
    ProgressCallback,
    Quality,
    RegionLeaning,
)
from BrainAgeLib.scan.brain_extraction import extract_brain, mask_of_extracted
from BrainAgeLib.scan.dicom_header import read_identifiers
from BrainAgeLib.scan.geometry import (
    Volume,
    sitk_from_volume,
    to_grid_of,
)
from BrainAgeLib.scan.read import Scan
from BrainAgeLib.software import software_record
from BrainAgeLib.stages import Stages
from BrainAgeLib.template.pictures import input_pictures, registered_pictures
from BrainAgeLib.template.placed_scan import PlacedScan
from BrainAgeLib.template.registration import (
    NOT_REGISTERED,
    Registration,
    register_to_template,
)
from BrainAgeLib.template.slices import SliceSet
from BrainAgeLib.template.template import load_template
from BrainAgeLib.working_memory import take_working_memory

MOST_REGIONS = 3  # named in a record


@dataclass(frozen=True)
class Result:
    """The prediction, and what lies on the scan's own grid or leads to the template.

    ``brain_mask`` is None when no brain was found, ``to_template`` when nothing was registered.
    ``dicom_files``: those of the scan's series, if it is DICOM.
    """

    prediction: Prediction
    brain_mask: sitk.Image | None
    to_template: sitk.Transform | None
    pictures: Pictures
    dicom_files: tuple[Path, ...] = ()


class Job:
    """One scan being worked on: the options, the model, the device, the clock."""

    def __init__(self, options: Options, on_progress: ProgressCallback | None) -> None:
        take_working_memory()
        self.options = options
        self.device = DeviceInUse(options.device)
        if options.threads is not None:
            torch.set_num_threads(options.threads)
            sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(options.threads)
        self.ensemble: Ensemble = load_ensemble(options.model)
        self.correction_name = self.ensemble.choose_correction(options.correction)
        self.site = read_site(options.site, self.ensemble.record) if options.site else None
        self.template = load_template()
        self.stages = Stages(on_progress)
        self.age_years, self.sex = options.age_years, options.sex
        self.scan: Scan
        self.identifiers: dict[str, str] | None = None

    def know(self, scan: Scan) -> None:
        """Take from the scan's header what the options leave open."""
        self.scan = scan
        self.age_years = scan.age_years if self.age_years is None else self.age_years
        self.sex = self.sex or scan.sex
        if self.options.keep_identifiers:
            self.identifiers = read_identifiers(scan.dicom_files[0]) if scan.dicom_files else {}

    @property
    def is_extracted(self) -> bool:
        """Whether the scan has no skull."""
        return self.options.brain_extracted or self.options.in_template_space

    def brain_of(self, volume: Volume) -> np.ndarray:
        """Return the brain mask (k, j, i), bool; empty when there is no brain."""
        if self.is_extracted:
            return mask_of_extracted(torch.as_tensor(volume.voxels)).bool().numpy()
        return self.device.run(lambda name: extract_brain(volume, name))

    def place(
        self, volume: Volume, mask: np.ndarray, advance: Callable[[float], None]
    ) -> Registration:
        """Return the brain's place in the template."""
        if self.options.in_template_space:
            return NOT_REGISTERED
        brain = volume.with_voxels(np.where(mask, volume.voxels, 0.0).astype(np.float32))
        return register_to_template(brain, self.template, advance)

    def evidence(
        self, placed: PlacedScan, acquisition: Acquisition, slices: SliceSet, raw: RawAge | None
    ) -> Evidence:
        """Return what the gate may look at."""
        return Evidence(
            placed,
            self.template,
            acquisition,
            slices,
            self.scan.sequence,
            self.is_extracted,
            raw,
            self.age_years,
            self.ensemble.card.age_range_years,
        )

    def interpret(
        self, acquisition: Acquisition, slice_count: int, raw: RawAge | None
    ) -> Interpretation | None:
        """Return what the raw age means for this person."""
        if raw is None:
            return None
        return self.ensemble.interpret(
            raw,
            self.age_years,
            slice_count,
            acquisition.slice_spacing_mm,
            self.correction_name,
            self.site,
        )

    def withholds(self, judged: tuple[Finding, ...]) -> bool:
        """Say whether no number may leave: the gate refuses and nobody insists."""
        refused = Quality(self.scan.findings + judged).verdict == "refuse"
        return refused and not self.options.force

    def saliency_years(
        self, placed: PlacedScan, maps: ScanMaps, advance: Callable[[float], None]
    ) -> tuple[np.ndarray, tuple[RegionLeaning, ...] | None]:
        """Return where the age comes from: (k, j, i) on the canonical voxels, and which regions.

        None instead of regions when the slices do not cover the brain.
        """
        years = self.device.run(
            lambda name: self.ensemble.saliency_years(maps, name, advance)
        ).cpu()
        on_scan = placed.on_voxels(years)
        if not maps.covers_brain:
            return on_scan, None
        return on_scan, leaning_on_regions(years, maps.volume.to("cpu"))[:MOST_REGIONS]

    def on_scan_grid(self, volume: Volume, voxels: np.ndarray) -> sitk.Image:
        """Return an image on the scan's own grid of canonical voxels (k, j, i)."""
        if voxels.dtype == bool:
            voxels = voxels.astype(np.uint8)
        return to_grid_of(sitk_from_volume(volume.with_voxels(voxels)), self.scan.image)

    def prediction(
        self,
        acquisition: Acquisition,
        judged: tuple[Finding, ...],
        raw: RawAge | None,
        says: Interpretation | None,
    ) -> Prediction:
        """Return the record; without any number when the gate refuses and nobody insists."""
        fell_back = (on_the_cpu_instead(),) if self.device.fell_back else ()
        of_site = says.findings if says else ()
        quality = Quality(self.scan.findings + fell_back + judged + of_site)
        if self.withholds(judged):
            raw = says = None
        return Prediction(
            brain_age_years=raw.age_years if raw else None,
            interval_years=says.interval_years if says else None,
            chronological_age_years=self.age_years,
            sex=self.sex,
            corrected_brain_age_years=says.corrected_brain_age_years if says else None,
            correction=says.correction if says else None,
            gap_percentile=says.gap_percentile if says else None,
            quality=quality,
            acquisition=acquisition,
            input=self.scan.input,
            model=self.ensemble.record,
            software=software_record(),
            device=self.device.name,
            timings_seconds=self.stages.timings(),
            interval_level=self.ensemble.card.calibration.interval_level,
            identifiers=self.identifiers,
        )

    def refusal(
        self, volume: Volume, mask: np.ndarray | None, acquisition: Acquisition, why: Finding
    ) -> Result:
        """Return what is left of a scan whose brain was not found, or not its place."""
        prediction = self.prediction(acquisition, (why,), None, None)
        mask_image = None if mask is None else self.on_scan_grid(volume, mask)
        pictures = Pictures(input_pictures(volume, mask), (), ())
        return Result(prediction, mask_image, None, pictures, self.scan.dicom_files)

    def pictures(self, placed: PlacedScan, saliency_years: np.ndarray | None) -> Pictures:
        """Return what a person looks at to judge mask, registration and saliency."""
        registered, template = registered_pictures(
            placed.volume, placed.registration, self.template
        )
        return Pictures(
            input_pictures(placed.volume, placed.mask, saliency_years),
            registered,
            template,
            self.ensemble.card.out_of_fold,
        )
