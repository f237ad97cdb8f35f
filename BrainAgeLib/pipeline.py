"""From a scan to a brain age: the story of the whole program, from top to bottom."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import SimpleITK as sitk

from BrainAgeLib.gate.gate import judge, measure, no_brain, not_registered
from BrainAgeLib.job import Job, Result
from BrainAgeLib.options import AUTOMATIC_DEVICE, Options
from BrainAgeLib.records import Prediction, ProgressCallback, Sex
from BrainAgeLib.scan.geometry import describe_acquisition, to_canonical, volume_from_sitk
from BrainAgeLib.scan.read import read_scan, scan_from_image
from BrainAgeLib.template.pictures import itk_transform
from BrainAgeLib.template.placed_scan import PlacedScan
from BrainAgeLib.template.registration import RegistrationError


def predict(
    scan: str | os.PathLike[str] | sitk.Image,
    age_years: float | None = None,
    sex: Sex | None = None,
    device: str = AUTOMATIC_DEVICE,
    *,
    on_progress: ProgressCallback | None = None,
    **options: Any,
) -> Prediction:
    """Return the brain age of a scan: a path or a SimpleITK image.

    ``options`` are the other fields of :class:`~BrainAgeLib.options.Options`. A refusal by the
    quality gate is a result (``quality.verdict``), not an error. Raises BrainAgeError for what
    cannot be read or used.
    """
    return run(scan, Options(age_years, sex, device, **options), on_progress).prediction


def run(
    scan: str | os.PathLike[str] | sitk.Image,
    options: Options,
    on_progress: ProgressCallback | None = None,
) -> Result:
    """Do the whole job on one scan and return all that comes of it."""
    job = Job(options, on_progress)
    with job.stages.stage("read"):
        is_image = isinstance(scan, sitk.Image)
        found = scan_from_image(scan) if is_image else read_scan(scan, options.series_uid)
        job.know(found)
        volume = volume_from_sitk(to_canonical(found.image))
        acquisition = describe_acquisition(volume, found.slice_thickness_mm)
    with job.stages.stage("brain_extraction", skipped=job.is_extracted):
        mask = job.brain_of(volume)
    if not mask.any():
        return job.refusal(volume, None, acquisition, no_brain())
    try:
        with job.stages.stage("registration", skipped=options.in_template_space) as advance:
            placed = PlacedScan(volume, mask, job.place(volume, mask, advance))
    except RegistrationError:
        return job.refusal(volume, mask, acquisition, not_registered())
    with job.stages.stage("prediction"):
        slices = job.device.run(lambda name: placed.slices(job.template, name))
        raw = maps = None
        if len(slices) > 0:
            raw, maps = job.device.run(lambda name: job.ensemble.predict(slices, name))
        findings = judge(measure(job.evidence(placed, acquisition, slices, raw)))
        says = job.interpret(acquisition, len(slices), raw)
    saliency_years = leans_on = None
    if options.saliency and maps is not None and not job.withholds(findings):
        with job.stages.stage("saliency") as advance:
            saliency_years, leans_on = job.saliency_years(placed, maps, advance)
    prediction = job.prediction(acquisition, findings, raw, says)
    if saliency_years is not None:
        saliency = job.on_scan_grid(volume, saliency_years)
        prediction = replace(prediction, saliency=saliency, leans_on=leans_on)
    mask_image = job.on_scan_grid(volume, mask)
    transform = None if options.in_template_space else itk_transform(placed.registration)
    pictures = job.pictures(placed, saliency_years)
    return Result(prediction, mask_image, transform, pictures, found.dicom_files)
