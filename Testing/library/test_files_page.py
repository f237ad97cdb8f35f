"""The page on files names every field and column that is written."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest

from BrainAgeLib.batch import sessions
from BrainAgeLib.batch.table import COLUMNS, Decision
from BrainAgeLib.batch.work import Failure
from BrainAgeLib.cohort.estimates import Estimate
from BrainAgeLib.model.site import SiteCalibration
from BrainAgeLib.records import (
    Acquisition,
    Correction,
    Finding,
    InputRecord,
    ModelRecord,
    RegionLeaning,
    SoftwareRecord,
    Timings,
)
from BrainAgeLib.report.record import FIELDS, ONLY_IF_ASKED_FOR
from Testing.library.walls import LIBRARY, PROJECT

PAGE = (PROJECT / "docs" / "files.md").read_text("utf-8")
NAMED = {name for words in re.findall(r"`([^`]+)`", PAGE) for name in words.split()}
INSIDE = (Acquisition, Correction, Finding, InputRecord, ModelRecord, RegionLeaning)
OF_A_SESSION = re.compile(r"(T1w_after_contrast_|T1w_|T2w_|FLAIR_|together_)")


def names_of(*kinds):
    return {entry.name for kind in kinds for entry in fields(kind)}


@pytest.mark.parametrize(
    "written",
    [
        {*FIELDS, ONLY_IF_ASKED_FOR, "verdict"},
        names_of(*INSIDE, SoftwareRecord, Timings),
        set(COLUMNS),
        names_of(Decision, Failure, Estimate),
        {OF_A_SESSION.sub("", name) for name in sessions.COLUMNS},
        set(OF_A_SESSION.findall(" ".join(sessions.COLUMNS))),
        names_of(SiteCalibration) - {"schema_version", "kind"},
    ],
    ids=["record", "in-it", "results", "rows", "sessions", "sequences", "site"],
)
def test_the_page_names_what_is_written(written):
    assert written - NAMED == set()


def test_the_page_names_the_columns_of_changes():
    source = (LIBRARY / "follow" / "tables.py").read_text("utf-8")
    header = source.partition("writer.writerow(\n")[2].partition("\n    )\n")[0]
    columns = set(re.findall(r'"(\w+)"', header))

    assert len(columns) == 13
    assert columns - NAMED == set()
