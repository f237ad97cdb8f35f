"""The module's own test class, which "Reload and Test" runs in Slicer itself."""

from __future__ import annotations

import sys
import unittest

import slicer


def test_the_modules_own_test_passes(person, monkeypatch):
    from test_panel_real import loadVolume

    monkeypatch.setattr(slicer.util, "loadVolume", lambda path: loadVolume(path))
    person.useWorker("anywhere")
    result = unittest.TestResult()
    sys.modules["BrainAge"].BrainAgeTest().run(result)
    assert result.testsRun == 1
    assert result.wasSuccessful(), result.failures + result.errors
    assert len(person.workers()) == 1


def test_the_modules_own_test_can_fail(person, monkeypatch):
    from test_panel_real import loadVolume

    monkeypatch.setattr(slicer.util, "loadVolume", lambda path: loadVolume(path))
    person.useWorker("refused")
    result = unittest.TestResult()
    sys.modules["BrainAge"].BrainAgeTest().run(result)
    assert not result.wasSuccessful()


def test_the_modules_own_test_is_skipped_where_packages_are_missing(person, monkeypatch):
    """Slicer installs nothing while its tests run, and asks nobody."""
    from BrainAgeSlicer import dependencies

    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", lambda *_details: False)
    monkeypatch.setattr(dependencies, "_missingPackages", lambda _path: ["deepbet>=1.0.2"])
    result = unittest.TestResult()
    sys.modules["BrainAge"].BrainAgeTest().run(result)
    assert result.wasSuccessful() and len(result.skipped) == 1
    assert "Nothing was installed" in result.skipped[0][1] and person.workers() == []
