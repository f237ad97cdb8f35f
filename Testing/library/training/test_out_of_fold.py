"""Who is judged on what, and the table of it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from BrainAgeLib.model.predict import maps_of_scan, predict_age
from BrainAgeLib.model.slice_model import FEW_SLICES, VENTRICLE_HEIGHT_MM
from BrainAgeLib.training.out_of_fold import (
    MAIN_PROTOCOL,
    RANDOM_PROTOCOL,
    choose_network_share,
    judged_parts,
    judged_scans,
    predict_people,
    read_rows,
    with_network_share,
    write_rows,
)
from BrainAgeLib.training.people import Person, is_locked
from BrainAgeLib.training.simulated_scans import (
    EVALUATION_PROTOCOLS,
    IMAGE_STEP,
    TEMPLATE_STEP,
    as_slices,
)
from Testing.library.model_folders import (
    out_of_fold_rows,
    small_member,
)
from Testing.library.stored_scans import quick_alignment, same_scans, store_person, stored_scan

PERSON = Person("sub-01", 44.0, "F", None)


@pytest.fixture(scope="module", autouse=True)
def _quickly():
    with quick_alignment():
        yield


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """Return the folder of a person's stored scans, and the scans."""
    folder = tmp_path_factory.mktemp("stored")
    return folder, store_person(folder, PERSON)


def test_a_person_is_judged_on_every_protocol_and_one_random_scan(stored):
    folder, scans = stored

    found = list(judged_scans(folder, PERSON))

    assert [name for name, _ in found] == [*EVALUATION_PROTOCOLS, RANDOM_PROTOCOL]
    assert same_scans([scan for _, scan in found], scans[: len(EVALUATION_PROTOCOLS) + 1])


def test_the_single_slice_is_that_nearest_to_the_ventricles():
    whole = stored_scan(21)

    one = dict(judged_parts(whole))["one axial slice"]

    (height,) = one.mid_brain_heights_mm
    distances = np.abs(whole.mid_brain_heights_mm - VENTRICLE_HEIGHT_MM)
    assert abs(height - VENTRICLE_HEIGHT_MM) == pytest.approx(distances.min())


@pytest.mark.parametrize(("slices", "few"), [(21, FEW_SLICES), (FEW_SLICES, FEW_SLICES), (4, 4)])
def test_few_slices_are_neighbours_around_it(slices, few):
    whole = stored_scan(slices)
    found = dict(judged_parts(whole))

    part = found[f"{FEW_SLICES} axial slices"]

    assert len(part) == few
    first = whole.planes[:, 0].tolist().index(part.planes[0, 0])
    assert np.array_equal(part.planes, whole.planes[first : first + few])
    assert found["one axial slice"].planes[0].tolist() in part.planes.tolist()


@pytest.fixture(scope="module")
def predicted(stored):
    """Return a member, the rows of its predictions, and what was reported."""
    member, heard = small_member(1), []
    rows = predict_people(member, [PERSON], 3, stored[0], "cpu", lambda: heard.append(1))
    return member, rows, heard


def test_a_row_for_each_scan_and_part(predicted):
    _, rows, heard = predicted

    assert [row.protocol for row in rows] == [
        *EVALUATION_PROTOCOLS,
        RANDOM_PROTOCOL,
        "one axial slice",
        f"{FEW_SLICES} axial slices",
    ]
    assert heard == [1]
    row = rows[0]
    assert (row.participant_id, row.age_years, row.sex, row.fold) == ("sub-01", 44.0, "F", 3)
    assert row.locked == is_locked("sub-01")
    assert (row.protocol, row.plane, row.spacing_mm) == (MAIN_PROTOCOL, "axial", 6.0)
    assert (row.tilt_degrees, row.slices) == (7.5, 21)
    assert [row.slices for row in rows[-2:]] == [1, FEW_SLICES]


def test_rows_hold_what_prediction_says_of_the_same_scans(predicted, stored):
    member, rows, _ = predicted
    for row, scan in zip(rows[:-2], stored[1], strict=False):
        maps = maps_of_scan(as_slices(scan, "cpu"))
        with torch.inference_mode():
            network = float(member.network.age_years(maps.whole.network))
            regional = float(member.regional(maps.whole.regional))
        # Stored maps are rounded.
        assert row.network_years == pytest.approx(network, abs=0.05)
        assert row.regional_years == pytest.approx(regional, abs=0.05)
        assert math.isnan(row.predicted_years)  # until both are put together


def test_parts_are_for_the_slice_model_alone(predicted, stored):
    member, rows, _ = predicted
    for row, (_, part) in zip(rows[-2:], judged_parts(stored[1][0]), strict=True):
        raw = predict_age([member], maps_of_scan(as_slices(part, "cpu")), 0.5)
        assert row.predicted_years == pytest.approx(raw.age_years, abs=1e-3)
        assert math.isnan(row.network_years)
        assert math.isnan(row.regional_years)


def test_whole_scans_with_holes_are_for_the_slice_model_too(tmp_path):
    scans = store_person(tmp_path, PERSON, slices=7)
    member = small_member(1)

    rows = predict_people(member, [PERSON], 0, tmp_path, "cpu", lambda: None)

    for row, scan in zip(rows[:-2], scans, strict=False):
        assert math.isnan(row.regional_years)
        expected = member.slices.age_years(as_slices(scan, "cpu"))
        assert row.predicted_years == pytest.approx(expected, abs=1e-3)


def test_both_ages_are_put_together_where_there_are_two():
    row = out_of_fold_rows(3)[0]
    both = replace(row, network_years=50.0, regional_years=60.0, predicted_years=50.0)
    alone = replace(both, regional_years=math.nan)

    mixed = with_network_share([both, alone], 0.7)

    assert mixed[0].predicted_years == pytest.approx(53.0)
    assert (mixed[0].network_years, mixed[0].regional_years) == (50.0, 60.0)
    assert mixed[1].predicted_years == 50.0


def test_the_share_is_that_with_the_least_error_of_open_people_on_the_main_scans():
    # The truth lies at 0.7 for open people on the main protocol; others must not be looked at.
    rows = [
        replace(
            row,
            network_years=row.age_years - 3.0,
            regional_years=row.age_years + (7.0 if is_judged(row) else 1.0),
        )
        for row in out_of_fold_rows(40)
    ]
    assert any(row.locked for row in rows)

    assert choose_network_share(rows) == 0.7


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

    found = read_rows(tmp_path / "rows.csv")
    assert str(found) == str(rows)  # NaN is not equal to itself
    assert {row.locked for row in rows} == {True, False}
    assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"]
