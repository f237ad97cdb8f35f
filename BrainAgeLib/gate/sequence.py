"""Which sequence a picture shows: T1, T1 after a contrast agent, T2, FLAIR, proton density, other.

The picture tells it, by the order in which it shows grey matter, white matter and the fluid of the
ventricles; the header only warns, and decides where the picture is too flat to tell. Diffusion and
CT have no place of their own: they are told as the sequence whose order they have, or as another
one.
"""

from __future__ import annotations

from collections.abc import Collection

from BrainAgeLib.findings import SEQUENCE_WORDS, FindingCode
from BrainAgeLib.gate.evidence import Contrast, above, below
from BrainAgeLib.records import T1_LIKE, Finding, SequenceName, SequenceTags

# What chose these is in docs/quality.md: what sound scans and faults have, and what real and
# simulated scans of each sequence have.
MOST_GREY_TO_WHITE = 0.97  # sound scans 0.72 to 0.92; FLAIR-like 1.07, CT-like 1.05 and more
# Where a header says that it is another sequence, too, a picture as flat as no sound T1 is enough.
MOST_GREY_TO_WHITE_BY_HEADER = 0.93
# T1 1.26 and more, after an agent 1.08 and more; FLAIR up to 0.87, half under -0.7.
LEAST_BRIGHT_WHITE = 0.7
MOST_CSF_TO_WHITE = 0.9  # sound scans 0.27 to 0.73; PD-like 1.2, T2-like 2.2
# What is read as T2w or FLAIR: real FLAIR -1.3 and less, real T2 -2.1 and less; T1 1.26 and more.
# What is in between shows no order, and is refused.
CLEARLY_GREY = -0.5
# Between these, fluid may be that of a proton density scan (simulated ones: 0.88 to 1.45); real
# FLAIR 0.26 to 0.84, real T2 2.0 to 3.3. Who says what it is, or a header's times, settle it.
MOST_CSF_OF_FLAIR, LEAST_CSF_OF_T2 = 0.85, 1.5
# Where bone is: 22 real MR scans of heads 0.24 to 0.89 of the brain (tried by hand). A CT shows it
# far brighter.
MOST_AROUND = 1.2
# Fluid far brighter than white matter; half of the PD under 0.01.
LEAST_BRIGHT_FRACTION_OF_T2 = 0.1
LEAST_PATTERN = 0.2  # sound scans 0.42 and more; T2-like -0.4, PD-like -0.2
# Real T1 scans up to 0.0033; the one real scan after an agent 0.0105, painted vessels 0.06.
MOST_BRIGHT_FRACTION = 0.005
# The air around a head that was standardised, or of a CT, is half the picture.
MOST_NEGATIVE_IMAGE_FRACTION = 0.2
# Times of spin and gradient echo that no T1 protocol has: textbook values, generous.
LONGEST_T1_ECHO_MS = 40.0
LONGEST_T1_REPETITION_MS = 3000.0
FLAIR_INVERSION_MS = 1500.0
LONGEST_PD_ECHO_MS = 60.0
CHOOSE_T1 = "Choose the T1-weighted series without contrast agent of this examination."
MR = (None, "", "MR")  # modalities of a header
LOOKS_LIKE: dict[SequenceName | None, str] = {
    "T2w": "it looks T2-weighted, and ",
    "FLAIR": "it looks like a FLAIR scan, and ",
    "PDw": "it looks proton-density-weighted, and ",
    "other": "it looks like another sequence, and ",
}


def told(measured: Contrast) -> SequenceName | None:
    """Return the sequence that the picture shows; None where too little of it is seen."""
    if measured.grey_to_white is None or measured.bright_white_log_odds is None:
        return None
    csf, bright = measured.csf_to_white, measured.bright_fraction or 0.0
    has_bright_fluid = csf is not None and csf > MOST_CSF_TO_WHITE
    if _is_grey_brighter(measured):
        if measured.negative_image_fraction > MOST_NEGATIVE_IMAGE_FRACTION:
            return "other"
        if has_bright_fluid:
            return "T2w" if bright > LEAST_BRIGHT_FRACTION_OF_T2 else "PDw"
        return None if csf is None else "FLAIR"
    has_other_pattern = measured.pattern is not None and measured.pattern < LEAST_PATTERN
    if has_bright_fluid or has_other_pattern:
        return "other"
    return "T1w after contrast" if bright > MOST_BRIGHT_FRACTION else "T1w"


def read_as(measured: Contrast, said: SequenceName | None, known: Collection[str]) -> SequenceName:
    """Return as which sequence a scan is read: as is said, or else as the picture tells.

    ``known``: the sequences beside T1 that the model gives an age for. What it does not know, or
    what is no MR picture or does not show its order clearly, is read as a T1, and the checks refuse
    it.
    """
    seen = told(measured)
    # Whether a T1 was made after an agent, the picture tells, whoever says that it is a T1.
    sequence = said if said is not None and not (said in T1_LIKE and seen in T1_LIKE) else seen
    if sequence is None or sequence not in known:
        return "T1w"
    if sequence in T1_LIKE:
        return sequence
    is_settled = said is not None or not _may_be_pd(measured, sequence)
    return sequence if is_settled and _is_clear(measured) else "T1w"


def _may_be_pd(measured: Contrast, sequence: SequenceName) -> bool:
    """Say whether fluid as bright as tissue may be that of a proton density scan instead."""
    csf, tags = measured.csf_to_white or 0.0, measured.tags
    if sequence == "FLAIR":
        return csf > MOST_CSF_OF_FLAIR and not (tags.inversion_time_ms or 0.0) > FLAIR_INVERSION_MS
    return csf < LEAST_CSF_OF_T2 and not (tags.echo_time_ms or 0.0) > LONGEST_PD_ECHO_MS


def _is_clear(measured: Contrast) -> bool:
    """Say whether a usual MR picture shows clearly that grey matter is brighter than white."""
    odds, tags = measured.bright_white_log_odds, measured.tags
    is_usual = tags.modality in MR and not tags.is_echo_planar
    is_usual = is_usual and not (measured.around_to_brain or 0.0) > MOST_AROUND
    return (
        is_usual and measured.csf_to_white is not None and odds is not None and odds <= CLEARLY_GREY
    )


def is_read_as_t1(measured: Contrast) -> bool:
    """Say whether the scan was read as one with the order of a T1, after an agent or not."""
    return measured.read_as in T1_LIKE


def not_as_said(measured: Contrast) -> Finding | None:
    """Refuse what the caller takes for another sequence than it is, or than any model reads."""
    said, seen = measured.said, told(measured)
    if said is None:
        return None
    is_read = (said in T1_LIKE) == is_read_as_t1(measured)
    is_seen = seen == said or {said, seen} <= T1_LIKE | {None}
    if is_read and is_seen:
        return None
    why = "the picture does not show it clearly, or no model reads such scans"
    if seen is not None and not is_seen:
        why = f"the picture shows {SEQUENCE_WORDS[seen]}"
    message = f"This scan is said to be {SEQUENCE_WORDS[said]}, and {why}. Let the picture tell it."
    return Finding(FindingCode.NOT_AS_SAID, "refuse", message, seen, said)


def other_sequence(measured: Contrast) -> Finding | None:
    """Warn of a scan of another sequence that the model reads."""
    if is_read_as_t1(measured) or not_as_said(measured) is not None:
        return None
    message = (
        f"This is {SEQUENCE_WORDS[measured.read_as]}. Its age was learnt from simulated scans of "
        "that kind alone, and its interval is known of these and a handful of real ones: it is "
        "less sure than that of a T1-weighted scan. Use the T1-weighted series if there is one."
    )
    return Finding(FindingCode.OTHER_SEQUENCE, "warn", message, measured.read_as, "T1w")


def _is_grey_brighter(measured: Contrast) -> bool:
    """Say whether grey matter is about as bright as white matter, or brighter."""
    grey, bright_white = measured.grey_to_white, measured.bright_white_log_odds
    is_grey = grey is not None and not grey <= _most_grey_to_white(measured)
    return is_grey or (bright_white is not None and not bright_white >= LEAST_BRIGHT_WHITE)


def _most_grey_to_white(measured: Contrast) -> float:
    says_other = _not_t1_by_tags(measured.tags) is not None
    return MOST_GREY_TO_WHITE_BY_HEADER if says_other else MOST_GREY_TO_WHITE


def not_t1(measured: Contrast) -> Finding | None:
    """Refuse what has not the order of a T1 scan, unless it is read as what it is."""
    if not is_read_as_t1(measured):
        return None
    seen = told(measured)
    looks = LOOKS_LIKE.get(seen, "")
    words = f"This is not a T1-weighted scan: {looks}{{}} white matter. {CHOOSE_T1}"
    if seen in ("T2w", "FLAIR") and _is_clear(measured) and _may_be_pd(measured, seen):
        words += f" It may be proton-density-weighted as well; if it is {seen}, say so (sequence)."
    if measured.csf_to_white is None:
        words += " A whole T2-weighted or FLAIR brain has an age if it may be registered."
    return (
        above(
            FindingCode.NOT_T1,
            measured.grey_to_white,
            words.format("grey matter is not clearly darker than"),
            refuse=_most_grey_to_white(measured),
        )
        or below(
            FindingCode.NOT_T1,
            measured.bright_white_log_odds,
            LEAST_BRIGHT_WHITE,
            words.format("what is brightest in it is not clearly"),
        )
        or above(
            FindingCode.NOT_T1,
            measured.csf_to_white,
            words.format("fluid is about as bright as"),
            refuse=MOST_CSF_TO_WHITE,
        )
    )


def unlike_t1(measured: Contrast) -> Finding | None:
    """Refuse what has the order of a T1 scan at other places."""
    if not is_read_as_t1(measured) or not_t1(measured) is not None:
        return None
    message = "Inside the brain, light and dark are not where a T1-weighted scan has them. "
    return below(FindingCode.UNLIKE_T1, measured.pattern, LEAST_PATTERN, message + CHOOSE_T1)


def contrast_agent(measured: Contrast) -> Finding | None:
    """Warn of a scan after an agent; what shows another sequence is bright for other reasons."""
    fraction, says_agent = measured.bright_fraction, measured.tags.says_contrast_agent
    is_bright = fraction is not None and fraction > MOST_BRIGHT_FRACTION
    is_bright = is_bright and is_read_as_t1(measured) and not_t1(measured) is None
    if not says_agent and not is_bright:
        return None
    why = f"{100 * (fraction or 0.0):.1f} % of the brain is far brighter than white matter"
    if says_agent:
        why = "The header, or the name of the series or file, tells of a contrast agent"
    how = "which the model has never seen"
    if measured.read_as == "T1w after contrast":
        how = "and is read as one, which was learnt from simulated scans alone"
    return Finding(
        FindingCode.CONTRAST_AGENT,
        "warn",
        f"{why}: this may be a scan after contrast agent, {how}. "
        "Use the series from before the injection.",
        round(fraction or 0.0, 4) if is_bright else None,
        MOST_BRIGHT_FRACTION if is_bright else None,
    )


def header_not_t1(measured: Contrast) -> Finding | None:
    """Speak up when the header says otherwise; the picture alone refuses, for headers are wrong."""
    said = _not_t1_by_tags(measured.tags)
    if said is None or not is_read_as_t1(measured):
        return None
    message = f"The header says that this is no T1-weighted MR scan ({said}). {CHOOSE_T1}"
    return Finding(FindingCode.HEADER_NOT_T1, "warn", message, said)


def _not_t1_by_tags(tags: SequenceTags) -> str | None:
    echo, repetition = tags.echo_time_ms or 0.0, tags.repetition_time_ms or 0.0
    inversion = tags.inversion_time_ms or 0.0
    if tags.modality not in MR:
        return f"modality {tags.modality}"
    if echo > LONGEST_T1_ECHO_MS:
        return f"echo time {echo:.0f} ms"
    if inversion > FLAIR_INVERSION_MS and repetition > LONGEST_T1_REPETITION_MS:
        return f"inversion time {inversion:.0f} ms"
    # An inversion before it makes a long repetition time a T1 one (MPRAGE, fluid attenuation).
    if repetition > LONGEST_T1_REPETITION_MS and not inversion:
        return f"repetition time {repetition:.0f} ms"
    return None
