"""The same person again, in the panel."""

from __future__ import annotations

import numpy as np
import pytest
import slicer

import phantom
from two_scans import compare


def foregrounds() -> set[str | None]:
    composites = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
    return {each.GetForegroundVolumeID() for each in composites}


def legendOf(node):
    return slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(node)


def test_the_change_is_shown_with_plot_report_and_map(person, twoScans):
    from BrainAgeSlicer import followscene, results

    _first, later = twoScans()
    compare(person)

    text = person.ui.followLabel.text
    assert "+2.5 years a year" in text and "95 % interval" in text
    assert "Smallest change that means anything" in text and "Not a medical device" in text
    assert "More than scanning again" in text and "accelerat" not in text.lower()
    result = results.findResult(later)
    chart = result.part(followscene.CHART)
    assert chart is not None and person.ui.followPlotButton.enabled
    person.click(person.ui.followPlotButton)
    assert "Change." in result.part(followscene.REPORT).GetText()
    node, overlay = result.part(results.CHANGE_MAP), result.part(results.OVERLAY)
    assert np.array_equal(slicer.util.arrayFromVolume(node), slicer.util.arrayFromVolume(overlay))
    assert foregrounds() == {node.GetID()} and person.ui.changeCheckBox.checked
    left = [each for each in person.temporary.iterdir() if each.name.startswith("BrainAge-")]
    assert left == []


def test_it_lies_where_an_oblique_later_scan_lies(person, twoScans, tmp_path):
    from BrainAgeSlicer import results, volumes

    _first, later = twoScans()
    compare(person)

    node = results.findResult(later).part(results.CHANGE_MAP)
    assert np.allclose(volumes.ijkToRASOf(node), volumes.ijkToRASOf(later))


def test_the_map_has_a_legend_and_is_ticked_and_unticked(person, twoScans):
    from BrainAgeSlicer import results
    from test_panel_pictures import legendPixels

    _first, later = twoScans()
    result = results.findResult(later)
    assert (
        not person.ui.changeCheckBox.enabled and "press Compare" in person.ui.changeCheckBox.toolTip
    )
    person.click(person.ui.overlayCheckBox)
    compare(person)

    node, overlay = result.part(results.CHANGE_MAP), result.part(results.OVERLAY)
    assert "since first" in node.GetName() and not person.ui.overlayCheckBox.checked
    assert "Change of" in legendOf(node).GetTitleText() and legendOf(node).GetVisibility()
    assert not legendOf(overlay).GetVisibility() and legendPixels(person, "Red") > 50
    person.click(person.ui.changeCheckBox)
    assert foregrounds() == {None} and not legendOf(node).GetVisibility()
    person.click(person.ui.overlayCheckBox)
    assert foregrounds() == {overlay.GetID()} and legendOf(overlay).GetVisibility()
    assert "Change" not in legendOf(overlay).GetTitleText()


def test_the_map_stays_when_the_module_is_left_and_goes_with_its_scan(person, twoScans):
    from BrainAgeSlicer import results

    first, later = twoScans()
    compare(person)
    node = results.findResult(later).part(results.CHANGE_MAP)
    person.module.exit()
    assert foregrounds() == {node.GetID()} and legendOf(node).GetVisibility()
    person.module.enter()
    assert person.ui.changeCheckBox.checked and foregrounds() == {node.GetID()}
    person.ui.inputSelector.setCurrentNode(first)
    person.rest()
    assert foregrounds() == {None} and not legendOf(node).GetVisibility()


def test_what_was_found_in_each_scan_is_said(person, twoScans):
    found = {"code": "noise", "severity": "warn", "message": "The scan is noisy."}
    found |= {"value": 1.0, "limit": 0.5}
    twoScans(quality={"verdict": "warn", "findings": [found]})
    compare(person)

    text = person.ui.followLabel.text
    assert "\u2714" not in text
    assert "later: Warning: The scan is noisy." in text
    assert "\u26a0 later: Warning" in text
    assert "The error was measured on one scanner and protocol" in text


def test_what_the_gate_refused_in_a_forced_scan_has_the_sign_of_a_refusal(person, twoScans):
    found = {"code": "not_t1", "severity": "refuse", "message": "This is no T1."}
    found |= {"value": None, "limit": None}
    twoScans(quality={"verdict": "refuse", "findings": [found]})
    compare(person)

    text = person.ui.followLabel.text
    assert "\u2716 No change can be read from this" in text
    assert "\u2716 later: Refused: This is no T1." in text
    assert "The error was measured" not in text


def test_a_second_comparison_takes_the_place_of_the_first(person, twoScans):
    twoScans()
    compare(person)
    count = slicer.mrmlScene.GetNumberOfNodes()
    compare(person)

    assert slicer.mrmlScene.GetNumberOfNodes() == count


def test_one_scan_loaded_twice_is_warned_of(person, twoScans):
    same = {"input": {"sha256": "f" * 64}}
    twoScans(**same)
    compare(person)
    assert "are the same scan" not in person.ui.followLabel.text
    twoScans(ofFirst=same, **same)
    compare(person)
    assert "first and later are the same scan (the same file)" in person.ui.followLabel.text


def test_another_scanner_is_warned_of(person, twoScans):
    twoScans(scanner="Maker 3 T", slice_spacing_mm=5.0)
    compare(person)

    assert "slice spacing" in person.ui.followLabel.text
    assert "within one scanner and protocol" in person.ui.followLabel.text


def test_typed_years_go_before_ages_and_words_are_no_number(person, twoScans):
    twoScans()
    person.type(person.ui.yearsEdit, "5")
    compare(person)
    assert "+1.0 years a year" in person.ui.followLabel.text
    for text in ("soon", "nan", "inf"):
        person.type(person.ui.yearsEdit, text)
        compare(person)
        assert "are a number" in person.ui.messageLabel.text


def test_the_age_of_the_first_scan_alone_moves_no_years_since_it(person, twoScans):
    from BrainAgeSlicer import followscene, results

    _first, later = twoScans(ages=(60.0, None))
    person.type(person.ui.yearsEdit, "5")
    compare(person)

    chart = results.findResult(later).part(followscene.CHART)
    assert chart.GetXAxisTitle() == "Years since the first scan"
    series = chart.GetNthPlotSeriesNode(0)
    years = slicer.util.arrayFromTableColumn(series.GetTableNode(), series.GetXColumnName())
    assert list(years) == [0.0, 5.0]


@pytest.mark.parametrize(
    ("ages", "words"),
    [((60.0, 60.0), "of one time"), ((60.0, None), "nor an age"), ((62.0, 60.0), "other way")],
)
def test_what_is_no_change_is_said(person, twoScans, ages, words):
    twoScans(ages=ages)
    compare(person)

    assert words in person.ui.messageLabel.text
    assert not person.ui.followLabel.visible


def test_what_is_missing_is_said(person, head):
    assert not person.ui.compareButton.enabled
    assert "Choose an earlier scan" in person.ui.compareButton.toolTip
    person.ui.earlierSelector.setCurrentNode(phantom.addHead("other"))
    person.rest()
    assert "Both scans need a result" in person.ui.compareButton.toolTip


def test_a_worker_that_fails_is_said_and_the_numbers_stay(person, twoScans, worker):
    worker("error")
    twoScans()
    compare(person)

    assert "cannot be read" in person.ui.messageLabel.text
    assert "+2.5 years a year" in person.ui.followLabel.text
    assert not person.ui.followReportButton.enabled


def leftFolders(person) -> list[str]:
    return [each.name for each in person.temporary.iterdir() if each.name.startswith("BrainAge-")]


def test_it_can_be_cancelled_and_the_numbers_stay(person, twoScans, worker):
    worker("wait:follow")
    twoScans()
    person.click(person.ui.compareButton)
    person.rest(300)
    assert person.ui.compareButton.text == "Cancel" and len(leftFolders(person)) == 1
    person.click(person.ui.compareButton)
    person.wait(lambda: person.module.widget.panel._follow._run is None)
    assert person.ui.compareButton.text == "Compare" and person.ui.messageLabel.text == ""
    assert "+2.5 years a year" in person.ui.followLabel.text
    assert leftFolders(person) == [] and not person.ui.changeCheckBox.enabled


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("isOpen", [True, False])
def test_a_scan_that_is_removed_meanwhile_ends_it(person, twoScans, worker, which, isOpen):
    worker("wait:follow")
    nodes = twoScans()
    person.click(person.ui.compareButton)
    person.rest(300)
    if not isOpen:
        person.module.exit()
    slicer.mrmlScene.RemoveNode(nodes[which])
    person.rest()
    if not isOpen:
        person.module.enter()
    assert person.module.widget.panel._follow._run is None and leftFolders(person) == []
    assert not person.ui.followLabel.visible and not person.ui.compareButton.enabled


def test_a_scan_that_is_predicted_again_loses_its_comparison(person, twoScans):
    from BrainAgeSlicer import results

    _first, later = twoScans()
    compare(person)
    person.applyAndWait()
    assert results.findResult(later).part(results.CHANGE_MAP) is None
    assert not person.ui.changeCheckBox.checked and not person.ui.changeCheckBox.enabled
    assert person.ui.overlayCheckBox.checked and not person.ui.followLabel.visible


def test_a_full_disk_is_said_and_leaves_nothing(person, twoScans, monkeypatch):
    import tempfile

    def full(**_options):
        raise OSError(28, "No space left on device")

    twoScans()
    monkeypatch.setattr(tempfile, "mkdtemp", full)
    compare(person)
    assert "No space left" in person.ui.messageLabel.text
    assert "+2.5 years a year" in person.ui.followLabel.text and leftFolders(person) == []


def test_closing_the_scene_ends_it(person, twoScans):
    twoScans()
    compare(person)
    slicer.mrmlScene.Clear(0)
    person.rest()

    assert not person.ui.followPlotButton.enabled and not person.ui.compareButton.enabled
    assert not person.ui.followLabel.visible and person.ui.followLabel.text == ""
