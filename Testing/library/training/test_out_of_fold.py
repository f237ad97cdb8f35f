"""Who is judged on what, and the table of it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from BrainAgeLib.model.tissue_maps import tissue_maps

from BrainAgeLib.model.predict import predict_age
from BrainAgeLib.training.out_of_fold import (
    FEW_SLICES,
    MAIN_PROTOCOL,
    RANDOM_SCANS,
    VENTRICLE_HEIGHT_MM,
    as_slices,
    choose_tissue_share,
    judged_scans,
    predict_people,
    read_rows,
    with_tissue_share,
    write_rows,
)
from BrainAgeLib.training.people import Person, is_locked
from BrainAgeLib.training.prepare import evaluation_file, training_file
from BrainAgeLib.training.simulated_scans import (
    EVALUATION_PROTOCOLS,
    IMAGE_STEP,
    TEMPLATE_STEP,
    write_scans,
)
from Testing.library.model_folders import (
    out_of_fold_rows,
    small_network,
    small_tissue_network,
)
from Testing.library.stored_scans import same_scans, stored_scan

PERSON = Person("sub-01", 44.0, "F", None)


def store(folder, slices):
    """Store scans of a person with so many slices each; return those of evaluation."""
    (folder / "scans").mkdir(parents=True)
    scans = [stored_scan(slices, seed=n) for n in range(len(EVALUATION_PROTOCOLS))]
    write_scans(evaluation_file(folder, PERSON), scans)
    write_scans(training_file(folder, PERSON), [stored_scan(4, seed=n) for n in range(20, 25)])
    return scans


def test_a_person_is_judged_on_every_protocol_and_on_parts_of_the_main_one(tmp_path):
    scans = store(tmp_path, 21)

    found = list(judged_scans(tmp_path, PERSON))

    names = [name for name, _ in found]
    assert names == [
        *EVALUATION_PROTOCOLS,
        "one axial slice",
        f"{FEW_SLICES} axial slices",
        *["random protocol and contrast"] * RANDOM_SCANS,
    ]
    assert same_scans([scan for _, scan in found[: len(scans)]], scans)


def heights_mm(scan):
    """Return each slice's height at the middle of the brain."""
    return scan.planes[:, 0] + 18.0 * scan.planes[:, 2]


def test_the_single_slice_is_that_nearest_to_the_ventricles(tmp_path):
    store(tmp_path, 21)
    found = dict(judged_scans(tmp_path, PERSON))

    (height,) = heights_mm(found["one axial slice"])

    distances = np.abs(heights_mm(found[MAIN_PROTOCOL]) - VENTRICLE_HEIGHT_MM)
    assert abs(height - VENTRICLE_HEIGHT_MM) == pytest.approx(distances.min())


@pytest.mark.parametrize(("slices", "few"), [(21, FEW_SLICES), (FEW_SLICES, FEW_SLICES), (4, 4)])
def test_few_slices_are_neighbours_around_it(tmp_path, slices, few):
    store(tmp_path, slices)
    found = dict(judged_scans(tmp_path, PERSON))

    part, whole = found[f"{FEW_SLICES} axial slices"], found[MAIN_PROTOCOL]

    assert len(part) == few
    first = whole.planes[:, 0].tolist().index(part.planes[0, 0])
    assert np.array_equal(part.planes, whole.planes[first : first + few])
    assert found["one axial slice"].planes[0].tolist() in part.planes.tolist()


def test_rows_hold_what_the_network_says(tmp_path):
    scans = store(tmp_path, 8)
    network, tissue, heard = small_network(1), small_tissue_network(1), []

    rows = predict_people(network, tissue, [PERSON], 3, tmp_path, "cpu", lambda: heard.append(1))

    assert len(rows) == len(EVALUATION_PROTOCOLS) + 2 + RANDOM_SCANS
    assert heard == [1]
    raw = predict_age([network], as_slices(scans[0], "cpu"))
    row = rows[0]
    assert (row.participant_id, row.age_years, row.sex, row.fold) == ("sub-01", 44.0, "F", 3)
    assert row.locked == is_locked("sub-01")
    assert (row.protocol, row.plane, row.spacing_mm) == (MAIN_PROTOCOL, "axial", 6.0)
    assert (row.tilt_degrees, row.slices) == (7.5, 8)
    assert row.network_years == pytest.approx(raw.age_years, abs=1e-3)
    assert row.predicted_years == row.network_years
    assert row.spread_years == pytest.approx(raw.spread_years, abs=1e-3)


def test_the_tissue_network_speaks_where_slices_cover_the_brain(tmp_path):
    store(tmp_path, 21)
    tissue = small_tissue_network(1)

    rows = predict_people(small_network(1), tissue, [PERSON], 3, tmp_path, "cpu", lambda: None)

    said = {row.protocol: row.tissue_years for row in rows}
    maps = tissue_maps(as_slices(dict(judged_scans(tmp_path, PERSON))[MAIN_PROTOCOL], "cpu"))
    with torch.inference_mode():
        expected = float(tissue.age_years(maps[None]))
    assert said[MAIN_PROTOCOL] == pytest.approx(expected, abs=1e-3)
    assert math.isnan(said["one axial slice"])
    assert math.isnan(said[f"{FEW_SLICES} axial slices"])


def test_both_ages_are_put_together_where_there_are_two():
    row = out_of_fold_rows(3)[0]
    both = replace(row, network_years=50.0, tissue_years=60.0, predicted_years=50.0)
    alone = replace(both, tissue_years=math.nan)

    mixed = with_tissue_share([both, alone], 0.3)

    assert mixed[0].predicted_years == pytest.approx(53.0)
    assert (mixed[0].network_years, mixed[0].tissue_years) == (50.0, 60.0)
    assert mixed[1].predicted_years == 50.0


def test_the_share_is_that_with_the_least_error_of_open_people_on_the_main_scans():
    # The truth lies at 0.3 for open people on the main protocol; others must not be looked at.
    rows = [
        replace(
            row,
            network_years=row.age_years - 3.0,
            tissue_years=row.age_years + (7.0 if is_judged(row) else 1.0),
        )
        for row in out_of_fold_rows(40)
    ]
    assert any(row.locked for row in rows)

    assert choose_tissue_share(rows) == 0.3


def is_judged(row):
    """Say whether a choice may look at a row."""
    return row.protocol == MAIN_PROTOCOL and not row.locked


def test_a_stored_scan_is_what_the_network_sees():
    scan = stored_scan(5)

    slices = as_slices(scan, "cpu")

    assert np.allclose(slices.images, scan.images * IMAGE_STEP)
    assert np.allclose(slices.template, scan.template * TEMPLATE_STEP)
    assert np.array_equal(slices.planes, scan.planes)
    assert len(slices) == 5


def test_a_table_is_read_as_it_was_written(tmp_path):
    rows = out_of_fold_rows(12)

    write_rows(rows, tmp_path / "rows.csv")

    assert read_rows(tmp_path / "rows.csv") == rows
    assert {row.locked for row in rows} == {True, False}
    assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"]
