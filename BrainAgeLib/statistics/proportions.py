"""Intervals of proportions that hold for few people too."""

from __future__ import annotations

import math
from collections.abc import Callable


def exact_interval(successes: int, trials: int, level: float = 0.95) -> tuple[float, float]:
    """Return the Clopper-Pearson interval of a proportion (Clopper and Pearson 1934).

    Found by bisection on the binomial distribution; 0 and 1 at the ends.
    """
    tail = (1 - level) / 2
    low = 0.0 if successes == 0 else _solve(lambda p: _at_least(successes, trials, p) - tail)
    high = (
        1.0
        if successes == trials
        else _solve(lambda p: tail - (1 - _at_least(successes + 1, trials, p)))
    )
    return low, high


def _solve(rising: Callable[[float], float]) -> float:
    """Return the root of a rising function on 0-1."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if rising(middle) < 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _at_least(successes: int, trials: int, probability: float) -> float:
    """Return the probability of at least so many successes."""
    if probability <= 0:
        return float(successes <= 0)
    if probability >= 1:
        return 1.0
    log_p, log_q = math.log(probability), math.log1p(-probability)
    total = 0.0
    for k in range(successes, trials + 1):
        choices = math.lgamma(trials + 1) - math.lgamma(k + 1) - math.lgamma(trials - k + 1)
        total += math.exp(choices + k * log_p + (trials - k) * log_q)
    return min(1.0, total)
