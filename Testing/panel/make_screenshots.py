"""Make the pictures of the documentation: the module on the stand-in, with the bundled sample.

    python Testing/panel/make_screenshots.py [--model FOLDER] [--output FOLDER] [--scale 2] [--dark]

They show the real panel, the real MRML views and the real library; the window around them is the
stand-in's, and the documentation says so.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent / "slicer"), str(ROOT / "BrainAge"), str(ROOT)]

AGE_YEARS = "30"
VIEW_PIXELS = 300
VIEW_GAP = 4
PANEL_WIDTH = 440
SECONDS = 600.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="", help="another model than the bundled one")
    parser.add_argument("--output", type=Path, default=ROOT / "Screenshots")
    parser.add_argument("--scale", type=int, default=1, help="2: as on a screen of 200 %%")
    parser.add_argument("--dark", action="store_true", help="in a dark window")
    arguments = parser.parse_args()
    from PySide6 import QtWidgets

    application = QtWidgets.QApplication(["screenshots"])
    with tempfile.TemporaryDirectory() as folder:
        person, world, stand_in = openModule(Path(folder))
        from test_panel_pictures import setTheme

        setTheme(arguments.dark)
        runSample(person, arguments.model)
        arguments.output.mkdir(exist_ok=True)
        takePictures(person, world, arguments.output, arguments.scale)
        stand_in.close()
        world.clear()
    del application


def openModule(home: Path):
    """Return (person, world, module)."""
    import pytest

    import offscreen
    from conftest import Person
    from stand_in import application as standIn

    world = offscreen.world()
    standIn.install(world, home)
    module = standIn.OpenModule()
    module.parent.show()
    module.enter()
    person = Person(module, home / "workers.jsonl", world, pytest.MonkeyPatch(), home)
    person.useWorker("ok")
    person.useRealWorker()
    return person, world, module


def runSample(person, model: str) -> None:
    """Load the sample and press Apply."""
    from BrainAgeLib.resources import sample_scan
    from test_panel_real import loadVolume

    node = loadVolume(sample_scan())
    person.rest()
    person.ui.inputSelector.setCurrentNode(node)
    person.rest()
    if model:
        person.module.widget.panel._parameters.model = model
    person.type(person.ui.ageEdit, AGE_YEARS)
    person.click(person.ui.applyButton)
    person.wait(lambda: person.ui.applyButton.text == "Apply", SECONDS)
    if person.ui.messageLabel.text:
        raise SystemExit(person.ui.messageLabel.text)


def takePictures(person, world, output: Path, scale: int) -> None:
    """Write the panel beside the views, the views with the check of the registration, the plot."""
    person.ui.outlineCheckBox.setChecked(True)
    person.rest(100)
    panel = panelPicture(person, scale)
    small(beside(panel, viewPictures(world, scale))).save(output / "1.png", optimize=True)
    person.ui.templateCheckBox.setChecked(True)
    person.rest(100)
    small(row(viewPictures(world, scale))).save(output / "2.png", optimize=True)
    small(plotPicture(person)).save(output / "3.png", optimize=True)


def panelPicture(person, scale: int):
    """Return the whole panel as a Pillow image."""
    import qt
    from PIL import Image

    parent = person.module.parent
    for _try in range(2):
        # As Slicer's scroll area does: a sentence that is wrapped needs more height.
        height = max(parent.sizeHint().height(), parent.heightForWidth(PANEL_WIDTH))
        parent.resize(PANEL_WIDTH, height)
        person.rest(50)
    image = qt.QImage(parent.size * scale, qt.QImage.Format_RGB888)
    image.setDevicePixelRatio(scale)
    parent.render(image)
    width, height = image.width(), image.height()
    data = bytes(image.constBits())[: image.bytesPerLine() * height]
    return Image.frombytes("RGB", (width, height), data, "raw", "RGB", image.bytesPerLine())


def viewPictures(world, scale: int) -> list:
    """Return the three slice views as Pillow images."""
    from PIL import Image

    import offscreen

    pictures = []
    for name in offscreen.VIEW_NAMES:
        view = world.view(name)
        picture = Image.fromarray(view.picture(size=scale * VIEW_PIXELS))
        addLetters(picture, view.node.GetSliceToRAS())
        pictures.append(picture)
    return pictures


def addLetters(picture, sliceToRAS) -> None:
    """Write at each edge of a view on which side of the head it is; the legend has the right."""
    from PIL import ImageDraw, ImageFont

    from BrainAgeSlicer.sliceviews import LEGEND_PART

    draw, scale = ImageDraw.Draw(picture), picture.width / VIEW_PIXELS
    font, away = ImageFont.load_default(size=15 * scale), 10 * scale
    width, height = (1 - LEGEND_PART) * picture.width, picture.height
    for column, sign, place in (
        (0, -1, (away, height / 2)),
        (0, 1, (width - away, height / 2)),
        (1, 1, (width / 2, away)),
        (1, -1, (width / 2, height - away)),
    ):
        toward = [sign * sliceToRAS.GetElement(row, column) for row in range(3)]
        axis = max(range(3), key=lambda row: abs(toward[row]))
        draw.text(place, "RAS"[axis] if toward[axis] > 0 else "LPI"[axis], "white", font, "mm")


def plotPicture(person):
    """Return the plot as Slicer's plot view draws it."""
    from PIL import Image

    from BrainAgeSlicer import results
    from test_plot import drawn

    chart = results.findResult(person.ui.inputSelector.currentNode()).part(results.CHART)
    return Image.fromarray(drawn(chart, person.temporary / "plot.png"))


def row(pictures: list):
    """Return pictures side by side."""
    from PIL import Image

    width = sum(picture.width for picture in pictures)
    joined = Image.new("RGB", (width, max(picture.height for picture in pictures)))
    left = 0
    for picture in pictures:
        joined.paste(picture, (left, 0))
        left += picture.width
    return joined


def beside(panel, views: list):
    """Return the panel at the left, and the views one below the other at the right."""
    from PIL import Image

    step = views[0].height + VIEW_GAP
    size = panel.width + views[0].width, max(panel.height, len(views) * step)
    joined = Image.new("RGB", size, panel.getpixel((0, 0)))
    joined.paste(panel, (0, 0))
    for number, view in enumerate(views):
        joined.paste(view, (panel.width, number * step))
    return joined


def small(picture):
    """Return a picture with 256 colours: the file stays below 200 kB."""
    return picture.quantize(256)


if __name__ == "__main__":
    main()
