"""Pictures of the panel, for people to look at; what can be told by a program is asserted."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

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
    application.setPalette(palette)


def grab(person, scale: float):
    """Return the panel as drawn at a scale, whole: as tall as it wants to be."""
    import qt

    parent = person.module.parent
    parent.resize(440, max(parent.sizeHint().height(), 300))
    person.rest(50)
    parent.resize(440, parent.sizeHint().height())
    person.rest(50)
    image = qt.QImage(parent.size * scale, qt.QImage.Format_RGB32)
    image.setDevicePixelRatio(scale)
    parent.render(image)
    return image


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
    for label in (person.ui.brainAgeLabel, person.ui.noticeLabel, person.ui.rowsLabel):
        hint = label.heightForWidth(label.width) if label.wordWrap else label.sizeHint().height()
        assert label.height >= hint, f"{label.name} is cut off"
    setTheme(False)


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
