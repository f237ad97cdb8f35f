"""Brain age from routine clinical 2D T1 scans.

Research use only. Not a medical device.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from BrainAgeLib.errors import BrainAgeError

if TYPE_CHECKING:
    from BrainAgeLib.pipeline import predict
    from BrainAgeLib.records import Prediction

__version__ = "0.1.0"
__all__ = ["BrainAgeError", "Prediction", "__version__", "predict"]


def __getattr__(name: str) -> Any:
    """Load what needs torch or SimpleITK only when it is asked for."""
    if name == "predict":
        from BrainAgeLib.pipeline import predict

        return predict
    if name == "Prediction":
        from BrainAgeLib.records import Prediction

        return Prediction
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
