"""Brain age from routine clinical 2D T1 scans.

:func:`predict` returns the record of one scan, :func:`predict_to_folder` also writes the files that
``brainage predict`` writes, :func:`run` returns the images and pictures beside the record,
:func:`together` makes one age of those of several sequences of one session.

Research use only. Not a medical device.
"""

from __future__ import annotations

TYPE_CHECKING = False  # typing itself, and whatever else takes time, is loaded when it is needed
if TYPE_CHECKING:
    import os
    from typing import Any

    import SimpleITK as sitk

    from BrainAgeLib.errors import BrainAgeError
    from BrainAgeLib.model.together import AgeTogether, together
    from BrainAgeLib.options import Options
    from BrainAgeLib.pipeline import run
    from BrainAgeLib.records import Prediction, ProgressCallback, Result, SequenceName, Sex

__version__ = "0.1.0"
__all__ = [
    "AgeTogether",
    "BrainAgeError",
    "Options",
    "Prediction",
    "Result",
    "__version__",
    "predict",
    "predict_to_folder",
    "run",
    "together",
]
# All is loaded when it is asked for: until here nobody hears Ctrl-C but Python.
_MODULES = {
    **{"BrainAgeError": "errors", "Options": "options", "run": "pipeline"},
    **{"Prediction": "records", "Result": "records"},
    **{"AgeTogether": "model.together", "together": "model.together"},
}


def predict(
    scan: str | os.PathLike[str] | sitk.Image,
    age_years: float | None = None,
    sex: Sex | None = None,
    device: str = "auto",
    *,
    threads: int | None = None,
    model: str | None = None,
    brain_extracted: bool = False,
    in_template_space: bool = False,
    saliency: bool = True,
    correction: str | None = None,
    force: bool = False,
    series_uid: str | None = None,
    site: str | None = None,
    keep_identifiers: bool = False,
    sequence: SequenceName | None = None,
    on_progress: ProgressCallback | None = None,
) -> Prediction:
    """Return the brain age of a scan: a path or a SimpleITK image.

    What the keywords mean stands in :class:`Options`. ``on_progress`` is called with the name of
    the stage and how much of the whole job is done, 0-1. A refusal by the quality gate is a result
    (``quality.verdict``), not an error. Raises BrainAgeError for what cannot be read or used.
    """
    options = _options(locals())
    from BrainAgeLib.pipeline import run

    return run(scan, options, on_progress).prediction


def predict_to_folder(
    scan: str | os.PathLike[str] | sitk.Image,
    folder: str | os.PathLike[str],
    age_years: float | None = None,
    sex: Sex | None = None,
    device: str = "auto",
    *,
    threads: int | None = None,
    model: str | None = None,
    brain_extracted: bool = False,
    in_template_space: bool = False,
    saliency: bool = True,
    correction: str | None = None,
    force: bool = False,
    series_uid: str | None = None,
    site: str | None = None,
    keep_identifiers: bool = False,
    sequence: SequenceName | None = None,
    report: bool = True,
    dicom: bool = False,
    thumbnail: bool = False,
    on_progress: ProgressCallback | None = None,
) -> Prediction:
    """Return the brain age of a scan and write all that comes of it into a folder.

    ``report``, ``dicom`` and ``thumbnail`` say what is written beside the record and the images:
    ``report.html``, a DICOM report and page (if the scan is DICOM), a small picture. Earlier
    outputs in the folder are removed first; ``prediction.json`` comes last. Otherwise as
    :func:`predict`.
    """
    options = _options(locals())
    from BrainAgeLib.delivery import deliver
    from BrainAgeLib.options import Deliverables

    deliverables = Deliverables(report, dicom, thumbnail)
    return deliver(scan, folder, options, deliverables, on_progress)[0]


def _options(keywords: dict[str, Any]) -> Options:
    """Return the options among the keywords of a function, which has one for each."""
    from dataclasses import fields

    from BrainAgeLib.options import Options

    return Options(**{field.name: keywords[field.name] for field in fields(Options)})


def __getattr__(name: str) -> Any:
    """Load what the package offers and has not loaded yet."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(f"BrainAgeLib.{_MODULES[name]}"), name)
    return value


def __dir__() -> list[str]:
    """Return what the package offers, loaded or not."""
    return sorted({*globals(), *__all__})
