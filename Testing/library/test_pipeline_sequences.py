"""A T2-weighted or FLAIR scan on its way through the whole job: read as what the picture shows."""

from __future__ import annotations

import numpy as np
import pytest

from BrainAgeLib.model.card import read_card
from BrainAgeLib.model.ensemble import DEFAULT_MODEL
from BrainAgeLib.options import Options
from BrainAgeLib.pipeline import run
from BrainAgeLib.records import OTHER_SEQUENCES
from BrainAgeLib.resources import models_folder
from BrainAgeLib.scan.geometry import sitk_from_volume
from BrainAgeLib.template.sequences import sha256_of_network
from Testing.library.model_folders import knowing_model

T1_VALUES = (0.0, 60.0, 180.0, 235.0, 255.0)  # of the template
SHOWN_AS = {
    "T2w": (330.0, 330.0, 135.0, 100.0, 95.0),
    "FLAIR": (25.0, 25.0, 118.0, 100.0, 98.0),
    "PDw": (115.0, 115.0, 120.0, 100.0, 95.0),
}


@pytest.fixture(scope="module")
def knowing(tmp_path_factory):
    """Return a model folder whose card knows other sequences."""
    return knowing_model(tmp_path_factory.mktemp("models"))


def shown_as(thick_brain, sequence):
    """Return the brain of the template as another sequence shows it, as an image in memory."""
    other = np.interp(thick_brain.voxels, T1_VALUES, SHOWN_AS[sequence])
    brain = np.where(thick_brain.voxels > 25, other, 0.0).astype(np.float32)
    return sitk_from_volume(thick_brain.with_voxels(brain))


def predicted(image, model, **options):
    """Return the record of a brain without skull."""
    given = Options(model=str(model), brain_extracted=True, saliency=False, **options)
    return run(image, given).prediction


def codes(record):
    return {finding.code: finding.severity for finding in record.quality.findings}


@pytest.mark.parametrize("sequence", ["T2w", "FLAIR"])
def test_a_model_that_knows_it_gives_an_age_and_warns(thick_brain, knowing, sequence):
    record = predicted(shown_as(thick_brain, sequence), knowing, age_years=50.0)

    assert record.sequence == sequence
    assert record.brain_age_years is not None
    assert record.quality.verdict == "warn"
    assert codes(record)["other_sequence"] == "warn"
    assert not {"not_t1", "unlike_t1", "registration_similarity"} & set(codes(record))
    assert record.gap_percentile is None
    assert record.correction is not None
    assert sequence in record.correction.fitted_on


def test_a_model_that_does_not_know_it_refuses_as_before(thick_brain, small_model):
    record = predicted(shown_as(thick_brain, "T2w"), small_model)

    assert record.brain_age_years is None
    assert codes(record)["not_t1"] == "refuse"
    assert record.sequence == "T2w"


def test_what_nothing_reads_is_refused(thick_brain, knowing):
    record = predicted(shown_as(thick_brain, "PDw"), knowing)

    assert record.brain_age_years is None
    assert codes(record)["not_t1"] == "refuse"


def test_a_wrong_word_is_refused_and_a_right_one_changes_nothing(thick_brain, knowing):
    scan = shown_as(thick_brain, "T2w")

    assert codes(predicted(scan, knowing, sequence="FLAIR"))["not_as_said"] == "refuse"
    assert codes(predicted(scan, knowing, sequence="T1w"))["not_t1"] == "refuse"
    said, told = (predicted(scan, knowing, sequence=s) for s in ("T2w", None))
    assert said.brain_age_years == told.brain_age_years


def test_a_t1_has_the_age_that_it_had(thick_brain, image, knowing, small_model):
    ages = [predicted(image, model).brain_age_years for model in (knowing, small_model)]

    assert ages[0] == ages[1]


def test_a_few_slices_of_a_t1_after_an_agent_are_read_as_a_t1(thick_brain, knowing):
    painted = thick_brain.voxels.copy()
    painted[(np.random.default_rng(2).random(painted.shape) < 0.02) & (painted > 25)] = 500.0
    painted[:14] = 0.0
    scan = sitk_from_volume(thick_brain.with_voxels(painted))

    record = run(scan, Options(model=str(knowing), in_template_space=True)).prediction

    assert record.sequence == "T1w after contrast"
    assert record.brain_age_years is not None
    assert codes(record)["part_of_brain"] == codes(record)["contrast_agent"] == "warn"


def test_in_template_space_another_sequence_is_not_taken_on_trust(thick_brain, knowing):
    options = Options(model=str(knowing), in_template_space=True, saliency=False, sequence="T2w")

    record = run(shown_as(thick_brain, "FLAIR"), options).prediction

    assert record.brain_age_years is None
    assert codes(record)["not_as_said"] == "refuse"


def test_the_bundled_model_reads_them_all():
    sequences = read_card(models_folder() / DEFAULT_MODEL).calibration.sequences

    assert set(sequences) == set(OTHER_SEQUENCES)
    for name, read in sequences.items():
        assert read.shown_by == sha256_of_network(name)
        assert read.real_scans >= 1
        assert read.held_out.people == 123
