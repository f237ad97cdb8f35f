"""The methods paragraph: the exact models, so that a statistician need not read the code."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version

from BrainAgeLib.cohort.groups.change import ChangeModel
from BrainAgeLib.cohort.groups.cohort_data import Cohort
from BrainAgeLib.cohort.groups.differences import BOOTSTRAP_ROUNDS, GroupModel
from BrainAgeLib.software import software_record


def methods_text(
    cohort: Cohort,
    cross_sectional: GroupModel | None,
    change: ChangeModel | None,
    models: Sequence[str],
) -> str:
    """Return the paragraphs; what was not done is not told."""
    parts = [_people(cohort, models)]
    if cross_sectional is not None and len(cohort.groups) > 1:
        parts += [_differences(cohort, cross_sectional), _discrimination(cohort)]
    if change is not None:
        parts.append(_change(cohort, change))
    if cohort.plan.score and cohort.is_followed:
        parts.append(_score(cohort.plan.score))
    if cohort.plan.event:
        parts.append(_survival(cohort.plan.event))
    parts += [_limits(cohort), _software()]
    return "\n\n".join(parts)


def _covariates(cohort: Cohort) -> str:
    return "".join(f" + {name}" for name in cohort.plan.covariates)


def _people(cohort: Cohort, models: Sequence[str]) -> str:
    sizes = cohort.first["group"].value_counts()
    groups = ", ".join(f"{name} (n = {int(sizes[name])})" for name in cohort.groups)
    used = ", ".join(models) or "not recorded in the table"
    return (
        f"People. {len(cohort.first)} people with {len(cohort.visits)} scans: {groups}. Of "
        f"{cohort.rows_read} rows, {len(cohort.exclusions)} scans were left out for reasons that "
        "are listed; the exclusions were made on scan quality and completeness, before any group "
        f"was compared. Brain age model: {used}. The brain age gap is raw predicted age minus "
        "chronological age at the same scan, in years. The corrected gap is that of the table, "
        "by a line of healthy people that the results name. If a site calibration was fitted on "
        "controls of this very table, their corrected gaps are centred on 0 by construction; the "
        "raw gap, which is the primary outcome, does not know of it."
    )


def _differences(cohort: Cohort, model: GroupModel) -> str:
    return (
        "Group differences at the first scan. Estimand: the difference of mean raw gap between "
        "two groups at the same age and sex. Model: raw gap ~ group + (age - mean) + "
        f"(age - mean)^2 + sex{_covariates(cohort)}, ordinary least squares on "
        f"{len(model.values)} people with all values, fitted columns: {', '.join(model.names)}. "
        "Age stands in the model because raw gaps regress to the mean age of the training data; "
        "its square because that regression need not be linear. Intervals and tests use HC3 "
        "standard errors and the t distribution, so groups may scatter differently. Every pair of "
        "groups is compared; p-values are Holm's within the family of pairs of one outcome. "
        "Primary outcome: raw gap. The same model without covariates is shown for the corrected "
        "gap; with the linear age term in the model a linear correction cannot change the group "
        "difference, so the two agree unless groups differ in age. Cohen's d is the adjusted "
        "difference over the residual SD; its interval is a percentile bootstrap over people "
        f"within groups ({BOOTSTRAP_ROUNDS:,} rounds, models refitted)."
    )


def _discrimination(cohort: Cohort) -> str:
    measures = ", ".join(cohort.plan.measures)
    beside = (
        f" The same was done for {measures}, on the same people; a measure is turned so that more "
        "means older-looking, judged by its correlation with age in the reference group alone. "
        "Logistic regression gives odds ratios of gap and measure, each given the other, age, age "
        "squared and sex."
        if measures
        else ""
    )
    return (
        "Discrimination. Area under the ROC curve of the raw gap, as it is and adjusted: residuals "
        "from a line on age, age squared and sex that is fitted on the first of the two groups "
        "(Janes and Pepe 2009). Intervals: percentile bootstrap within groups, with the adjustment "
        f"refitted in each round.{beside}"
    )


def _change(cohort: Cohort, model: ChangeModel) -> str:
    random = "a random intercept and slope a person, correlated"
    if model.fit.slope_sd is None:
        random = (
            "a random intercept a person (random slopes could not be estimated, so the intervals "
            "of slopes may be too narrow)"
        )
    corrected = (
        "" if model.fit.converged else " The optimiser did not converge: do not rely on this model."
    )
    return (
        "Change over time. Estimand: the difference between groups of the mean yearly change of "
        "the raw gap. Model: raw gap ~ group x years + age at first scan + its square + sex"
        f"{_covariates(cohort)}, with {random}; restricted maximum likelihood on "
        f"{model.fit.visits} scans of {model.fit.people} people, people with one scan included. "
        "Years count from the first scan. The first gap is an outcome, not a covariate: adjusting "
        "change for it would bring in regression to the mean. Intervals use the t distribution "
        f"with {model.fit.freedom:.0f} degrees of freedom (people less coefficients). p-values are "
        "Holm's over pairs of groups. Estimates hold if drop-out depends on what was observed "
        "(missing at random); they do not if it depends on gaps that nobody saw. A group's own "
        "change of the raw gap is no rate of ageing: the model under-estimates ageing in "
        f"everybody, so only differences between groups are interpreted.{corrected}"
    )


def _score(score: str) -> str:
    return (
        f"Clinical score. {score} ~ group + years + covariates with the same random effects, once "
        "with gap at first scan x years (do people with a larger gap change faster?), once with "
        "the person's mean gap and the deviation from it (is the score different when the gap is "
        "larger than usual for that person?). Error of the gap pulls the second towards 0. Holm's "
        "correction over the two."
    )


def _survival(event: str) -> str:
    return (
        f"Time to event. Cox regression of {event} on the raw gap at the first scan, age, age "
        "squared and sex, a baseline hazard a group, Efron's ties; time counts from the first "
        "scan, and people whose event had come by then are not at risk. Proportional hazards were "
        "looked at through Schoenfeld residuals. Censoring is taken to be independent of risk "
        "given the covariates."
    )


def _limits(cohort: Cohort) -> str:
    clustered = (
        " People scanned at several sites need the site as a covariate."
        if not cohort.plan.covariates
        else ""
    )
    return (
        "Limits. People with a missing covariate are left out of a model; that is fair if their "
        "missing values do not depend on the gap. Groups were not randomised: differences are "
        "associations, and selection into a group, a clinic or the table can make them."
        f"{clustered} Intervals are 95 %, tests two-sided; no p-value was used to choose a model."
    )


def _software() -> str:
    software = software_record()
    return (
        f"Software. {software.name} {software.version}, statsmodels {version('statsmodels')}, "
        f"numpy {version('numpy')}, pandas {version('pandas')}."
    )
