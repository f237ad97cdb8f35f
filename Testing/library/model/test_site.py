"""A site's file is read strictly, and changes the line of the correction and nothing else."""

from __future__ import annotations

import copy
import json

import pytest

from BrainAgeLib.codec import Source, from_plain
from BrainAgeLib.errors import InputError
from BrainAgeLib.model.calibration import corrected_brain_age
from BrainAgeLib.model.card import read_card
from BrainAgeLib.model.ensemble import RawAge
from BrainAgeLib.model.interpretation import Interpreter
from BrainAgeLib.model.site import SiteCalibration, read_site
from BrainAgeLib.records import Correction, ModelRecord
from Testing.library.model_folders import knowing_model

MODEL = ModelRecord("small", "1", "ab" * 32, (18.0, 88.0))
DOCUMENT = {
    "schema_version": "1",
    "kind": "brainage site calibration",
    "notice": "Research use only.",
    "site": "Clinic A",
    "model": {"name": "small", "version": "1", "sha256": "ab" * 32},
    "people": 40,
    "age_range_years": [40.0, 80.0],
    "mean_age_years": 60.0,
    "classes": ["slices up to 7 mm apart"],
    "applied": {"offset_years": 3.0, "slope": 0.1},
    "estimated": {},
    "method": "least squares",
    "software": {"name": "SlicerBrainAge", "version": "0.1.0"},
}
GAP_LINE = Correction("de-lange-cole", "made up", 549, (18.0, 88.0), -0.2, 11.0)
AGE_LINE = Correction("cole", "made up", 549, (18.0, 88.0), 0.8, 11.0)


SITE = from_plain(SiteCalibration, DOCUMENT, Source("made up"))


def changed(**changes):
    return copy.deepcopy(DOCUMENT) | changes


def test_both_corrections_move_by_the_deviation():
    # A person of 70 whose raw age is what the site's line says: -0.2 * 70 + 11 + 3 + 0.1 * 10.
    raw_years = 70 - 14 + 11 + 3 + 1.0

    for line in (GAP_LINE, AGE_LINE):
        adapted = SITE.adapt(line)
        assert corrected_brain_age(raw_years, 70.0, adapted) == pytest.approx(70.0)
        assert (adapted.site, adapted.people) == ("Clinic A", 40)
        assert adapted.age_range_years == (40.0, 80.0)
        assert corrected_brain_age(raw_years, 39.0, adapted) is None


def test_findings_say_what_is_not_covered():

    assert SITE.findings(60.0, 60.0, "slices up to 7 mm apart") == ()
    assert SITE.findings(None, 60.0, "slices up to 7 mm apart") == ()
    codes = [item.code for item in SITE.findings(39.9, 60.0, "few slices")]
    assert codes == ["site_age_range", "site_acquisition"]


@pytest.mark.parametrize("of_site", [None, False, True])
@pytest.mark.parametrize("of_scan", [None, False, True])
def test_a_scan_of_the_other_kind_is_warned_of(of_site, of_scan):
    site = from_plain(SiteCalibration, changed(brain_extracted=of_site), Source("made up"))

    found = site.findings(60.0, 60.0, "slices up to 7 mm apart", of_scan)

    if None in (of_site, of_scan) or of_site == of_scan:
        assert found == ()
    else:
        (finding,) = found
        assert (finding.code, finding.severity) == ("site_acquisition", "warn")
        whole, bare = "whole head", "brain without its skull"
        assert (finding.value, finding.limit) == ((bare, whole) if of_scan else (whole, bare))


def test_interpreting_a_scan_takes_its_kind_to_the_site(small_model):
    site = from_plain(SiteCalibration, changed(brain_extracted=True), Source("made up"))
    reader, raw = (
        Interpreter(read_card(small_model), "de-lange-cole", site),
        RawAge(60.0, (60.0,), True),
    )
    codes = [
        [found.value for found in reader.interpret(raw, 60.0, 24, 6.0, has_no_skull).findings]
        for has_no_skull in (True, False)
    ]

    assert "whole head" not in codes[0] and "whole head" in codes[1]


@pytest.mark.parametrize(
    ("age_years", "raw_years", "severity", "value"),
    [
        (39.0, 60.0, "warn", 39.0),
        (39.0, 35.0, "warn", 39.0),
        (None, 35.0, "warn", None),
        (45.0, 35.0, "note", None),
    ],
)
def test_ages_outside_the_sites_are_told_but_never_the_raw_one(
    age_years, raw_years, severity, value
):
    (finding,) = SITE.findings(age_years, raw_years, "slices up to 7 mm apart")

    assert (finding.code, finding.severity, finding.value) == ("site_age_range", severity, value)
    assert ("no corrected gap" in finding.message) == (value is not None)
    assert "as wide as without --site" in finding.message


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        "text",
        {},
        changed(kind="something else"),
        changed(schema_version="2"),
        changed(schema_version=1),
        changed(extra=1),
        changed(brain_extracted="no"),
        {name: value for name, value in DOCUMENT.items() if name != "applied"},
        changed(site=""),
        changed(site="x" * 201),
        changed(site="a\x1b[31mb"),
        changed(site=["Clinic A"]),
        changed(people=2),
        changed(people=True),
        changed(people="40"),
        changed(people=40.0),
        changed(age_range_years=[80.0, 40.0]),
        changed(age_range_years=[40.0]),
        changed(age_range_years="40-80"),
        changed(age_range_years=[-1.0, 80.0]),
        changed(mean_age_years=90.0),
        changed(mean_age_years=None),
        changed(classes=[]),
        changed(classes={"a": 1}),
        changed(model=[]),
        changed(model={"name": "small"}),
        changed(applied=3.0),
        changed(applied={"offset_years": 51.0, "slope": 0.0}),
        changed(applied={"offset_years": 10**400, "slope": 0.0}),
        changed(applied={"offset_years": True, "slope": 0.0}),
        changed(applied={"offset_years": 3.0, "slope": -0.9}),
        changed(applied={"offset_years": 3.0}),
    ],
)
def test_what_is_no_calibration_is_refused_in_one_line(document, tmp_path):
    path = tmp_path / "site.json"
    path.write_text(json.dumps(document), "utf-8")

    with pytest.raises(InputError, match="is no site calibration") as caught:
        read_site(path, MODEL)

    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe\x00",
        b"{",
        json.dumps(DOCUMENT).replace("3.0", "NaN").encode(),
        json.dumps(DOCUMENT).replace("3.0", "Infinity").encode(),
        json.dumps(DOCUMENT).replace("3.0", "1e999").encode(),
        b"[" * 50_000,
        b"1" * 60_000,
        b" " * 200_000,
    ],
)
def test_what_is_no_json_is_refused(content, tmp_path):
    path = tmp_path / "site.json"
    path.write_bytes(content)

    with pytest.raises(InputError, match="is no site calibration"):
        read_site(path, MODEL)


@pytest.mark.parametrize("name", ["none.json", "", "a\0b"])
def test_a_file_that_is_not_there(name, tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_site(tmp_path / name, MODEL)


def test_a_calibration_of_other_weights_is_refused(tmp_path):
    path = tmp_path / "site.json"
    path.write_text(json.dumps(DOCUMENT), "utf-8")

    assert read_site(path, MODEL).site == "Clinic A"
    with pytest.raises(InputError, match="made for other weights of small 1"):
        read_site(path, ModelRecord("small", "1", "cd" * 32, (18.0, 88.0)))
    with pytest.raises(InputError, match="made for small 1, not small 2"):
        read_site(path, ModelRecord("small", "2", "cd" * 32, (18.0, 88.0)))
    # The same weights with another curve by age say other ages.
    with pytest.raises(InputError, match="made for small 1, not small 2"):
        read_site(path, ModelRecord("small", "2", MODEL.sha256, (18.0, 88.0)))


def test_the_interval_takes_in_the_sites_offset_and_the_percentile_stays(small_model):
    card, scan = read_card(small_model), (RawAge(66.0, (66.0,), True), 60.0, 24, 6.0)

    without, with_site = (
        Interpreter(card, "de-lange-cole", site).interpret(*scan) for site in (None, SITE)
    )

    low, high = without.interval_years
    assert with_site.interval_years == pytest.approx((low - 3.0, high + 3.0))
    assert (without.interval_covers, with_site.interval_covers) == (None, "this site")
    assert with_site.gap_percentile == without.gap_percentile
    # At the mean age of the site the line moves by the offset.
    assert with_site.corrected_brain_age_years == pytest.approx(
        without.corrected_brain_age_years - 3.0
    )
    assert with_site.correction.site == "Clinic A"
    assert without.correction.site is None


@pytest.mark.parametrize(("age_years", "off"), [(50.0, 2.0), (80.0, 5.0), (None, 5.0)])
def test_the_interval_takes_in_how_far_the_site_is_off_at_an_age(small_model, age_years, off):
    card, raw = read_card(small_model), RawAge(66.0, (66.0,), True)

    without, with_site = (
        Interpreter(card, "de-lange-cole", site).interpret(raw, age_years, 24, 6.0)
        for site in (None, SITE)
    )

    low, high = without.interval_years
    assert with_site.interval_years == pytest.approx((low - off, high + off))


@pytest.mark.parametrize("offset_years", [4.0, -4.0])
def test_how_far_a_site_is_off_has_no_sign(offset_years):
    applied = {"offset_years": offset_years, "slope": 0.25}
    site = from_plain(SiteCalibration, changed(applied=applied), Source("made up"))

    assert site.deviation_years(60.0 - 4 * offset_years) == pytest.approx(0.0)
    assert site.deviation_years(60.0) == pytest.approx(4.0)
    assert site.deviation_years(None) == pytest.approx(9.0)


@pytest.mark.parametrize(("age_years", "raw_years"), [(39.0, 60.0), (None, 35.0), (50.0, 35.0)])
def test_outside_the_sites_ages_the_interval_is_that_without_a_site(
    small_model, age_years, raw_years
):
    card = read_card(small_model)
    scan = (RawAge(raw_years, (raw_years,), True), age_years, 24, 6.0)
    without, with_site = (
        Interpreter(card, "de-lange-cole", site).interpret(*scan) for site in (None, SITE)
    )

    assert with_site.interval_years == without.interval_years
    assert with_site.interval_covers == without.interval_covers


def test_a_site_of_t1_scans_says_nothing_of_another_sequence(tmp_path):
    card = read_card(knowing_model(tmp_path))
    raw = RawAge(60.0, (60.0, 60.0), True, sequence="T2w")

    with_site, without = (
        Interpreter(card, "de-lange-cole", site).interpret(raw, 60.0, 20, 6.0)
        for site in (SITE, None)
    )

    assert with_site.interval_years == without.interval_years
    assert with_site.corrected_brain_age_years == without.corrected_brain_age_years
    assert with_site.correction.site is None
    (finding,) = with_site.findings
    assert (finding.code, finding.value) == ("site_acquisition", "T2w, axial 5+1 mm")
