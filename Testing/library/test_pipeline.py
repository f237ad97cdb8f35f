"""The whole job in one process: from a scan to a record, an age that the image alone decides."""

from __future__ import annotations

import json
import socket
from types import SimpleNamespace

import numpy as np
import pytest
import SimpleITK as sitk

from BrainAgeLib import pipeline, predict
from BrainAgeLib.errors import BrainAgeError, InputError
from BrainAgeLib.model.novelty import Typical
from BrainAgeLib.options import Options
from BrainAgeLib.pipeline import run
from BrainAgeLib.resources import sample_scan
from BrainAgeLib.scan.geometry import Volume, sitk_from_volume
from BrainAgeLib.template.registration import Registration
from Testing.library.outcomes import process_state
from Testing.library.phantoms import rigid_motion

AXIS_ORDERS = ("RAS", "LPI", "PSR", "SAL", "IRP")


@pytest.fixture(scope="module")
def reordered_job(model_arguments, tmp_path_factory):
    """Run the whole job on the sample stored in another axis order, while no socket can be made."""
    attempts = []

    def refuse(*arguments, **_):
        attempts.append(arguments)
        raise OSError("the network is out of bounds")

    scan = sitk.DICOMOrient(sitk.ReadImage(str(sample_scan())), "PIR")
    path = tmp_path_factory.mktemp("reordered") / "scan.nrrd"
    sitk.WriteImage(scan, str(path))
    model = model_arguments[1] if model_arguments else None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "socket", refuse)
        patch.setattr(socket, "create_connection", refuse)
        patch.setattr(socket, "getaddrinfo", refuse)
        result = run(path, Options(30.0, "M", model=model))
    return SimpleNamespace(result=result, scan=scan, attempts=attempts)


@pytest.fixture(scope="module")
def straight(image, small_model):
    """Run a scan in template space from memory, as ``in_place`` does; nobody said anything."""
    return run(image, Options(model=str(small_model), in_template_space=True, saliency=False))


def test_the_whole_job_needs_no_network(reordered_job):
    assert reordered_job.result.prediction.brain_age_years is not None
    assert reordered_job.attempts == []


def test_the_axis_order_of_the_file_changes_nothing(reordered_job, full_job):
    record = json.loads((full_job.folder / "prediction.json").read_text("utf-8"))
    transform = sitk.ReadTransform(str(full_job.folder / "to_template.tfm"))

    prediction = reordered_job.result.prediction

    assert round(prediction.brain_age_years, 4) == record["brain_age_years"]
    assert prediction.acquisition.slice_count == record["acquisition"]["slice_count"]
    found = reordered_job.result.to_template.GetParameters()
    assert np.allclose(found, transform.GetParameters(), atol=1e-9)


@pytest.mark.parametrize("name", ["brain_mask", "saliency"])
def test_images_come_back_in_the_axis_order_of_the_file(reordered_job, full_job, name):
    first = sitk.ReadImage(str(full_job.folder / f"{name}.nii.gz"))
    result = reordered_job.result
    image = result.brain_mask if name == "brain_mask" else result.prediction.saliency

    assert image.GetSize() == reordered_job.scan.GetSize()
    assert np.allclose(image.GetDirection(), reordered_job.scan.GetDirection())
    assert np.allclose(image.GetOrigin(), reordered_job.scan.GetOrigin())
    back = sitk.GetArrayFromImage(sitk.DICOMOrient(image, "LPS"))
    assert np.allclose(back, sitk.GetArrayFromImage(sitk.DICOMOrient(first, "LPS")), atol=1e-4)


@pytest.mark.parametrize("order", AXIS_ORDERS)
def test_every_axis_order_gives_the_same_bits(image, straight, in_place, order):
    other = run(sitk.DICOMOrient(image, order), Options(**in_place))

    assert other.prediction.brain_age_years == straight.prediction.brain_age_years
    assert other.prediction.acquisition == straight.prediction.acquisition
    back = sitk.DICOMOrient(other.brain_mask, "LPS")
    assert np.array_equal(
        sitk.GetArrayFromImage(back),
        sitk.GetArrayFromImage(sitk.DICOMOrient(straight.brain_mask, "LPS")),
    )


def test_a_file_and_an_image_in_memory_have_the_same_age(straight, brain_file, in_place):
    of_image, of_file = straight.prediction, predict(brain_file, **in_place)

    # A NIfTI file holds its affine in single precision.
    assert of_image.brain_age_years == pytest.approx(of_file.brain_age_years, abs=1e-4)
    assert (of_image.input.path, of_image.input.sha256) == (None, None)
    assert of_file.input.path == str(brain_file)


def test_the_image_in_memory_stays_as_it_is(image, in_place):
    before = sitk.GetArrayFromImage(image)

    predict(image, **in_place)

    assert np.array_equal(sitk.GetArrayFromImage(image), before)


def test_the_process_is_as_it_was_before(image, in_place):
    before = process_state()

    predict(image, threads=7, **in_place)

    assert process_state() == before


def test_the_age_does_not_change_the_raw_age(image, straight, in_place):
    plain = straight.prediction
    known = predict(image, 71.0, "F", **in_place)

    assert known.brain_age_years == plain.brain_age_years
    assert known.interval_years == plain.interval_years
    assert known.gap_years == plain.brain_age_years - 71.0
    assert (plain.gap_years, plain.corrected_gap_years, plain.gap_percentile) == (None,) * 3


def test_a_refusal_is_a_result(image, in_place):
    far = sitk.Image(image)
    far.SetOrigin((0.0, 0.0, 900.0))

    refused = predict(far, 50.0, **in_place)

    assert refused.quality.verdict == "refuse"
    assert refused.brain_age_years is None
    assert refused.interval_years is None
    assert refused.chronological_age_years == 50.0


@pytest.mark.parametrize("options", [{"model": "nowhere"}, {"correction": "guess"}])
def test_what_cannot_be_used_is_an_error(image, in_place, options):
    with pytest.raises(InputError):
        predict(image, **(in_place | options))


def test_an_unreadable_scan_is_an_error(in_place, tmp_path):
    with pytest.raises(BrainAgeError, match="does not exist"):
        predict(tmp_path / "nowhere.nii", **in_place)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_handful_of_slices_in_template_space_has_an_age(thick_brain, in_place, count):
    middle = len(thick_brain.voxels) // 2
    affine = thick_brain.affine.copy()
    affine[:3, 3] += middle * affine[:3, 2]
    few = Volume(np.ascontiguousarray(thick_brain.voxels[middle : middle + count]), affine)

    found = predict(sitk_from_volume(few), **in_place)

    assert 6 < found.brain_age_years < 102
    assert found.acquisition.slice_count == count
    assert found.quality.verdict != "refuse"


def test_a_brain_is_extracted_and_registered_before_it_is_judged(
    straight, small_model, monkeypatch, thick_brain
):
    motion = rigid_motion((10, 5, 5), (20, -30, 10))
    head = sitk_from_volume(Volume(thick_brain.voxels, motion @ thick_brain.affine))
    seen = []

    def stub_extractor(volume, device):
        seen.append(device)
        return volume.voxels > 25

    monkeypatch.setattr(pipeline, "extract_brain", stub_extractor)
    monkeypatch.setattr(
        pipeline, "register_to_template", lambda *_: Registration(motion, similarity=0.95)
    )

    found = predict(head, device="cpu", model=str(small_model), saliency=False)

    assert seen == ["cpu"]
    assert [finding.code for finding in found.quality.findings] == ["no_skull"]
    # The two masks differ by a few faint voxels at the rim.
    assert found.brain_age_years == pytest.approx(straight.prediction.brain_age_years, abs=0.5)


def test_a_brain_that_something_else_stripped_has_the_interval_of_such_said_so_or_not(
    image, monkeypatch
):
    monkeypatch.setattr(pipeline, "extract_brain", lambda volume, _device: volume.voxels > 0)
    monkeypatch.setattr(pipeline, "register_to_template", lambda *_: Registration(np.eye(4), 0.95))
    # The two masks differ a little, and so does how unlike the training the brain is.
    monkeypatch.setattr(Typical, "novelty", lambda *_: 0.5)

    unsaid = predict(image, device="cpu", saliency=False, force=True)
    said = predict(image, device="cpu", saliency=False, force=True, brain_extracted=True)

    assert "no_skull" in {finding.code for finding in unsaid.quality.findings}
    width_years, width_said_years = (
        one.interval_years[1] - one.interval_years[0] for one in (unsaid, said)
    )
    # Whole heads have one that is narrower by a tenth.
    assert width_years == pytest.approx(width_said_years, rel=0.02)


def test_progress_goes_through_the_stages_in_order(image, in_place):
    heard = []

    predict(image, on_progress=lambda *step: heard.append(step), **in_place)

    names = list(dict.fromkeys(name for name, _ in heard))
    assert names == ["read", "brain_extraction", "registration", "prediction"]
    assert [fraction for _, fraction in heard] == sorted(fraction for _, fraction in heard)


def test_pictures_show_slices_pairs_and_the_reference(image, straight):
    pictures = straight.pictures

    assert len(pictures.input_slices) == image.GetSize()[2]
    assert len(pictures.registered_slices) == len(pictures.template_slices) > 3
    assert len(pictures.reference.ages_years) == len(pictures.reference.predicted_years)
