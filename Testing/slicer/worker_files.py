"""The files that a worker leaves for a phantom: what the scene layer reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from BrainAgeLib.records import (
    NOTICE,
    Acquisition,
    Correction,
    Finding,
    InputRecord,
    ModelRecord,
    Pictures,
    Prediction,
    Quality,
    SoftwareRecord,
    Timings,
)
from BrainAgeLib.report.dicom_page import write_page
from BrainAgeLib.report.dicom_report import write_structured_report
from BrainAgeLib.report.dicom_source import read_source
from BrainAgeLib.report.record import prediction_from_dict, prediction_to_dict
from BrainAgeLib.scan.read import read_scan

PREDICTION = Prediction(
    brain_age_years=67.4,
    interval_years=(57.1, 77.9),
    chronological_age_years=63.0,
    sex="F",
    corrected_brain_age_years=65.2,
    correction=Correction("cole", "Cam-CAN, out of fold", 601, (18.0, 88.0), 0.86, 7.7),
    gap_percentile=71.0,
    quality=Quality(
        (
            Finding(
                "thick_slices",
                "warn",
                "the slices are 7.0 mm apart, the model was trained on up to 6.5 mm",
                7.0,
                6.5,
            ),
        )
    ),
    acquisition=Acquisition("axial", 22, 7.0, None, (2.4, 2.4)),
    input=InputRecord("/tmp/scan.nrrd", "0" * 64, None),
    model=ModelRecord("stub", "1", "0" * 64, (18.0, 88.0)),
    software=SoftwareRecord("SlicerBrainAge", "0.1.0"),
    device="cpu",
    timings_seconds=Timings(0.1, 2.9, 2.0, 0.5, 3.0, 8.5),
)


def record(**changes: Any) -> dict[str, Any]:
    """Return the values of a ``prediction.json``."""
    return {**prediction_to_dict(PREDICTION), **changes}


def refusal() -> dict[str, Any]:
    """Return the values of a refused scan."""
    finding = {
        "code": "contrast",
        "severity": "refuse",
        "message": "the scan looks T2-weighted: CSF is brighter than white matter",
        "value": 1.8,
        "limit": 1.0,
    }
    return record(
        brain_age_years=None,
        interval_years=None,
        gap_years=None,
        corrected_brain_age_years=None,
        corrected_gap_years=None,
        correction=None,
        gap_percentile=None,
        quality={"verdict": "refuse", "findings": [finding]},
    )


def brainIn(image: sitk.Image) -> np.ndarray:
    """Return the (k, j, i) brain of a phantom, found by its grey values wherever it lies."""
    tissue = sitk.BinaryMorphologicalOpening((image > 230) & (image < 400), [1, 1, 0])
    parts = sitk.RelabelComponent(sitk.ConnectedComponent(tissue), sortByObjectSize=True)
    filled = sitk.BinaryFillhole(parts == 1)
    return sitk.GetArrayFromImage(filled).astype(bool)


def saliencyIn(image: sitk.Image, brain: np.ndarray) -> np.ndarray:
    """Return years: older at the bright spot at the front left, younger across from it."""
    points = _rasPoints(image)
    spot = brain & (sitk.GetArrayFromImage(image) > 480)
    center = points[brain].mean(axis=0)
    marked = points[spot].mean(axis=0) if spot.any() else center
    saliency = np.zeros(brain.shape, dtype=np.float32)
    for place, years in ((marked, 1.2), (2 * center - marked, -0.9)):
        distance = np.linalg.norm(points - place, axis=-1)
        saliency += np.float32(years) * np.exp(-((distance / 15.0) ** 2)).astype(np.float32)
    saliency[~brain | (np.abs(saliency) < 0.02)] = 0
    return saliency


def write(scan: Path, folder: Path, values: dict[str, Any] | None = None) -> None:
    """Write what the library writes for a phantom, wherever it lies."""
    folder.mkdir(parents=True, exist_ok=True)
    image = read_scan(scan).image if scan.is_dir() else sitk.ReadImage(str(scan))
    brain = brainIn(image)
    _writeLike(image, brain.astype(np.uint8), folder / "brain_mask.nii.gz")
    if values is None or values["brain_age_years"] is not None:
        _writeLike(image, saliencyIn(image, brain), folder / "saliency.nii.gz")
    transform = sitk.AffineTransform(3)
    transform.SetTranslation((3.0, -4.0, 5.0))
    sitk.WriteTransform(transform, str(folder / "to_template.tfm"))
    (folder / "report.html").write_text("<html><body>Report. " + NOTICE + "</body></html>")
    (folder / "prediction.json").write_text(json.dumps(values or record()))


def writeDicom(scan: Path, folder: Path, values: dict[str, Any]) -> None:
    """Write the report and the page of a DICOM series, as ``--dicom`` does."""
    prediction = prediction_from_dict(values)
    source = read_source(sorted(scan.iterdir()))
    write_structured_report(prediction, source, folder / "report.dcm")
    write_page(prediction, Pictures((), (), ()), source, folder / "page.dcm")


def _rasPoints(image: sitk.Image) -> np.ndarray:
    matrix = np.eye(4)
    direction = np.array(image.GetDirection()).reshape(3, 3)
    matrix[:3, :3] = direction * np.array(image.GetSpacing())
    matrix[:3, 3] = image.GetOrigin()
    matrix = np.diag([-1.0, -1.0, 1.0, 1.0]) @ matrix
    k, j, i = np.meshgrid(*(np.arange(n) for n in image.GetSize()[::-1]), indexing="ij")
    return (np.stack([i, j, k, np.ones_like(i)], axis=-1) @ matrix.T)[..., :3]


def _writeLike(image: sitk.Image, voxels: np.ndarray, path: Path) -> None:
    written = sitk.GetImageFromArray(voxels)
    written.CopyInformation(image)
    sitk.WriteImage(written, str(path))


def addResult(node: Any, folder: Path, values: dict[str, Any] | None = None) -> Any:
    """Bring a phantom's files into the scene, as a run does; return the result."""
    from BrainAgeSlicer import scene, volumes

    lattice = volumes.exportVolume(node, folder / "scan.nrrd")
    write(folder / "scan.nrrd", folder / "output", values)
    return scene.addResult(node, folder / "output", lattice)
