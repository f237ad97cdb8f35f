"""The card of a model: what it was trained on, how well it does, how it is calibrated.

Imports nothing that takes time: which models there are is known without what it takes to run one.
A card comes with a model from anywhere: its name ends up in paths, terminals and pages, and its
numbers decide how much memory is asked for. So what it may say at all is checked here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from BrainAgeLib.codec import Source, from_plain, read_json
from BrainAgeLib.errors import InputError, InstallationError
from BrainAgeLib.model.calibration import (
    AcquisitionClass,
    AgeCurve,
    IntervalCoverage,
    ScanError,
    SequenceCalibration,
    SequencesTogether,
    TightCurve,
    UnseenScanner,
)
from BrainAgeLib.records import OLDEST_AGE_YEARS, OTHER_SEQUENCES, Reference, SequenceName
from BrainAgeLib.statistics import Accuracy

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
SHA256 = re.compile(r"[0-9a-f]{64}")
# Of the card: up to 3 without harmonisation, with 4 few slices were not aligned.
EARLIER_VERSIONS = ("1", "2", "3", "4")
# What was trained on scans of a sequence itself: experts of its own, and a network.
OWN_EXPERTS, OWN_NETWORK = "own", "own_network"
OWN_KINDS = (OWN_EXPERTS, OWN_NETWORK)
MOST_MEMBERS = 100  # these two set by hand, far beyond what any card has
LONGEST_TEXT = 10_000

Table = dict[str, Accuracy | None]


@dataclass(frozen=True)
class Blend:
    """How much each kind of model counts in the age, 0-1, by kind; see ``KINDS`` of ``weights``.

    ``whole_brain``: for scans that cover the brain. ``part_of_brain``: for all others. Each adds
    up to 1. ``curve``: makes the raw age of what is said of a whole brain; None leaves it.
    ``tight``: instead of it where a brain was stripped tight; None where ``curve`` serves all.
    ``of_sequences``: instead of ``whole_brain`` for scans of other sequences than T1, by sequence;
    what was trained on the sequence itself is called as in ``OWN_KINDS`` there.
    """

    whole_brain: dict[str, float]
    part_of_brain: dict[str, float]
    curve: AgeCurve | None = None
    of_sequences: dict[str, dict[str, float]] = field(default_factory=dict)
    tight: TightCurve | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for fractions that do not make up one age, or a missing curve."""
        if self.tight is not None and self.curve is None:
            raise ValueError("there is no curve of loose strips")
        for fractions in (self.whole_brain, self.part_of_brain, *self.of_sequences.values()):
            is_whole = math.isclose(sum(fractions.values()), 1.0, abs_tol=1e-6)
            if not is_whole or min(fractions.values()) < 0:
                raise ValueError(f"fractions of an age cannot be {list(fractions.values())}")
        for sequence, fractions in self.of_sequences.items():
            if sequence not in OTHER_SEQUENCES or set(fractions) - {*self.whole_brain, *OWN_KINDS}:
                raise ValueError(f"of_sequences cannot be {sequence!r}: {list(fractions)}")

    @property
    def kinds(self) -> tuple[str, ...]:
        """All kinds that take part in the age of a T1."""
        return tuple(dict.fromkeys([*self.whole_brain, *self.part_of_brain]))

    def has_own(self, sequence: str) -> bool:
        """Say whether models count that were trained on scans of this sequence."""
        return bool(self.own_kinds(sequence))

    def own_kinds(self, sequence: str) -> tuple[str, ...]:
        """Return which kinds count that were trained on scans of this sequence."""
        fractions = self.of_sequences.get(sequence, {})
        return tuple(kind for kind in OWN_KINDS if kind in fractions)

    def read_as(self, sequence: str, curve: AgeCurve | None) -> Blend:
        """Return the blend of a sequence's scans of any strip, with a curve of its own or none."""
        fractions = self.of_sequences.get(sequence, self.whole_brain)
        return replace(self, whole_brain=fractions, curve=curve, of_sequences={}, tight=None)

    def fractions(self, covers_brain: bool) -> dict[str, float]:
        """Return the fractions by kind for a scan."""
        return self.whole_brain if covers_brain else self.part_of_brain

    def raw_age(
        self, by_kind: Mapping[str, float], covers_brain: bool, filled_in: float = 0.0
    ) -> float:
        """Return the raw age that ages by kind make, in years. ``filled_in``: see ``ScanMaps``."""
        said = sum(part * by_kind[kind] for kind, part in self.fractions(covers_brain).items())
        if not covers_brain or self.curve is None:
            return said
        age_years = self.curve(said)
        return age_years if self.tight is None else self.tight(said, age_years, filled_in)


@dataclass(frozen=True)
class Training:
    """What a model was trained on. ``parameters``: fitted numbers of one member, by kind."""

    people: int
    sex: dict[str, int]
    settings: dict[str, Any]
    parameters: dict[str, int]


@dataclass(frozen=True)
class Calibration:
    """How a raw age is read. ``classes`` are tried in order.

    ``unseen_scanner``: None where the model was never tried on a scanner that it had not seen.
    ``scan_error``: None where nobody was scanned twice for it.
    ``sequences``: of the sequences beside T1 that the model gives an age for. ``together``: of sets
    of sequences whose ages surely make a better one; of a set that is not there it is not known.
    """

    interval_level: float
    default_correction: str
    classes: tuple[AcquisitionClass, ...]
    unseen_scanner: UnseenScanner | None = None
    scan_error: ScanError | None = None
    sequences: dict[str, SequenceCalibration] = field(default_factory=dict)
    together: tuple[SequencesTogether, ...] = ()

    def __post_init__(self) -> None:
        """Raise ValueError for no class at all, or a sequence that nothing reads."""
        if not self.classes:
            raise ValueError("there is no class")
        if set(self.sequences) - set(OTHER_SEQUENCES):
            raise ValueError(f"sequences cannot be {sorted(self.sequences)}")
        sets = [frozenset(one.sequences) for one in self.together]
        if frozenset().union(*sets) - {"T1w", *self.sequences} or len(set(sets)) < len(sets):
            raise ValueError(f"together there cannot be {sorted(map(sorted, sets))}")

    def usual_half_width_years(self, sequence: str, predicted_years: float) -> float:
        """Return half the width of the interval that most scans of a sequence have."""
        read = self.sequences.get(sequence)
        return (read.entry if read else self.classes[0]).half_width_years(predicted_years)

    def together_of(self, sequences: Collection[str]) -> SequencesTogether | None:
        """Return how the ages of exactly these sequences make one; None where that is not known."""
        return next((one for one in self.together if set(one.sequences) == set(sequences)), None)


@dataclass(frozen=True)
class AccuracyTables:
    """Raw error on simulated scans, out of fold, by scan and by group.

    ``validation``: by protocol, of the people that choices saw; ``held_out``: of the others.
    ``left_out``: by site and protocol, of its people by a member that saw nobody of that site.
    """

    validation: Table
    held_out: Table
    by_decade: Table
    by_sex: Table
    by_tilt: Table
    by_spacing: Table
    by_coverage: Table
    interval: dict[str, IntervalCoverage]
    left_out: Table = field(default_factory=dict)


@dataclass(frozen=True)
class Card:
    """The content of ``card.json``.

    ``sha256`` is that of ``model.safetensors``, ``harmonisation`` that of the network of
    ``template.harmonisation`` whose slices the models were trained on. ``own_sha256``: of
    ``sequence_experts.safetensors``, empty where there is none. ``members``: of the ensemble.
    ``ablation``: raw error of each kind of model alone. ``out_of_fold``: the people that
    one person is compared with.
    """

    card_version: Literal["5"]
    name: str
    version: str
    sha256: str
    harmonisation: str
    notice: str
    members: int
    blend: Blend
    age_range_years: tuple[float, float]
    training: Training
    calibration: Calibration
    accuracy: AccuracyTables
    ablation: Table
    out_of_fold: Reference
    own_sha256: str = ""

    def __post_init__(self) -> None:
        """Raise ValueError for what no card may say."""
        patterns = {"name": NAME, "version": NAME, "sha256": SHA256, "harmonisation": SHA256}
        for name, pattern in patterns.items():
            if not pattern.fullmatch(getattr(self, name)):
                raise ValueError(f"{name} cannot be {getattr(self, name)!r}")
        needs_own = any(map(self.blend.has_own, self.blend.of_sequences))
        if (needs_own or self.own_sha256) and not SHA256.fullmatch(self.own_sha256):
            raise ValueError(f"own_sha256 cannot be {self.own_sha256!r}")
        if not 1 <= self.members <= MOST_MEMBERS:
            raise ValueError(f"members cannot be {self.members}")
        low, high = self.age_range_years
        if not 0 <= low < high <= OLDEST_AGE_YEARS:
            raise ValueError(f"age_range_years cannot be {low:g} to {high:g}")
        people = self.out_of_fold
        if len(people.ages_years) != len(people.predicted_years):
            raise ValueError("out_of_fold has not as many ages as predictions")

    def blend_of(self, sequence: SequenceName) -> Blend:
        """Return how the models' ages become one for a scan of this sequence."""
        read = self.calibration.sequences.get(sequence)
        return self.blend if read is None else self.blend.read_as(sequence, read.curve)

    def class_of(self, slice_count: int, spacing_mm: float) -> AcquisitionClass:
        """Return the class of a scan with this many slices in view; the last one takes the rest."""
        classes = self.calibration.classes
        for candidate in classes:
            enough = slice_count >= candidate.least_slices
            if enough and spacing_mm <= candidate.most_spacing_mm:
                return candidate
        return classes[-1]


def read_card(folder: Path) -> Card:
    """Read ``card.json`` of a model folder.

    Raises InputError when the folder holds no model or one of an earlier version, InstallationError
    when the card is damaged.
    """
    path = folder / "card.json"
    if not path.is_file():
        inside = sorted(card.parent.name for card in folder.glob("*/card.json"))
        hint = f"give a folder inside of it: {', '.join(inside)}" if inside else ""
        raise InputError(f"{folder} is not a model: it has no card.json", hint)
    complaint = f"the model card {path} is damaged"
    source = Source(complaint, "install the model again", InstallationError)
    document = read_json(path, source)
    if isinstance(document, dict) and document.get("card_version") in EARLIER_VERSIONS:
        raise InputError(
            f"the model in {folder} was made by an earlier version of this program",
            "train it anew, or use the one that comes with this version",
        )
    try:
        for text in _texts(document):
            _check_text(text)
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise source.refuse(error) from error
    return from_plain(Card, document, source)


def _texts(item: Any) -> Iterator[str]:
    """Yield every text and every name of a field."""
    if isinstance(item, dict):
        for name, value in item.items():
            yield name
            yield from _texts(value)
    elif isinstance(item, list):
        for value in item:
            yield from _texts(value)
    elif isinstance(item, str):
        yield item


def _check_text(text: str) -> None:
    if len(text) > LONGEST_TEXT:
        raise ValueError("a text is too long")
    if not all(character.isprintable() or character == "\n" for character in text):
        raise ValueError("a text holds characters that cannot be shown")
