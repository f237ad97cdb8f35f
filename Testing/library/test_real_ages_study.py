"""The study of real scans of people of known age: what is counted, and as what."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

from BrainAgeLib.records import Quality
from Testing.library.report.conftest import WARNING, person, refused
from Testing.studies.network import real_ages as study


def scan_of(name, session, shows, age_years, brain_age_years, findings=(), half_width_years=10.0):
    """Return a scan with these findings; without a brain age one that was refused."""
    if brain_age_years is None:
        return study.AgedScan(name, session, shows, age_years, refused(person()))
    interval = brain_age_years - half_width_years, brain_age_years + half_width_years
    record = replace(
        person(),
        brain_age_years=brain_age_years,
        interval_years=interval,
        quality=Quality(findings),
    )
    return study.AgedScan(name, session, shows, age_years, record)


def cells(text, what):
    """Return the cells of a line by the names of their columns."""
    (line,) = (row for row in text.splitlines() if row.startswith(f"| {what} |"))
    return dict(zip(study.HEAD, line[2:-2].split(" | "), strict=True))


def test_errors_are_of_the_age_and_differences_of_the_session():
    scans = [
        scan_of("sub-1", "1", "T1w", 20.0, 26.0),
        scan_of("sub-1", "2", "T1w", 21.0, 23.0),
        scan_of("sub-2", "1", "T1w", 50.0, 38.0),
        scan_of("sub-1", "1", "FLAIR", 20.0, 31.0),
        scan_of("sub-2", "1", "FLAIR", 50.0, None),
        scan_of("sub-3", "1", "FLAIR", 40.0, 45.0),  # without a T1
        scan_of("sub-3", "1", "T2w", 40.0, 55.0, (WARNING,)),
        scan_of("sub-3", "1", "T2w after contrast", 40.0, None),
    ]

    text = study.markdown(scans)

    t1, flair, t2 = (cells(text, what) for what in ("T1w", "FLAIR", "T2w"))
    assert t1["scans (people)"] == "3 (2)"
    # One person is off by +6 and +2, the other by -12.
    assert (t1["raw MAE (95 % interval)"], t1["mean error"]) == ("8.0", "-4.0")
    assert t1["mean error up to 30 (people)"] == "+4.0 (1)"
    assert (t1["interval holds"], t1["`pass` and outside"]) == ("2 of 3", "1")
    assert t1["less the T1 of the session: mean"] == ""
    assert (flair["scans (people)"], flair["refused"]) == ("3 (3)", "1")
    assert (flair["raw MAE (95 % interval)"], flair["interval holds"]) == ("8.0", "1 of 2")
    assert (flair["less the T1 of the session: mean"], flair["largest"]) == ("+5.0", "+5.0")
    assert (t2["interval holds"], t2["`pass` and outside"]) == ("0 of 1", "0")
    assert cells(text, "T2w after contrast")["refused"] == "1"


def test_an_interval_is_of_people_not_of_scans():
    scans = [scan_of(f"sub-{n}", "1", "T1w", 50.0, 50.0 + n) for n in (1, 2, 3)]
    once = cells(study.markdown(scans), "T1w")
    again = cells(study.markdown(scans * 9), "T1w")
    alone = study.markdown([scan_of("sub-1", "1", "FLAIR", 50.0, 60.0)])

    assert "T1w" not in alone.split("---", 1)[1]

    assert once["raw MAE (95 % interval)"] == again["raw MAE (95 % interval)"]
    assert once["raw MAE (95 % interval)"].startswith("**2.0** (")


def test_scans_are_those_of_the_table(tmp_path, monkeypatch):
    rows = ["file\tparticipant_id\tsession\tage", "sub-1_ses-2_T1w.nii.gz\tsub-1\t2\t20.5"]
    rows += ["sub-2_desc-brain_ce-gd_T1w.nii.gz\tsub-2\t\t40", "sub-2_bold.nii.gz\tsub-2\t1\t40"]
    (tmp_path / "participants.tsv").write_text("\n".join(rows), "utf-8")
    seen = []

    def run(path, options):
        seen.append((path.name, options.brain_extracted, options.force))
        return SimpleNamespace(prediction=person())

    monkeypatch.setattr(study, "run", run)
    first, second = study.scans_of([tmp_path], None)

    assert (first.participant_id, first.session, first.shows) == ("sub-1", "2", "T1w")
    assert (second.session, second.shows, second.age_years) == ("1", "T1w after contrast", 40.0)
    assert seen == [(rows[1].split("\t")[0], False, False), (rows[2].split("\t")[0], True, False)]
