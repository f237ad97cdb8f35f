"""ITK's own printing, switched off while a file is read."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import SimpleITK as sitk

_STDERR = 2
_one_at_a_time = threading.RLock()


@contextmanager
def quiet_itk() -> Iterator[None]:
    """Keep ITK, and the libraries inside it, from writing to the terminal.

    ITK's warnings have a switch. MetaIO, VNL and the JPEG codecs write to the C error stream past
    it, so that stream goes nowhere meanwhile, whoever writes to it.
    """
    with _one_at_a_time:
        warns = sitk.ProcessObject.GetGlobalWarningDisplay()
        sitk.ProcessObject.SetGlobalWarningDisplay(False)
        try:
            with _without_error_stream():
                yield
        finally:
            sitk.ProcessObject.SetGlobalWarningDisplay(warns)


@contextmanager
def _without_error_stream() -> Iterator[None]:
    if sys.stderr is not None:
        sys.stderr.flush()
    try:
        kept = os.dup(_STDERR)
    except OSError:  # a program without a console has no such stream
        yield
        return
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, _STDERR)
        os.close(nowhere)
        yield
    finally:
        os.dup2(kept, _STDERR)
        os.close(kept)
