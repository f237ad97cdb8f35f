"""``brainage calibrate``: a site's own bias line from healthy local people."""

from __future__ import annotations

import argparse
import logging
from typing import TYPE_CHECKING, Any

from BrainAgeLib.command_line.arguments import (
    add_model,
    add_results_table,
    path_to_write,
    years_given,
)
from BrainAgeLib.command_line.progress import JsonLines
from BrainAgeLib.errors import InputError
from BrainAgeLib.records import NOTICE, OLDEST_AGE_YEARS

if TYPE_CHECKING:
    from BrainAgeLib.cohort.site import Deviation, SiteFit

logger = logging.getLogger(__name__)
NEEDED = ("pandas", "scipy")


def add_parser(commands: Any) -> argparse.ArgumentParser:
    """Add the subcommand and its options; return its parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "calibrate",
        help="a site calibration from healthy local people",
        description="Fits how far healthy local people are from the model's bias line, with "
        "uncertainty, and shrinks it towards that line. predict --site FILE uses it for the "
        f"corrected gap and the interval; the raw age never changes. {NOTICE}",
    )
    add_results_table(parser)
    parser.add_argument(
        "--output", type=path_to_write, required=True, metavar="FILE", help="the calibration (JSON)"
    )
    parser.add_argument("--group", metavar="NAME", help="the healthy people's group in the table")
    parser.add_argument("--name", metavar="SITE", help="default: the output file's name")
    add_model(parser)
    parser.add_argument(
        "--ages",
        type=years_given,
        nargs=2,
        metavar=("LOW", "HIGH"),
        help="ages that it is meant for; default those of the model",
    )
    parser.add_argument("--force", action="store_true", help="fit fewer than 20 people too")
    parser.set_defaults(run=_run)
    return parser


def _run(options: argparse.Namespace, _json_lines: JsonLines | None) -> int:
    from BrainAgeLib.extras import require_extra

    require_extra("cohort", *NEEDED)
    from BrainAgeLib.cohort.site import fit_site, site_calibration, write_site
    from BrainAgeLib.model.ensemble import load_ensemble
    from BrainAgeLib.run_folder import refuse_to_overwrite

    low, high = options.ages or (0.0, OLDEST_AGE_YEARS)
    if not 0 <= low < high:
        raise InputError(f"ages of {low:g} to {high:g} cannot be", "give --ages LOW HIGH, years")
    refuse_to_overwrite(options.results, [options.output], hint="choose another output file")
    card = load_ensemble(options.model).card
    fit = fit_site(options.results, card, options.group, options.force)
    calibration = site_calibration(fit, card, options.name or options.output.stem)
    write_site(calibration, options.output)
    _show(fit)
    for warning in warnings(fit, tuple(options.ages or card.age_range_years)):
        logger.warning(warning)
    print(f"{'calibration':12}{options.output}\n\n{NOTICE}")
    return 0


def _show(fit: SiteFit) -> None:
    from BrainAgeLib.cohort.page import left_out_in_words

    low, high = fit.age_range_years
    print(f"{'people':12}{fit.people}, {low:.1f} to {high:.1f} years")
    if fit.left_out:
        print(f"{'':12}{left_out_in_words(fit.left_out)}")
    offset, slope = fit.offset_years, fit.slope
    print(f"{'offset':12}{_words(offset, 2)} years at {fit.mean_age_years:.1f} years")
    print(f"{'slope':12}{_words(slope, 3)} years a year")


def _words(deviation: Deviation, digits: int) -> str:
    value, low, high, applied = (
        f"{round(number, digits) + 0.0:+.{digits}f}"  # no -0.00
        for number in (deviation.value, deviation.low, deviation.high, deviation.applied)
    )
    return f"{value} (95 % interval {low} to {high}), shrunk to {applied}"


def warnings(fit: SiteFit, ages_years: tuple[float, ...]) -> list[str]:
    """Return what a user of the calibration should know."""
    from BrainAgeLib.cohort.site import LEAST_PEOPLE
    from BrainAgeLib.cohort.table import OTHER_SEQUENCE, counted
    from BrainAgeLib.report.wording import scans_in_words

    said = []
    low, high = fit.age_range_years
    if ages_years[0] < low or ages_years[1] > high:
        said.append(
            f"these people are {low:.1f} to {high:.1f} years old, which does not cover "
            f"{ages_years[0]:g} to {ages_years[1]:g}: outside there will be no corrected gap "
            "(--ages names the ages that it is meant for)"
        )
    if others := counted(fit.left_out).get(OTHER_SEQUENCE):
        said.append(
            f"{scans_in_words(others)} {OTHER_SEQUENCE} left out: a site calibration "
            "is made of T1 scans and used for them alone"
        )
    if fit.people < LEAST_PEOPLE:
        said.append(f"{fit.people} people are too few to rely on")
    if {True, False} <= set(fit.brain_extracted):
        said.append(
            "some scans came with and some without their skull, whose raw ages differ by years: "
            "calibrate from one kind, the one that --site will be used on"
        )
    elif None in fit.brain_extracted:
        said.append(
            "whether the scans came without their skull is not known, so --site cannot warn of "
            "scans of the other kind: leave the table in the folder of its batch"
        )
    for several in fit.places:
        said.append(
            f"the scans differ in {several}, and a calibration has one line for all of them: "
            "calibrate each scanner and protocol by itself"
        )
    if fit.outlying_lines:
        lines = ", ".join(map(str, fit.outlying_lines))
        said.append(f"far from all others, look at these scans and ages: line {lines} of the table")
    return said + _about_ages(fit)


def _about_ages(fit: SiteFit) -> list[str]:
    """Return what the ages of the people leave open."""
    from BrainAgeLib.cohort.site_checks import scatter_more

    said = []
    if fit.deciding_lines:
        said.append(
            f"the slope hangs on one person whose age is far from all others, line "
            f"{fit.deciding_lines[0]} of the table: look at that age, or leave it out, since "
            "nobody tells of the ages between"
        )
    if not fit.tells_slope:
        said.append(
            "these people's ages tell no slope, so the model's is kept and the offset alone is "
            "used: people of more different ages would tell one"
        )
    if scatter_more(fit.residual_sd_years, fit.expected_sd_years, fit.people):
        said.append(
            f"these people scatter by {fit.residual_sd_years:.1f} years around their own line, by "
            f"more than the {fit.expected_sd_years:.1f} years of the interval with --site, which "
            "will hold the age less often than it says: look for wrong ages, several scanners or "
            "protocols, and poor scans"
        )
    return said
