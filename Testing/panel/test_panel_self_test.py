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
