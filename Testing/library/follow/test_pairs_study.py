"""The study of pairs of scans keeps to one model, and its page says what its figures say."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from BrainAgeLib.records import ModelRecord
from Testing.library.follow.made_people import ERROR
from Testing.studies._pages import PAGES, read_part
from Testing.studies.follow import _growing
from Testing.studies.follow._growing import CUTS, Row, Unseen, scan_everybody
from Testing.studies.follow.pairs import RESULTS, figures_of, page_of

MODEL = ModelRecord("small", "1", "a" * 64, (18.0, 90.0))
OTHERS = [
    replace(MODEL, name="other"),
    replace(MODEL, version="2"),
    replace(MODEL, sha256="b" * 64),
]


def rows_of(name, growths=tuple(CUTS), model=MODEL):
    """Return the rows of a person whose brain age follows its growth, less 0.1 for every cut."""
    return [
        Row(name, growth, cut, growth / 2, 60 + growth - cut / 10, f"{model.name} {model.version}",
            model.sha256)
        for growth in growths for cut in range(CUTS[growth])
    ]  # fmt: skip


@pytest.fixture
def scanned(monkeypatch, tmp_path):
    """Return a function that scans people by a model, and the names of those who were scanned."""
    names = []

    def scans_of(person, model):
        names.append(person.name)
        return rows_of(person.name, model=model)

    def scan(*people, model=MODEL):
        unseen = [Unseen(name, tmp_path / name, tmp_path / "member-0") for name in people]
        return scan_everybody(unseen, tmp_path / "pairs.csv", model)

    monkeypatch.setattr(_growing, "scans_of", scans_of)
    return scan, names


def test_a_run_that_was_stopped_goes_on_with_the_same_model(scanned):
    scan, names = scanned
    scan("sub-01")

    rows = scan("sub-01", "sub-02")

    assert names == ["sub-01", "sub-02"]
    assert rows == rows_of("sub-01") + rows_of("sub-02")


@pytest.mark.parametrize("other", OTHERS, ids=["name", "version", "sha256"])
def test_rows_of_another_model_are_refused_and_stay(scanned, tmp_path, other):
    scan, names = scanned
    scan("sub-01")
    before = (tmp_path / "pairs.csv").read_bytes()

    with pytest.raises(SystemExit, match=r"ages by small 1 \(sha256 a+\), not by .* --work"):
        scan("sub-01", "sub-02", model=other)

    assert names == ["sub-01"] and (tmp_path / "pairs.csv").read_bytes() == before


def test_rows_that_name_no_weights_are_refused(scanned, tmp_path):
    (tmp_path / "pairs.csv").write_text("person,growth_years,cut,wall_mm,brain_age_years,model\n")

    with pytest.raises(SystemExit, match="does not say which model"):
        scanned[0]("sub-01")


@pytest.mark.parametrize("other", OTHERS, ids=["name", "version", "sha256"])
def test_figures_are_of_one_model(other):
    with pytest.raises(ValueError, match="of 2 models"):
        figures_of(rows_of("sub-01") + rows_of("sub-02", model=other), ERROR)


def test_the_page_counts_who_could_not_be_made_to_grow_so_old():
    rows = rows_of("sub-01") + rows_of("sub-02", (0.0, 2.0)) + rows_of("sub-03", (0.0, 2.0))

    page = page_of(figures_of(rows, ERROR))

    assert "Without 5 years: 2 of 3 people. Moving the walls of the ventricles by 4 mm" in page
    assert "Without 2 years" not in page
    assert "Without" not in page_of(figures_of(rows_of("sub-01") + rows_of("sub-02"), ERROR))


def test_the_docs_say_what_the_kept_figures_say():
    kept = json.loads(RESULTS.read_text("utf-8"))

    assert read_part(PAGES / "cohort_statistics.md", "follow pairs") == page_of(kept)
