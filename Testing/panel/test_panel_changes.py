"""A scan that is changed in other modules while its age is predicted, or later."""

from __future__ import annotations

import slicer


def double(node) -> None:
    slicer.util.arrayFromVolume(node)[:] *= 2
    slicer.util.arrayFromVolumeModified(node)


def test_a_changed_image_is_no_longer_what_the_age_is_of(person, head):
    ui = person.ui
    person.applyAndWait()
    assert not ui.stateLabel.visible
    double(head)
    person.rest()
    assert "The image was changed since this prediction" in ui.stateLabel.text
    person.applyAndWait()
    assert not ui.stateLabel.visible


def test_an_image_that_is_changed_in_mid_run_is_told_of(person, head, worker):
    worker("busy")
    person.click(person.ui.applyButton)
    person.wait(person.workers)
    double(head)
    person.wait(lambda: person.ui.applyButton.text == "Apply")
    assert person.ui.brainAgeLabel.text == "67.4 years"
    assert "The image was changed since this prediction" in person.ui.stateLabel.text


def test_an_image_of_another_number_type_is_the_same(person, head):
    person.applyAndWait()
    voxels = slicer.util.arrayFromVolume(head)
    slicer.util.updateVolumeFromArray(head, voxels.astype("float64"))
    person.rest()
    assert not person.ui.stateLabel.visible


def test_a_scan_that_is_renamed_has_its_new_name_everywhere(person, head):
    person.applyAndWait()
    head.SetName("renamed")
    person.rest()
    assert person.ui.titleLabel.text == "Raw brain age of renamed"
