"""What the re-slicing figures mean for one person, for groups, and for a planned study."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from BrainAgeLib.cohort.power import people_for_difference, people_for_slopes
from Testing.studies._pages import PAGES, write_part

FACTOR = 1.96 * math.sqrt(2)  # of the SD: the smallest change that is more than error, at 95 %
GROUPS = (20, 50, 100)
SLOPE_SDS = (0.0, 0.4)  # years a year, between people
CHANGE = 0.5  # years of gap a year
SCHEDULES = ((0.0, 1.0), (0.0, 1.0, 2.0), (0.0, 1.0, 2.0, 3.0))


def write_documents(figures: Mapping[str, float]) -> None:
    """Write the figures between the marks of both documents."""
    for name, mark, text in (
        ("model.md", "re-slicing", summary(figures)),
        ("cohort_statistics.md", "smallest change", meaning(figures)),
    ):
        write_part(PAGES / name, mark, text)


def summary(figures: Mapping[str, float]) -> str:
    """Return the table of the model's document."""
    change = figures["smallest_meaningful_change_years"]
    return "\n".join(
        [
            f"{figures['people']} people, each cut {figures['repetitions']} times.",
            "",
            "| figure | value |",
            "|---|---|",
            f"| standard deviation within a person | {figures['sd_within_years']:.2f} years |",
            f"| ICC of the gap | {figures['icc_of_the_gap']:.3f} |",
            f"| smallest change that means anything | {change:.1f} years |",
        ]
    )


def meaning(figures: Mapping[str, float]) -> str:
    """Return the tables of what that means."""
    sd, icc = figures["sd_within_years"], figures["icc_of_the_gap"]
    of_all = sd / math.sqrt(1 - icc)
    lines = [
        f"SD of re-slicing within a person {sd:.2f} years, ICC of the gap {icc:.3f} "
        f"({figures['people']} people, {figures['repetitions']} re-slicings each), so the gaps of "
        f"people of all ages scatter by {of_all:.1f} years.",
        "",
        "| change between two scans, re-slicing error alone | years |",
        "|---|---|",
        f"| one person, one scan each time: smallest detectable change at 95 % | "
        f"{FACTOR * sd:.1f} |",
        f"| one person, the mean of two scans each time | {FACTOR * sd / math.sqrt(2):.1f} |",
    ]
    lines += [
        f"| mean of {people} people, one scan each time | {FACTOR * sd / math.sqrt(people):.2f} |"
        for people in GROUPS
    ]
    lines += [
        "",
        "People per group for 80 % power, two-sided 5 % test, by the formulas of "
        "`brainage cohort`:",
        "",
        "| planned comparison | people per group |",
        "|---|---|",
    ]
    perfect = math.sqrt(of_all**2 - sd**2)
    for now, without in zip(
        people_for_difference(of_all), people_for_difference(perfect), strict=True
    ):
        difference = now.figure.removeprefix("people per group for a ")
        lines.append(
            f"| one visit, {difference} | {now.value:.0f} ({without.value:.0f} without error) |"
        )
    for times in SCHEDULES:
        for slope_sd in SLOPE_SDS:
            count = people_for_slopes(slope_sd, sd, np.array(times), CHANGE)
            lines.append(
                f"| {len(times)} visits a year apart, {CHANGE:g} years of gap a year, people's own "
                f"slopes scatter by {slope_sd:g} a year | {count} |"
            )
    return "\n".join(lines)
