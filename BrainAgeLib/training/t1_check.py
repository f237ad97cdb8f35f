"""Whether a scan that is learnt from is a T1: the gate's look at the picture, before hours of work.

A model that learns from another sequence errs for everybody, and nothing in its figures says why.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from BrainAgeLib.errors import InputError
from BrainAgeLib.findings import SEQUENCE_WORDS
from BrainAgeLib.gate.contrast import look
from BrainAgeLib.gate.evidence import Contrast
from BrainAgeLib.gate.field_of_view import look_around
from BrainAgeLib.gate.sequence import (
    LEAST_PATTERN,
    MOST_CSF_TO_WHITE,
    MOST_GREY_TO_WHITE,
    not_t1,
    told,
    unlike_t1,
)
from BrainAgeLib.records import SequenceName, SequenceTags
from BrainAgeLib.scan.geometry import Volume
from BrainAgeLib.template.placed_scan import PlacedScan
from BrainAgeLib.template.registration import Registration
from BrainAgeLib.template.template import load_template
from BrainAgeLib.training.people import Person
from BrainAgeLib.training.simulate import Simulator


def check_contrast(person: Person, simulator: Simulator) -> SequenceName | None:
    """Return the sequence that a person's brain shows, where it has the order of a T1's tissues.

    That is "other" where it has that order, but not clearly. Raises InputError where it has another
    one, as ``predict`` refuses such a scan to a model of T1 scans.
    """
    brain = Volume(simulator.volume.numpy(), simulator.affine)
    found = Registration(np.linalg.inv(simulator.scan_to_template), float("nan"))
    placed, template = PlacedScan(brain, brain.voxels > 0, found), load_template()
    seen = look(placed, template, SequenceTags())
    seen = replace(seen, pattern=look_around(placed, template).pattern())
    sequence = told(seen)
    if not_t1(seen) is None and unlike_t1(seen) is None:
        return sequence
    if _is_doubtful(seen):
        return "other"
    looks = "looks like no T1-weighted scan"
    if sequence not in (None, "other"):
        looks = f"looks like {SEQUENCE_WORDS[sequence]}, not a T1"
    raise InputError(
        f"{person.participant_id}: {person.path} {looks}",
        "give the T1 scan, placed as its header says, or take the person out of participants.tsv",
    )


def _is_doubtful(seen: Contrast) -> bool:
    """Say whether grey matter is darker than white and fluid darkest, though not clearly.

    So it is where ventricles are so large that white matter lies elsewhere than in the template: of
    549 people of one cohort that was one.
    """
    grey, csf, odds = seen.grey_to_white, seen.csf_to_white, seen.bright_white_log_odds
    if grey is None or csf is None or odds is None or seen.pattern is None:
        return False
    is_ordered = grey <= MOST_GREY_TO_WHITE and csf <= MOST_CSF_TO_WHITE and odds > 0
    return is_ordered and seen.pattern >= LEAST_PATTERN
