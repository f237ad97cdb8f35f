"""Who is judged on what, and the table of it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from BrainAgeLib.model.brain_maps import FEW_SLICES, VENTRICLE_HEIGHT_MM
from BrainAgeLib.model.card import OWN_EXPERTS, OWN_KINDS, OWN_NETWORK
from BrainAgeLib.model.ensemble import predict_age
from BrainAgeLib.template.scan_maps import maps_of_scan
from BrainAgeLib.training.out_of_fold import (
    MAIN_PROTOCOL,
    ONE_SLICE,
    RANDOM_PROTOCOL,
    SEQUENCE_PROTOCOLS,
    SOME_SLICES,
    parts_of_scan,
    predict_people,
    read_rows,
    rows_of_sequences,
    whole_scans,
    write_rows,
)
from BrainAgeLib.training.people import Person, is_held_out
from BrainAgeLib.training.simulate import EVALUATION_PROTOCOLS, IMAGE_STEP, TEMPLATE_STEP, as_slices
from BrainAgeLib.training.store import (
    evaluation_file,
    maps_file,
    sequences_file,
    training_file,
    write_scans,
)
from BrainAgeLib.training.stored_maps import write_maps
from Testing.library.model_folders import (
    BLEND,
    out_of_fold_rows,
    small_member,
    small_network,
    small_regional_model,
    with_sequence_rows,
)
from Testing.library.stored_scans import same_scans, store_person, stored_scan

PERSON = Person("sub-01", 44.0, "F", None)

pytestmark = pytest.mark.usefixtures("aligned_quickly")


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """Return the folder of a person's stored scans, and the scans."""
    folder = tmp_path_factory.mktemp("stored")
    return folder, store_person(folder, PERSON)


def test_a_person_is_judged_on_every_protocol_and_one_random_scan(stored):
    folder, scans = stored

    whole = whole_scans(folder, PERSON)

    assert list(whole) == [*EVALUATION_PROTOCOLS, RANDOM_PROTOCOL]
    assert same_scans([*whole.values()], scans[: len(EVALUATION_PROTOCOLS) + 1])


def test_the_single_slice_is_that_nearest_to_the_ventricles():
    whole = stored_scan(21)

    one = parts_of_scan(whole)[ONE_SLICE]

    (height,) = one.mid_brain_heights_mm
    distances = np.abs(whole.mid_brain_heights_mm - VENTRICLE_HEIGHT_MM)
    assert abs(height - VENTRICLE_HEIGHT_MM) == pytest.approx(distances.min())


@pytest.mark.parametrize(("slices", "few"), [(21, FEW_SLICES), (FEW_SLICES, FEW_SLICES), (4, 4)])
def test_few_slices_are_neighbours_around_it(slices, few):
    whole = stored_scan(slices)
    parts = parts_of_scan(whole)

    part = parts[SOME_SLICES]

    assert len(part) == few
    first = whole.planes[:, 0].tolist().index(part.planes[0, 0])
    assert np.array_equal(part.planes, whole.planes[first : first + few])
    assert parts[ONE_SLICE].planes[0].tolist() in part.planes.tolist()


@pytest.fixture(scope="module")
def predicted(stored):
    """Return a member, the rows of its predictions, and what was reported."""
    member, heard = small_member(1), []
    rows = predict_people(member, {}, [PERSON], 3, stored[0], lambda: heard.append(1))
    return member, rows, heard


def test_a_row_for_each_scan_and_part(predicted):
    _, rows, heard = predicted

    assert [row.protocol for row in rows] == [
        *EVALUATION_PROTOCOLS,
        RANDOM_PROTOCOL,
        ONE_SLICE,
        SOME_SLICES,
    ]
    assert heard == [1]
    row = rows[0]
    assert (row.participant_id, row.age_years, row.sex, row.fold) == ("sub-01", 44.0, "F", 3)
    assert row.held_out == is_held_out("sub-01")
    assert (row.protocol, row.plane, row.spacing_mm) == (MAIN_PROTOCOL, "axial", 6.0)
    assert (row.tilt_degrees, row.slices) == (7.5, 21)
    assert [row.slices for row in rows[-2:]] == [1, FEW_SLICES]


def test_rows_hold_what_prediction_says_of_the_same_scans(predicted, stored):
    member, rows, _ = predicted
    for row, scan in zip(rows[:-2], stored[1], strict=False):
        maps = maps_of_scan(as_slices(scan, "cpu"))
        assert row.covers_brain
        assert set(row.by_kind) == {"network", "regional"}
        for kind, years in row.by_kind.items():
            # Stored maps are rounded.
            assert years == pytest.approx(member[kind].age_years(maps), abs=0.05)
        assert math.isnan(row.predicted_years)  # until they are put together


def test_parts_are_for_the_slice_model_alone(predicted, stored):
    member, rows, _ = predicted
    for row, part in zip(rows[-2:], parts_of_scan(stored[1][0]).values(), strict=True):
        raw = predict_age([member], maps_of_scan(as_slices(part, "cpu")), BLEND)
        assert row.by_kind == {"slices": pytest.approx(raw.age_years, abs=1e-3)}
        assert not row.covers_brain


def test_own_models_speak_of_their_sequence_beside_the_others(with_sequences):
    folder, others = with_sequences
    member, own = (
        small_member(1),
        {"T2w": {OWN_EXPERTS: small_regional_model(7), OWN_NETWORK: small_network(9)}},
    )

    rows = rows_of_sequences(member, own, PERSON, 3, folder)

    assert [set(row.by_kind) for row in rows] == [
        {"network", "regional", *OWN_KINDS},
        {"network", "regional"},
    ]
    maps = maps_of_scan(as_slices(others[0], "cpu"))
    for kind, model in own["T2w"].items():
        assert rows[0].by_kind[kind] == pytest.approx(model.age_years(maps), abs=0.05)


def test_whole_scans_with_holes_are_for_the_slice_model_too(tmp_path):
    scans = store_person(tmp_path, PERSON, slices=7)
    member = small_member(1)

    rows = predict_people(member, {}, [PERSON], 0, tmp_path, lambda: None)

    for row, scan in zip(rows[:-2], scans, strict=False):
        expected = member["slices"].age_years(maps_of_scan(as_slices(scan, "cpu")))
        assert row.by_kind == {"slices": pytest.approx(expected, abs=1e-3)}


@pytest.fixture
def with_sequences(stored, tmp_path):
    """Return a folder of that person's scans with some of other sequences, of which one has holes.

    Those are made-up slices like the others.
    """
    others = [stored_scan(slices, seed=50 + n) for n, slices in enumerate((21, 7, 21))]
    (tmp_path / "scans").mkdir()
    for make in (maps_file, evaluation_file, training_file):
        make(tmp_path, PERSON).symlink_to(make(stored[0], PERSON))
    write_scans(tmp_path / "slices.npz", others)
    write_maps(tmp_path / "maps.npz", others)
    arrays = {**np.load(tmp_path / "slices.npz"), **np.load(tmp_path / "maps.npz")}
    np.savez(sequences_file(tmp_path, PERSON), **arrays)
    return tmp_path, others


def test_scans_of_other_sequences_that_cover_the_brain_have_rows_of_their_own(
    with_sequences, predicted
):
    folder, others = with_sequences
    member, rows, _ = predicted

    found = predict_people(member, {}, [PERSON], 3, folder, lambda: None)

    names = list(SEQUENCE_PROTOCOLS.values())
    assert names == [f"{n}, axial 5+1 mm" for n in ("T2w", "FLAIR", "T1w after contrast")]
    assert [row.protocol for row in found[len(rows) :]] == [names[0], names[2]]
    # By text, since NaN is not like itself.
    assert [str(row) for row in found[: len(rows)]] == [str(row) for row in rows]
    for row, scan in zip(found[len(rows) :], [others[0], others[2]], strict=True):
        maps = maps_of_scan(as_slices(scan, "cpu"))
        assert row.slices == 21
        for kind, years in row.by_kind.items():
            assert years == pytest.approx(member[kind].age_years(maps), abs=0.05)


def test_a_stored_scan_is_what_the_network_sees():
    scan = stored_scan(5)

    slices = as_slices(scan, "cpu")

    assert np.allclose(slices.images, scan.images * IMAGE_STEP)
    assert np.allclose(slices.template, scan.template * TEMPLATE_STEP)
    assert np.array_equal(slices.planes, scan.planes)
    assert len(slices) == 5


def test_a_table_is_read_as_it_was_written(tmp_path):
    rows = with_sequence_rows(out_of_fold_rows(12), own=("T2w",))

    write_rows(rows, tmp_path / "rows.csv")

    assert read_rows(tmp_path / "rows.csv") == rows
    assert {row.held_out for row in rows} == {True, False}
    assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"]
