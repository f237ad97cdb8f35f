"""Whether scans that are followed as one person's may be two people's.

What names a person is compared here and never written: a sentence names the scans alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

# A BIDS entity: https://bids-specification.readthedocs.io, "Entities".
_SUBJECT = re.compile(r"(?:^|[^A-Za-z0-9])sub-([A-Za-z0-9]+)")


def subject_of(path: str) -> str | None:
    """Return the BIDS subject that a file's name, or else the nearest folder, names."""
    subjects = _SUBJECT.findall(path)
    return subjects[-1].casefold() if subjects else None


def maybe_two_people(
    names: Sequence[str],
    subjects: Sequence[str | None],
    patient_ids: Sequence[str | None] = (),
    sexes: Sequence[str | None] = (),
) -> list[str]:
    """Return a sentence for each thing by which the scans look like those of several people.

    Of each scan: its name for people, BIDS subject, DICOM patient ID and sex, None or nothing where
    not known.
    """
    told_by = {
        "the BIDS subjects in the names of their files or folders": subjects,
        "the patient IDs of their headers": patient_ids,
        "their sexes": sexes,
    }
    return [
        f"These may be scans of two people, since {what} differ: {', '.join(names)}."
        for what, ids in told_by.items()
        if len({one for one in ids if one}) > 1
    ]
