"""The codes of findings: documented, used, and plain text wherever they are written."""

from __future__ import annotations

import csv
import io
import json
import re

from BrainAgeLib.findings import FindingCode
from BrainAgeLib.records import Finding
from Testing.library.walls import LIBRARY, PROJECT


def test_the_documentation_lists_exactly_the_codes():
    page = (PROJECT / "docs" / "quality.md").read_text("utf-8")
    listed = re.findall(r"^\| `(\w+)` \| (?:note|warn|refuse)", page, re.MULTILINE)

    assert sorted(listed) == sorted(code.value for code in FindingCode)


def test_every_code_can_be_found():
    others = (path for path in LIBRARY.rglob("*.py") if path.name != "findings.py")
    source = "\n".join(path.read_text("utf-8") for path in others)

    assert not [code.name for code in FindingCode if f"FindingCode.{code.name}" not in source]


def test_a_code_is_written_as_its_text():
    finding = Finding(FindingCode.NOT_T1, "refuse", "This is no T1.")
    table = io.StringIO()
    csv.writer(table).writerow([finding.code])

    assert finding == Finding("not_t1", "refuse", "This is no T1.")
    assert table.getvalue().strip() == f"{finding.code}" == "not_t1"
    assert json.dumps([finding.code]) == '["not_t1"]'
