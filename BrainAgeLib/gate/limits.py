"""A value and its limits: what most checks come down to."""

from __future__ import annotations

from BrainAgeLib.records import Finding, Severity


def above(
    code: str,
    value: float | None,
    message: str,
    warn: float | None = None,
    refuse: float | None = None,
) -> Finding | None:
    """Return a finding when the value is over a limit; None when it is not or is not known.

    A value that is no number is over every limit.
    """
    limits: tuple[tuple[Severity, float | None], ...] = (("refuse", refuse), ("warn", warn))
    for severity, limit in limits:
        if value is not None and limit is not None and not value <= limit:
            return Finding(code, severity, message, round(value, 3), limit)
    return None


def below(code: str, value: float | None, limit: float, message: str) -> Finding | None:
    """Return a refusal when the value is under a limit; one that is no number is."""
    if value is None or value >= limit:
        return None
    return Finding(code, "refuse", message, round(value, 3), limit)


def outside(code: str, value: float, allowed: tuple[float, float], message: str) -> Finding | None:
    """Return a refusal when the value is outside a range."""
    low, high = allowed
    if low <= value <= high:
        return None
    return Finding(code, "refuse", message, round(value, 3), f"{low} to {high}")
