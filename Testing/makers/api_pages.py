"""Make the API pages from the docstrings of the library.

    python -m Testing.makers.api_pages [FOLDER]

A page a module, the default folder is docs/api; nothing is fetched for it. The command line has no
page: ``brainage --help`` is its own.
"""

from __future__ import annotations

import argparse
import pkgutil
from pathlib import Path

import pdoc

import BrainAgeLib
from Testing.studies._pages import PAGES

WITHOUT_PAGE = {"__main__", "command_line"}


def parts() -> list[str]:
    """Return the names of the parts of the library whose modules have pages."""
    below = {module.name for module in pkgutil.iter_modules(BrainAgeLib.__path__)}
    return [f"BrainAgeLib.{name}" for name in sorted(below - WITHOUT_PAGE)]


def main() -> None:
    """Write the pages."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=PAGES / "api", metavar="FOLDER")
    folder = parser.parse_args().folder
    for name in BrainAgeLib.__all__:  # some are loaded when they are asked for, which pdoc does not
        setattr(BrainAgeLib, name, getattr(BrainAgeLib, name))
    pdoc.render.configure(show_source=False)
    pdoc.pdoc("BrainAgeLib", *parts(), output_directory=folder)


if __name__ == "__main__":
    main()
