"""The columns of a table that tell sexes. What they leave open never costs a scan its age."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from BrainAgeLib.errors import printable
from BrainAgeLib.records import Sex
from BrainAgeLib.tables.cells import sex_of

logger = logging.getLogger(__name__)

SEX_COLUMNS = ("sex", "biological_sex", "sex_at_birth")
GENDER_COLUMNS = ("gender",)


@dataclass(frozen=True)
class SexColumns:
    """Names of columns of sexes, and of genders, which tell where no sex does."""

    sexes: tuple[str, ...] = ()
    genders: tuple[str, ...] = ()

    def sex(self, cells: Mapping[str, str]) -> Sex | None:
        """Return the sex in a row; None where none or several are told."""
        return self._read(cells)[0]

    def is_unclear(self, cells: Mapping[str, str]) -> bool:
        """Say whether cells of a row speak of a sex that they do not tell: a code, or F and M."""
        return self._read(cells)[1]

    def _read(self, cells: Mapping[str, str]) -> tuple[Sex | None, bool]:
        has_code = False
        for columns in (self.sexes, self.genders):
            told = set()
            for name in columns:
                try:
                    told.add(sex_of(cells[name]))
                except ValueError:  # 1 or 2, say: nobody tells which is which
                    has_code = True
            told.discard(None)
            if told:
                return (told.pop(), False) if len(told) == 1 else (None, True)
        return None, has_code


class UnclearSexes:
    """Counts the rows of tables whose sex is left empty though something is said of it."""

    def __init__(self) -> None:
        self._rows: Counter[str] = Counter()

    def count(self, table: str, columns: SexColumns, rows: Sequence[Mapping[str, str]]) -> None:
        """Count those of a table, or of several of one name."""
        where = f"{printable(table)} ({', '.join(columns.sexes + columns.genders)})"
        if unclear := sum(map(columns.is_unclear, rows)):
            self._rows[where] += unclear

    def tell(self) -> None:
        """Log one line on all of them, if there are any."""
        if self._rows:
            counts = [f"{n} row{'s' * (n > 1)} of {where}" for where, n in self._rows.items()]
            words = "a sex that is neither F nor M, or is both, is left empty: %s"
            logger.warning(words, ", ".join(counts))
