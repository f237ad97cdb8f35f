"""What the name and folder of a file of a BIDS dataset say: whose it is, and of what."""

from __future__ import annotations

from pathlib import Path

from ancpbids.utils import parse_bids_name

from BrainAgeLib.options import SEQUENCES
from BrainAgeLib.records import SequenceName
from BrainAgeLib.scan.agent_words import is_agent
from BrainAgeLib.scan.sidecar import tags_of_file

NO_PLACE = "not in a folder sub-*/anat or sub-*/ses-*/anat as T1w, T2w, FLAIR or PDw"
OTHER_CAPITALS = "capitals count in names of BIDS: it has to end in"
NO_MAGNITUDE = "no picture of magnitudes"
IN_TEMPLATE = "in another space by its name: its brain may have a template's shape"
_EXTENSIONS = (".nii", ".nii.gz")
_NO_MAGNITUDES = ("phase", "imag")
# Labels of ``space`` in which a brain keeps its own shape; what others do with it nobody knows.
_OWN_SPACES = frozenset(("", "individual", "orig", "scanner", "anat", "fsnative", *SEQUENCES))


def suffix_of(path: Path) -> SequenceName | None:
    """Return the sequence that a file is called after, or None."""
    return next((suffix for suffix in SEQUENCES if f"_{suffix}.nii" in path.name), None)


def person_and_session(path: Path) -> tuple[str, str]:
    """Return whose scan it is, and which session's: as its name says, else its folder."""
    subject, *others = path.name.split("_")
    of_person, folder = path.parts[-4:-2] if len(path.parts) > 3 else ("", "")
    others += [folder] if of_person.startswith("sub-") else []
    return subject, next((part for part in others if part.startswith("ses-")), "")


def reason_against(dataset: Path, path: Path) -> str | None:
    """Say why a file that may be a scan is none to work on."""
    name = parse_bids_name(path.name)
    if name is None or name["suffix"] != suffix_of(path) or name["extension"] not in _EXTENSIONS:
        return "its name is not one of BIDS: key-value parts, no dot but that of .nii or .nii.gz"
    if not name["entities"].get("sub"):
        return "its name does not say whose it is: sub-LABEL comes first"
    if (part := name["entities"].get("part")) in _NO_MAGNITUDES:
        return f"{NO_MAGNITUDE}: its name says part-{part}"
    for folder in path.relative_to(dataset).parts[:-1]:
        key, _, label = folder.partition("-")
        if label and name["entities"].get(key, label) != label:
            return f"its name says {key}-{name['entities'][key]}, but it lies in {folder}"
    return None


def why_no_scan(path: Path) -> str:
    """Say why an image in the folder of a person is none of the scans of a dataset."""
    name = parse_bids_name(path.name)
    if name is None:
        return f"a name that is not one of BIDS, {NO_PLACE}"
    suffix, ending = str(name["suffix"]), str(name["extension"])
    meant = next((one for one in SEQUENCES if one.lower() == suffix.lower()), "")
    if ending.lower() in _EXTENSIONS and meant and (meant, ending.lower()) != (suffix, ending):
        return f"{OTHER_CAPITALS} _{meant}{ending.lower()}"
    return f"{suffix}, {NO_PLACE}"


def is_after_agent(path: Path) -> bool:
    """Say whether a scan is one after contrast agent, by its name or JSON file."""
    name = parse_bids_name(path.name)
    return is_agent(name["entities"].get("ce", "")) or tags_of_file(path).says_contrast_agent


def in_template(path: Path) -> str:
    """Return what is to be said of a scan that was moved to a template, as pipelines leave them."""
    name = parse_bids_name(path.name)
    return "" if name["entities"].get("space", "") in _OWN_SPACES else IN_TEMPLATE
