"""Tables of a dataset, written and asked."""

from __future__ import annotations

import json

import pytest

from BrainAgeLib.tables.participants import Participants


@pytest.fixture
def facts_of(tmp_path):
    """Return what writes a table and asks it about scans."""

    def ask(table, *visits, units=None, beside=None):
        content = table if isinstance(table, bytes) else table.encode()
        (tmp_path / "participants.tsv").write_bytes(content)
        if units is not None:
            (tmp_path / "participants.json").write_text(json.dumps(units))
        for name, text in (beside or {}).items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text)
        people = Participants(tmp_path, visits)
        found = [people.facts(*visit, "_".join(filter(None, visit)) + ".nii") for visit in visits]
        people.tell_who_is_missing()
        people.tell_unclear_sexes()
        return found

    return ask
