"""What of the table itself can make a difference between groups: said before any figure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from BrainAgeLib.cohort.cohort_data import Cohort
from BrainAgeLib.cohort.design import covariate_values

if TYPE_CHECKING:
    import pandas as pd

SPACING = "slice_spacing_mm"
SPACING_DIFFERENCE_MM = 0.5  # of medians; the model's error grows by a tenth of a year a mm or so
PLACES = frozenset({"site", "scanner", "center", "centre", "study", "protocol"})
MOST_CODES = 6  # whole numbers of so few kinds may be names


def cautions(cohort: Cohort) -> list[str]:
    """Return what a reader must know of the table before the figures, in sentences."""
    sources = (_models, _spacings, _places, _codes, _unused, _lost_groups)
    return [*cohort.notes, *(words for source in sources for words in source(cohort))]


def _models(cohort: Cohort) -> Iterable[str]:
    if "model" in cohort.plan.covariates:
        return
    models = sorted(set(cohort.visits["model"]) - {""})
    if len(models) > 1:
        yield (
            f"The ages come from {len(models)} models ({', '.join(models)}), whose gaps differ by "
            "years: predict all scans with one, or give --covariate model."
        )


def _spacings(cohort: Cohort) -> Iterable[str]:
    if SPACING in cohort.plan.covariates:
        return
    medians = cohort.first.groupby("group")[SPACING].median().dropna()
    if len(medians) > 1 and medians.max() - medians.min() > SPACING_DIFFERENCE_MM:
        each = ", ".join(f"{name} {value:.1f} mm" for name, value in medians.items())
        yield (
            f"Groups were scanned with different slice spacing (medians: {each}), which can make a "
            f"difference of its own: give --covariate {SPACING}, or compare like scans."
        )


def _places(cohort: Cohort) -> Iterable[str]:
    for name in cohort.first.columns:
        if str(name).lower() not in PLACES or name in cohort.plan.covariates:
            continue
        count = _kinds(cohort.first, str(name))
        if count > 1:
            yield (
                f"The column {name} has {count} values and is no covariate: scanners shift raw "
                f"gaps by years (--covariate {name})."
            )


def _codes(cohort: Cohort) -> Iterable[str]:
    for name in cohort.plan.covariates:
        _, numbers = covariate_values(cohort.first, name)
        if numbers is None:
            continue
        kinds = numbers.dropna().unique()
        if 2 < len(kinds) <= MOST_CODES and (kinds == kinds.round()).all():
            yield (
                f"The covariate {name} is taken as a number ({len(kinds)} values). If its numbers "
                "are names, of sites say, put a letter before them."
            )


def _unused(cohort: Cohort) -> Iterable[str]:
    for name in cohort.plan.covariates:
        if _kinds(cohort.first, name) == 1:
            yield f"The covariate {name} has one value alone and is left out."
    if (cohort.first["sex"] == "").all():
        yield "No sex is known: nothing is adjusted for it."


def _lost_groups(cohort: Cohort) -> Iterable[str]:
    lost = {item.group for item in cohort.exclusions} - set(cohort.groups) - {""}
    for name in sorted(lost):
        yield f"No scan of the group {name} could be used: see the exclusions."


def _kinds(first: pd.DataFrame, name: str) -> int:
    texts, _ = covariate_values(first, name)
    return int(texts.nunique())
