"""Scans of one person with results, and their comparison in the panel."""

from __future__ import annotations

import json

import phantom
import worker_files


def addScan(person, folder, name, brainAge, age, **acquisition):
    """Add a scan with a result as a run leaves it."""
    node = phantom.addHead(name)
    record = worker_files.record(
        brain_age_years=brainAge,
        chronological_age_years=age,
        gap_years=None if age is None else brainAge - age,
        corrected_gap_years=None if age is None else 65.2 - age,
    )
    record["model"] = record["model"] | {"name": "thick-slice"}
    record["quality"] = acquisition.pop("quality", record["quality"])
    record["input"] = record["input"] | acquisition.pop("input", {})
    record["acquisition"] = record["acquisition"] | acquisition
    folder.mkdir(parents=True)
    worker_files.addResult(node, folder, json.loads(json.dumps(record)))
    return node


def compare(person) -> None:
    """Press Compare and wait for the end."""
    person.click(person.ui.compareButton)
    person.wait(lambda: person.module.widget.panel._follow._run is None)
