"""From a scan to a folder of files, each of them whole."""

from __future__ import annotations

import os
from pathlib import Path

from BrainAgeLib.job import Result
from BrainAgeLib.options import Options
from BrainAgeLib.output.files import OutputFolder, output_folder
from BrainAgeLib.output.images import write_image, write_transform
from BrainAgeLib.output.record import write_prediction
from BrainAgeLib.output.report import write_report
from BrainAgeLib.pipeline import run
from BrainAgeLib.records import Prediction, ProgressCallback


def predict_to_folder(
    scan: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    options: Options,
    report: bool = True,
    on_progress: ProgressCallback | None = None,
) -> tuple[Prediction, OutputFolder]:
    """Work on one scan and write everything that comes of it into ``folder``.

    The folder is checked and earlier outputs are removed before the work begins, so that a result
    that is there belongs to this run. Raises BrainAgeError.
    """
    with output_folder(Path(folder), Path(scan)) as outputs:
        result = run(scan, options, on_progress)
        if on_progress is not None:
            on_progress("write", 0.98)
        _write(result, outputs, report)
        if on_progress is not None:
            on_progress("write", 1.0)
    return result.prediction, outputs


def _write(result: Result, outputs: OutputFolder, report: bool) -> None:
    if result.brain_mask is not None:
        write_image(result.brain_mask, outputs.brain_mask)
    if result.to_template is not None:
        write_transform(result.to_template, outputs.to_template)
    if result.prediction.saliency is not None:
        write_image(result.prediction.saliency, outputs.saliency)
    if report:
        write_report(result.prediction, result.pictures, outputs.report)
    # Last: its presence says that the rest is complete.
    write_prediction(result.prediction, outputs.prediction)
