"""Memory that must be there before it becomes scarce.

The linear algebra behind NumPy takes its working memory when it is first needed. Where there is
none by then, it ends the process with exit code 1 and nobody can say why (OpenBLAS does).
"""

from __future__ import annotations

from functools import cache

import numpy as np

SIDE = 300  # a product of this size is shared by all threads, each with memory of its own


@cache
def take_working_memory() -> None:
    """Let the linear algebra take its memory now; it keeps it."""
    square = np.ones((SIDE, SIDE))
    np.matmul(square, square)
