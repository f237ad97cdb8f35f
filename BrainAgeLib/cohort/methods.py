"""The methods paragraph: the exact models, so that a statistician need not read the code."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version

from BrainAgeLib.cohort.change import ChangeModel
from BrainAgeLib.cohort.cohort_data import Cohort
from BrainAgeLib.cohort.differences import GroupModel
from BrainAgeLib.software import software_record
from BrainAgeLib.statistics import BOOTSTRAP_ROUNDS


def methods_text(
    cohort: Cohort,
    cross_sectional: GroupModel | None,
    change: ChangeModel | None,
    models: Sequence[str],
) -> str:
    """Return the paragraphs; what was not done is not told."""
    parts = [_people(cohort, models)]
    if cross_sectional is not None and len(cohort.groups) > 1:
        parts += [_differences(cohort, cross_sectional), _corrected(cohort), _discrimination()]
        parts += [_beside(cohort.plan.measures)] if cohort.plan.measures else []
    if change is not None:
        parts.append(_change(cohort, change))
    if cohort.plan.score and cohort.is_followed:
        parts.append(_score(cohort))
    if cohort.plan.event:
        parts.append(_survival(cohort))
    parts += [_tests(cohort), _limits(), _software()]
    return "\n\n".join(parts)


def _covariates(cohort: Cohort) -> str:
    return "".join(f" + {name}" for name in cohort.plan.covariates)


def _people(cohort: Cohort, models: Sequence[str]) -> str:
    sizes = cohort.first["group"].value_counts()
    groups = ", ".join(f"{name} (n = {int(sizes[name])})" for name in cohort.groups)
    used = ", ".join(models) or "not recorded in the table"
    return (
        f"People. {len(cohort.first)} people with {len(cohort.visits)} scans: {groups}. "
        f"{len(cohort.exclusions)} of {cohort.rows_read} rows were left out, by rules that do not "
        "know of the gap: no brain age, refused by the quality gate, no age, no time, no group, a "
        "second scan of one session; counts by group are given. Brain age model: "
        f"{used}. The brain age gap is raw predicted age minus chronological age at the same scan, "
        "in years. Groups are compared at each person's first scan, so that nobody counts twice."
    )


def _differences(cohort: Cohort, model: GroupModel) -> str:
    return (
        "Group differences. Estimand: the difference of mean raw gap between two groups at the "
        f"same age, sex and covariates. Model: raw gap ~ group + age + age^2 + sex"
        f"{_covariates(cohort)}, numbers centred, ordinary least squares on {len(model.values)} "
        f"people with all values; fitted columns: {', '.join(model.names)}. Age stands in the "
        "model because raw gaps regress to the mean age of the training data: they fall with age, "
        "in healthy people too; its square because that regression need not be linear. Intervals "
        "and tests use HC3 standard errors and the t distribution, so groups may scatter "
        "differently. One difference for all ages is assumed; its change with age is estimated "
        "under Diagnostics. Cohen's d is the adjusted difference over the residual SD, with "
        "Hedges' factor for small samples; its interval is that of a noncentral t with the HC3 "
        "standard error, and leaves out 0 where the difference's does."
    )


def _corrected(cohort: Cohort) -> str:
    known = int(cohort.first["corrected_gap_years"].notna().sum())
    return (
        "Corrected gap. Shown beside the raw gap, by groups alone: corrected by a line on age that "
        "was fitted on other, healthy people and that the results name. It is known for "
        f"{known} of {len(cohort.first)} people; outside the ages of the line there is none, so it "
        "may be of other people than the raw gap. One linear correction cannot change a difference "
        "that is adjusted for age: where the two disagree, groups differ in age, sex or "
        "covariates, people are missing, or the line does not fit these people, and the raw gap's "
        "model is the one to read. If a site calibration was fitted on controls of this very "
        "table, their corrected gaps are centred on 0 by construction; the raw gap does not know "
        "of it."
    )


def _discrimination() -> str:
    return (
        "Discrimination. Area under the ROC curve of the raw gap, as it is and adjusted: residuals "
        "from a line on age, age squared, sex and covariates that is fitted on the first of the "
        "two groups (Janes and Pepe 2009), less the columns that this group does not tell. "
        "Intervals: percentile bootstrap of people within groups, with the adjustment refitted in "
        "each round. These are areas in these people, not "
        "the accuracy of a diagnosis."
    )


def _beside(measures: Sequence[str]) -> str:
    return (
        f"Beside volume. The same areas for {', '.join(measures)}, on the same people; a measure "
        "is turned so that more means older-looking, judged by its correlation with age in the "
        "first group alone. What gap and measure add to each other: logistic regression of the "
        "group on both, age, age squared, sex and covariates; odds ratios per SD with profile "
        "likelihood intervals and likelihood ratio tests. Areas of the nested models are corrected "
        f"for optimism (Harrell; {BOOTSTRAP_ROUNDS:,} bootstrap rounds, intervals shifted alike); "
        "their differences are estimated and not tested, since tests of areas of nested models are "
        "not valid (Pepe et al. 2013)."
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
        "the raw gap, at the same age. Model: raw gap ~ (group + age at first scan) x years + "
        f"age^2 + sex{_covariates(cohort)}, with {random}; restricted maximum likelihood on "
        f"{model.fit.visits} scans of {model.fit.people} people, people with one scan included. "
        "Years count from the first scan; covariates are those of each scan. Age x years stands in "
        "the model because the drift of raw gaps may differ with age. The first gap is an outcome, "
        "not a covariate: adjusting change for it would bring in regression to the mean. Intervals "
        f"use the t distribution with {model.fit.freedom:.0f} degrees of freedom (people with "
        "several scans less coefficients of change). Estimates hold if drop-out depends on gaps "
        "and covariates that were seen (missing at random); they do not if it depends on gaps that "
        "nobody saw, and those who came back are compared with the others. A group's own change "
        "of the raw gap is no rate of ageing: the model under-estimates ageing in everybody, so "
        f"only differences between groups are interpreted.{corrected}"
    )


def _score(cohort: Cohort) -> str:
    return (
        f"Clinical score. {cohort.plan.score} ~ (group + age at first scan) x years + age^2 + "
        f"sex{_covariates(cohort)}, with random effects as for change, once with gap at first scan "
        "x years (do people of one group and age with a larger gap change faster?), once with the "
        "person's mean gap and the deviation from it (is the score different when the gap is "
        "larger than usual for that person?). Error of measurement of the gap pulls both towards 0."
    )


def _survival(cohort: Cohort) -> str:
    return (
        f"Time to event. Cox regression of {cohort.plan.event} on the raw gap at the first scan, "
        f"age, age squared, sex{_covariates(cohort)}, a baseline hazard a group, Efron's ties; "
        "time counts from the first scan, and people whose event had come by their first scan that "
        "counts are not at risk; where a column of times tells that it is a later one, they enter "
        "at it. "
        "Proportional hazards were looked at through scaled Schoenfeld residuals. Censoring is "
        "taken to be independent of risk given the covariates."
    )


def _tests(cohort: Cohort) -> str:
    families = ["the pairs of groups for one outcome"]
    if cohort.plan.measures:
        families.append("all odds ratios of gap and measures")
    if cohort.plan.score and cohort.is_followed:
        families.append("the two associations with the score")
    return (
        "Tests. Two-sided; intervals are 95 % and not corrected for their number. The primary "
        "outcome is the raw gap. p-values are Holm's within a family: "
        f"{'; '.join(families)}. Between families nothing is corrected: which question was the "
        "main one is for the study's plan to say, and all others are exploratory. Areas under the "
        "curve have intervals and no tests. No p-value was used to choose a model."
    )


def _limits() -> str:
    return (
        "Limits. People with a missing value are left out of the model that needs it; that is fair "
        "if, given the covariates, missing values do not depend on the gap. Groups were not "
        "randomised: differences are associations, and selection into a group, a clinic, the table "
        "or past the quality gate can make them, as can a scanner or protocol that goes with a "
        "group and is no covariate. People on whose scans the brain age model was trained have "
        "gaps that are too small and do not belong in the table. The power that is given is that "
        "of a planned study, not of the tests made here."
    )


def _software() -> str:
    software = software_record()
    return (
        f"Software. {software.name} {software.version}, statsmodels {version('statsmodels')}, "
        f"numpy {version('numpy')}, pandas {version('pandas')}."
    )
