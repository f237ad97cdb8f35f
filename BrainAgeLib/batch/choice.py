"""Which series of a study is the T1-weighted scan to predict from, and why."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from BrainAgeLib.records import Plane

# Fewer cannot be registered: they come last, and the quality gate has its say.
LEAST_SLICES = 8
# What is usual at 1.5 to 3 T, in ms: spin echo T1 has TE 8-20 and TR 400-900, gradient echo T1 has
# TE 2-7, T1 FLAIR TR near 2000 and TI near 800, MPRAGE TI near 900; T2 has TE 80-120. The limits
# lie well between.
LONGEST_T1_ECHO_MS = 35.0
LONGEST_T1_GRADIENT_ECHO_MS = 12.0
LONGEST_T1_REPETITION_MS = 1300.0
T1_INVERSION_MS = (400.0, 1400.0)
# Looked for in the description in lower case with one space between words; "+" is read as "post"
# and "*" as "star".
_NOT_T1 = (
    ("localizer", r"local[iy]zer|scout|survey|3 ?plane|\bloc\b"),
    ("diffusion", r"\bdwi|\bdti|\bdiff|\badc\b|\btrace\b|\bep2d"),
    ("angiography", r"\btof|angio|\bmra\b|\bmrv\b|\bswi|\bswan\b|venobold"),
    ("T2*", r"\bt2 ?star|\bt2s\b|\bhemo|\bgre t2|\bt2 gre"),
    ("T1 after contrast agent", r"\bgad|\bgd\b|\bpost\b|\bkm\b|\bce\b"),
    ("T2 FLAIR", r"(?<!t1 )(?<!t1)flair|dark fluid"),
    ("T2", r"\bt2|\bhaste\b|\bciss\b|\bfiesta\b"),
    ("perfusion or function", r"\bperf|\basl\b|\bbold\b|\bfmri|\brest\b"),
    ("a map or mask", r"mask|\bseg|\blabel|\baseg|\baparc|\bmip\b|\bphase|\bph\b|fieldmap"),
)
_T1 = r"\bt1|\bmpr|\bbravo\b|spgr\b|\btfl|\bflash|\bvibe\b|\blava\b"
_PROTON_DENSITY = r"\bpdw?\b(?! ?\d)|proton"  # "PD 001" is a person with Parkinson's disease


@dataclass(frozen=True)
class SeriesFacts:
    """What header and voxel grid tell of one series or file.

    ``plane`` is None when it makes no volume. Times in ms; None where the header says nothing.
    ``complaint``: why it cannot be read, or None.
    """

    path: str
    series_uid: str | None
    description: str
    plane: Plane | None
    slice_count: int
    echo_ms: float | None = None
    repetition_ms: float | None = None
    inversion_ms: float | None = None
    is_gradient_echo: bool = False
    has_contrast_agent: bool = False
    is_derived: bool = False
    complaint: str | None = None


@dataclass(frozen=True)
class Decision:
    """Whether a series was chosen, and why; a line of ``selection.csv``."""

    study: str
    path: str
    series_uid: str | None
    description: str
    chosen: bool
    reason: str


def choose(series: Sequence[SeriesFacts]) -> tuple[SeriesFacts | None, list[str]]:
    """Return the best T1-weighted series of one study, or None, and for each series the reason.

    Thick axial slices go first, then other planes, then 3D. Of equals the one wins whose header
    says most, then the one with more slices, then the first.
    """
    judged = [judge(facts) for facts in series]
    fit = [n for n, (rank, _) in enumerate(judged) if rank is not None]
    best = min(fit, key=lambda n: (judged[n][0], n), default=None)
    if best is None:
        return None, [reason for _, reason in judged]
    reasons = [
        reason if n == best or rank is None else f"{reason}, but another series fits better"
        for n, (rank, reason) in enumerate(judged)
    ]
    return series[best], reasons


def judge(facts: SeriesFacts) -> tuple[tuple[int, ...] | None, str]:
    """Return how well a series fits, smallest best, or None when it cannot serve; and why."""
    if facts.complaint is not None:
        return None, facts.complaint
    contrast, why = contrast_of(facts)
    if contrast not in ("T1", ""):
        return None, f"{contrast} ({why})"
    if facts.plane is None:
        return None, f"{facts.slice_count} slices that make no volume"
    form = "3D" if facts.plane == "3d" else f"2D {facts.plane}"
    planes: tuple[Plane, ...] = ("axial", "coronal", "sagittal", "3d")
    rank = (
        int(facts.slice_count < LEAST_SLICES),
        planes.index(facts.plane),
        int(facts.is_derived),
        int(contrast != "T1"),
        -facts.slice_count,
    )
    says = f"T1 ({why})" if contrast else "contrast not told by the header"
    derived = ", derived from another series" if facts.is_derived else ""
    return rank, f"{form}, {facts.slice_count} slices, {says}{derived}"


def contrast_of(facts: SeriesFacts) -> tuple[str, str]:
    """Return the contrast, "" when nothing tells, and what tells it.

    The description goes before the times, since it tells a contrast agent or angiography apart.
    """
    words = re.sub(
        r"[\W_]+", " ", facts.description.lower().replace("*", " star").replace("+", " post ")
    )
    if facts.has_contrast_agent:
        return "T1 after contrast agent", "the header names an agent"
    for contrast, pattern in _NOT_T1:
        if re.search(pattern, words):
            return contrast, f"described as {facts.description!r}"
    by_times = _contrast_by_times(facts)
    if by_times is not None:
        return by_times
    for contrast, pattern in (("T1", _T1), ("proton density", _PROTON_DENSITY)):
        if re.search(pattern, words):
            return contrast, f"described as {facts.description!r}"
    return "", ""


def _contrast_by_times(facts: SeriesFacts) -> tuple[str, str] | None:
    echo, repetition, inversion = facts.echo_ms, facts.repetition_ms, facts.inversion_ms
    if echo is None or repetition is None:
        return None
    times = f"TE {echo:g} ms, TR {repetition:g} ms" + (
        f", TI {inversion:g} ms" if inversion else ""
    )
    if echo > LONGEST_T1_ECHO_MS:
        long_inversion = inversion is not None and inversion > T1_INVERSION_MS[1]
        return ("T2 FLAIR" if long_inversion else "T2"), times
    if facts.is_gradient_echo and echo > LONGEST_T1_GRADIENT_ECHO_MS:
        return "T2*", times
    low, high = T1_INVERSION_MS
    if repetition <= LONGEST_T1_REPETITION_MS or (inversion and low <= inversion <= high):
        return "T1", times
    return "proton density", times
