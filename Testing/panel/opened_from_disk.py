"""Opens the module as Slicer does, from a folder of modules, and tells what it finds.

    opened_from_disk.py MODULE_FOLDER [SITE_PACKAGES]

Only these folders are importable, beside the stand-in: not this checkout. Prints one JSON object.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
HERE = Path(__file__).resolve().parent


def main() -> None:
    """Open, ask the worker for its version, and print what was found."""
    folders = [str(Path(each).resolve()) for each in sys.argv[1:]]
    forgetThisCheckout()
    sys.path[:0] = [str(HERE), str(HERE.parent / "slicer"), *folders]
    from PySide6 import QtWidgets

    application = QtWidgets.QApplication(["from disk"])
    import slicer

    import offscreen
    from stand_in import application as standIn

    standIn.MODULE_PATH = Path(folders[0]) / "BrainAge.py"
    with tempfile.TemporaryDirectory() as home:
        world = offscreen.world()
        standIn.install(world, Path(home))
        module = standIn.OpenModule()
        module.enter()
        found = whatIsFound()
        found["reason"] = module.ui.reasonLabel.text
        found["models"] = [
            module.ui.modelComboBox.itemText(n) for n in range(module.ui.modelComboBox.count)
        ]
        module.close()
        slicer.mrmlScene.Clear(0)
    print(json.dumps(found))
    del application


def forgetThisCheckout() -> None:
    """Take out what an editable installation of this checkout adds to Python."""
    sys.meta_path[:] = [each for each in sys.meta_path if "Editable" not in str(each)]
    sys.path_hooks[:] = [each for each in sys.path_hooks if "Editable" not in str(each)]


def whatIsFound() -> dict:
    """Return where the parts lie, and what the worker says when it is started."""
    import BrainAgeLib
    from BrainAgeLib import resources
    from BrainAgeSlicer import installation

    command = [*installation.workerCommand(), "--version"]
    elsewhere = {"cwd": tempfile.gettempdir(), "capture_output": True, "text": True}
    done = subprocess.run(command, check=True, **elsewhere)
    return {
        "library": BrainAgeLib.__file__,
        "sample": str(resources.sample_scan()),
        "template": str(installation.templateImage()),
        "requirements": str(installation.requirementsFile()),
        "version": done.stdout,
    }


if __name__ == "__main__":
    main()
