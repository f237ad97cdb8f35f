"""Pictures of the panel, for people to look at; what can be told by a program is asserted."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest

WIDTH = 440
NARROW = 420
DARK = {
    "Window": "#2b2b2b",
    "WindowText": "#e8e8e8",
    "Base": "#1e1e1e",
    "Text": "#e8e8e8",
    "Button": "#3a3a3a",
    "ButtonText": "#e8e8e8",
    "AlternateBase": "#333333",
    "PlaceholderText": "#9a9a9a",
    "Highlight": "#2f65ca",
    "HighlightedText": "#ffffff",
}


def setTheme(dark: bool) -> None:
    import qt

    application = qt.QApplication.instance()
    application.setStyle("Fusion")
    palette = application.style().standardPalette()
    if dark:
        for name, color in DARK.items():
            palette.setColor(getattr(qt.QPalette, name), qt.QColor(color))
        for name in ("WindowText", "Text", "ButtonText"):
            grey = qt.QColor(DARK["PlaceholderText"])
            palette.setColor(qt.QPalette.Disabled, getattr(qt.QPalette, name), grey)
    application.setPalette(palette)


def grab(person, scale: float, width: int = WIDTH):
    """Return the panel as drawn at a scale, whole: as tall as it wants to be."""
    import qt

    parent = person.module.parent
    for _try in range(2):  # as the scroll area of the window does
        parent.resize(width, max(parent.heightForWidth(width), 300))
        person.rest(50)
    image = qt.QImage(parent.size * scale, qt.QImage.Format_RGB32)
    image.setDevicePixelRatio(scale)
    parent.render(image)
    return image


def cutOff(person) -> list[str]:
    """Return the visible labels and buttons that have less room than their text needs."""
    import qt

    found = []
    for widget in person.module.parent.findChildren(qt.QWidget):
        if not widget.visible or not isinstance(widget, qt.QLabel | qt.QPushButton | qt.QCheckBox):
            continue
        wraps = isinstance(widget, qt.QLabel) and widget.wordWrap
        needed = widget.heightForWidth(widget.width) if wraps else widget.sizeHint().height()
        if widget.height < needed or widget.width < widget.minimumSizeHint().width():
            found.append(widget.name)
    return found


def folder(tmp_path: Path) -> Path:
    kept = Path(os.environ.get("BRAINAGE_PICTURES", tmp_path))
    kept.mkdir(parents=True, exist_ok=True)
    return kept


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("scale", [1.0, 2.0], ids=["100", "200"])
def test_the_result_is_readable(person, head, tmp_path, dark, scale):
    setTheme(dark)
    person.type(person.ui.ageEdit, "63")
    person.applyAndWait()
    image = grab(person, scale)
    name = f"panel_{'dark' if dark else 'light'}_{round(100 * scale)}.png"
    image.save(str(folder(tmp_path) / name))
    assert cutOff(person) == []
    setTheme(False)


def test_the_advanced_choices_are_readable_and_narrow(person, head, tmp_path):
    person.click(person.ui.advancedButton._button)
    person.rest()
    grab(person, 2.0, width=NARROW).save(str(folder(tmp_path) / "panel_advanced.png"))
    assert person.ui.sequenceComboBox.visible
    assert person.module.parent.minimumSizeHint().width() <= NARROW
    assert cutOff(person) == []


@pytest.fixture
def compared(person, tmp_path):
    """Return a function that compares two scans of one person, of other scanners and warned of."""
    from two_scans import addScan, compare

    def make():
        first = addScan(person, tmp_path / "a", "T1 2024", 61.0, 60.5)
        noisy = {"code": "noise", "severity": "warn", "message": "The scan is noisy.", "limit": 0.1}
        later = addScan(
            *(person, tmp_path / "b", LONG_NAME, 66.0, 62.5),
            quality={"verdict": "warn", "findings": [noisy | {"value": 0.2}]},
            scanner="Maker 3 T",
            slice_spacing_mm=5.0,
        )
        person.rest()
        person.ui.followButton.collapsed = False
        person.ui.inputSelector.setCurrentNode(later)
        person.ui.earlierSelector.setCurrentNode(first)
        person.rest()
        compare(person)

    return make


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("scale", [1.0, 2.0], ids=["100", "200"])
def test_a_change_is_readable(person, compared, tmp_path, dark, scale):
    import offscreen

    setTheme(dark)
    compared()
    name = f"change_{'dark' if dark else 'light'}_{round(100 * scale)}"
    grab(person, scale).save(str(folder(tmp_path) / f"{name}.png"))
    picture = person.world.view("Red").picture()
    offscreen.savePicture(picture, folder(tmp_path) / f"{name}_view.png")
    assert cutOff(person) == [] and legendPixels(person, "Red") > 50
    setTheme(False)


def test_a_change_at_12_points_is_narrow(person, compared, fontOf, tmp_path):
    fontOf(12)
    compared()
    grab(person, 1.0, width=NARROW).save(str(folder(tmp_path) / "change_12_points.png"))
    assert person.module.parent.minimumSizeHint().width() <= NARROW
    assert cutOff(person) == []


@pytest.fixture
def fontOf(person):
    """Return a function that starts the panel anew with a font of so many points."""
    import qt

    application = qt.QApplication.instance()
    before = application.font()

    def use(points: float) -> None:
        font = qt.QFont(before)
        font.setPointSizeF(points)
        application.setFont(font)
        person.module.widget.onReload()  # as when Slicer starts with such a font
        person.useWorker("ok")

    yield use
    application.setFont(before)


def test_large_fonts_are_not_cut_off(person, head, fontOf, tmp_path):
    """As on a screen that is scaled to 200 % by the size of its fonts."""
    fontOf(18)
    person.applyAndWait()
    grab(person, 1.0, width=760).save(str(folder(tmp_path) / "panel_large_fonts.png"))
    assert cutOff(person) == []
    headline, title = person.ui.brainAgeLabel.font, person.ui.titleLabel.font
    assert headline.pointSizeF() > 2 * title.pointSizeF()


def test_at_12_points_the_panel_is_narrow(person, head, fontOf, tmp_path):
    fontOf(12)
    ui = person.ui
    for button in (ui.advancedButton, ui.batchCollapsibleButton, ui.logButton):
        button.collapsed = False
    person.type(ui.ageEdit, "63")
    person.applyAndWait()
    grab(person, 1.0, width=NARROW).save(str(folder(tmp_path) / "panel_12_points.png"))
    assert person.module.parent.minimumSizeHint().width() <= NARROW
    assert cutOff(person) == []


LONG_NAME = "sub-0123456789_ses-20260101_acq-tse2davsagittal_run-01_desc-preprocdenoisedcropped_T1w"


def test_long_names_and_all_sections_fit(person, tmp_path, monkeypatch):
    import qt

    import phantom

    for name in (LONG_NAME, LONG_NAME.replace("_", "").replace("-", "")):
        phantom.addHead(name)
    person.rest()
    ui = person.ui
    for button in (ui.advancedButton, ui.batchCollapsibleButton, ui.logButton):
        button.collapsed = False
    person.type(ui.ageEdit, "63")
    person.click(ui.tickAllButton)
    person.applyAndWait()
    path = str(tmp_path / LONG_NAME / "brain_age_results.csv")
    monkeypatch.setattr(qt.QFileDialog, "getSaveFileName", lambda *_details: path)
    person.click(ui.exportTableButton)
    grab(person, 1.0).save(str(folder(tmp_path) / "panel_long_names.png"))
    assert "could not be written" in ui.messageLabel.text.replace("\u200b", "")
    assert LONG_NAME in ui.titleLabel.text.replace("\u200b", "")
    assert person.module.parent.minimumSizeHint().width() <= WIDTH
    assert cutOff(person) == []


def test_what_is_missing_is_said_in_the_panel(person, tmp_path):
    grab(person, 1.0).save(str(folder(tmp_path) / "panel_empty.png"))
    assert person.ui.reasonLabel.visible
    assert person.ui.reasonLabel.text == "Select the T1 volume to predict from."


def test_progress_and_an_error(person, head, worker, tmp_path):
    worker("wait:registration")
    person.ui.logButton.collapsed = False
    person.click(person.ui.applyButton)
    person.wait(lambda: person.ui.stageLabel.text == "Registering to the template")
    person.rest(600)
    grab(person, 1.0).save(str(folder(tmp_path) / "panel_running.png"))
    assert "Registering to the template" in person.ui.logText.plainText
    assert re.fullmatch(r"\d+:\d\d", person.ui.elapsedLabel.text)
    person.click(person.ui.applyButton)
    person.wait(lambda: person.ui.applyButton.text == "Apply")
    worker("error")
    person.applyAndWait()
    grab(person, 1.0).save(str(folder(tmp_path) / "panel_error.png"))


def legendPixels(person, name: str) -> int:
    """Return how many pixels of the margin at the right are as white as the legend's text."""
    return int((person.world.view(name).picture()[:, 350:].min(axis=-1) > 230).sum())


def test_every_run_shows_the_legend(person, head):
    import offscreen

    assert [legendPixels(person, name) for name in offscreen.VIEW_NAMES] == [0, 0, 0]
    for _run in range(3):
        person.applyAndWait()
        assert min(legendPixels(person, name) for name in offscreen.VIEW_NAMES) > 50
    person.click(person.ui.templateCheckBox)
    person.rest()
    assert legendPixels(person, "Red") == 0
    person.click(person.ui.templateCheckBox)
    person.rest()
    assert legendPixels(person, "Red") > 50
    person.click(person.ui.overlayCheckBox)
    person.rest()
    assert legendPixels(person, "Red") == 0


def test_the_slice_views_show_the_overlay(person, head, tmp_path):
    import offscreen

    person.applyAndWait()
    person.click(person.ui.outlineCheckBox)
    person.rest()
    for name in offscreen.VIEW_NAMES:
        picture = person.world.view(name).picture()
        offscreen.savePicture(picture, folder(tmp_path) / f"view_{name}.png")
    colored = np.ptp(picture.astype(int), axis=-1) > 60
    assert colored.any()
