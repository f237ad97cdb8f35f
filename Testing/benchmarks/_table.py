"""The parts that ``speed.py`` measures, and the table of what it found."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import Any

STAGES = ("read", "brain_extraction", "registration", "prediction")

MOST_BRAIN_EXTRACTIONS = 2.5  # from reading to the age, in times of brain extraction alone
LEAST_FACTOR = 4.0  # by which the MIDI-like pipeline must be slower
MOST_COMMAND_SECONDS, MOST_COMMAND_MB = 20.0, 3000.0

OURS = {
    "our_brain_extraction": "deepbet alone, on a scan that has been read",
    "our_pipeline": "from reading to the age, twice in one process",
}
THEIRS = {
    "hd_bet": "HD-BET: one network of five (mode fast), no mirroring",
    "hd_bet_mirroring": "HD-BET: one network of five (mode fast), mirroring",
    "n4_full_resolution": "N4: SimpleITK's defaults, every voxel, 4 levels of 50 iterations",
    "n4_shrunken": "N4: antspyx's defaults, shrink factor 4, 4 levels of 50 iterations",
    "ants_affine_fast": "ANTs: AffineFast to the template at 1 mm",
    "ants_affine": "ANTs: Affine to the template at 1 mm",
    "densenet": "MONAI DenseNet121, 3D, 130^3 voxels, one forward pass, random weights",
}
SLOW = ("hd_bet_mirroring",)
FASTEST = ("hd_bet", "n4_full_resolution", "ants_affine_fast", "densenet")
PIPELINES = {
    "MIDI-like pipeline, fastest settings": FASTEST,
    "  with N4 shrunken": ("hd_bet", "n4_shrunken", "ants_affine_fast", "densenet"),
    "  with the tools' defaults": (
        "hd_bet_mirroring",
        "n4_shrunken",
        "ants_affine_fast",
        "densenet",
    ),
}


@dataclass
class Measured:
    """The runs of one part: seconds of each, peak memory of its process, what it says of itself."""

    seconds: list[float] = field(default_factory=list)
    again_seconds: list[float] = field(default_factory=list)
    peak_mb: list[float] = field(default_factory=list)
    facts: list[dict[str, float]] = field(default_factory=list)

    def fact(self, name: str) -> float:
        """Return the median of one fact over the runs."""
        return median(facts[name] for facts in self.facts)


def summary_of(parts: dict[str, Measured]) -> dict[str, Any]:
    """Return the figures that the bars are about."""
    command, alone = parts["command"], parts["our_brain_extraction"]
    to_age = sum(command.fact(stage) for stage in STAGES)
    again = sum(parts["our_pipeline"].fact(stage) for stage in STAGES)
    sums = {
        name: sum(median(parts[part].seconds) for part in members)
        for name, members in PIPELINES.items()
        if all(part in parts for part in members)
    }
    return {
        "reading_to_age_seconds": to_age,
        "reading_to_age_again_seconds": again,
        "brain_extractions": to_age / median(alone.seconds),
        "brain_extractions_again": again / median(alone.again_seconds),
        "peer_pipelines_seconds": sums,
        "factors": {name: seconds / to_age for name, seconds in sums.items()},
    }


def line(name: str, seconds: float, peak_mb: float | None = None, words: str = "") -> str:
    """Return one row of the table."""
    memory = "" if peak_mb is None else f"{peak_mb:.0f}"
    return f"{name:42} {seconds:8.2f} {memory:>8}  {words}".rstrip()


def against(value: float, bar: float, at_most: bool) -> str:
    """Return a figure beside its bar."""
    good = value <= bar if at_most else value >= bar
    side = "most" if at_most else "least"
    return f"{value:8.2f}  at {side} {bar:g}: {'met' if good else 'MISSED'}"


def show_ours(parts: dict[str, Measured], summary: dict[str, Any]) -> None:
    """Print our part of the table."""
    command, alone = parts["command"], parts["our_brain_extraction"]
    whole, start = median(command.seconds), median(parts["start"].seconds)
    to_age = summary["reading_to_age_seconds"]
    again = parts["our_pipeline"]
    print(f"{'part':42} {'seconds':>8} {'peak MB':>8}  settings, or the second scan of a process")
    print(line("brainage predict, as a whole", whole, max(command.peak_mb), "--no-saliency"))
    print(line("  interpreter start and imports", start, max(parts["start"].peak_mb)))
    for stage in STAGES:
        print(line(f"  {stage}", command.fact(stage), words=f"again {again.fact(stage):.2f}"))
    print(line("  model card, report, files", whole - start - to_age))
    words = f"again {summary['reading_to_age_again_seconds']:.2f}"
    print(line("from reading to the age", to_age, words=words))
    words = f"again {median(alone.again_seconds):.2f}; mask {alone.fact('mask_ml'):.0f} ml"
    print(line("brain extraction alone", median(alone.seconds), max(alone.peak_mb), words))


def show_theirs(parts: dict[str, Measured], summary: dict[str, Any]) -> None:
    """Print the other pipeline's part of the table."""
    for name, settings in THEIRS.items():
        if name in parts:
            measured = parts[name]
            facts = ", ".join(
                f"{fact.replace('_', ' ')} {measured.fact(fact):.4g}" for fact in measured.facts[0]
            )
            words = f"{settings}{'; ' if facts else ''}{facts}"
            print(line(name, median(measured.seconds), max(measured.peak_mb), words))
    for name, seconds in summary["peer_pipelines_seconds"].items():
        print(line(name, seconds, words=" + ".join(PIPELINES[name])))


def show_bars(parts: dict[str, Measured], summary: dict[str, Any]) -> None:
    """Print the figures that are to be reached."""
    command = parts["command"]
    first, again = summary["brain_extractions"], summary["brain_extractions_again"]
    print("whole command, s        ", against(median(command.seconds), MOST_COMMAND_SECONDS, True))
    print("whole command, MB       ", against(max(command.peak_mb), MOST_COMMAND_MB, True))
    print("reading to age / brain extraction alone")
    print("  first scan            ", against(first, MOST_BRAIN_EXTRACTIONS, True))
    print("  second scan           ", against(again, MOST_BRAIN_EXTRACTIONS, True))
    for name, factor in summary["factors"].items():
        print(f"{name} / ours")
        print("                        ", against(factor, LEAST_FACTOR, False))
