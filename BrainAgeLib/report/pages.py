"""Pages for people: the templates beside this file, filled in.

Whatever is put into a template is escaped there. A page needs no other file and loads none:
``templates/frame.html.j2`` is the frame of all.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from BrainAgeLib.whole_file import write_atomically

if TYPE_CHECKING:
    from jinja2 import Environment


def filled_in(template: str, **values: Any) -> str:
    """Return a template of ``report/templates`` with the values in their places.

    A value that the template uses and nobody gave is an error, jinja2.UndefinedError.
    """
    return _environment().get_template(template).render(values)


def write_page(path: Path, html: str) -> None:
    """Write a page, all of it or nothing. Raises BrainAgeError when it cannot be written.

    A file name may hold characters that are no UTF-8; in a page they are shown as ``?``.
    """
    write_atomically(path, f"{html.rstrip()}\n".encode(errors="replace"))


@cache
def _environment() -> Environment:
    # Only who makes a page waits for jinja2.
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("BrainAgeLib.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
