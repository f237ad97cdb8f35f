"""Slicer's DICOM database, as far as the module asks it."""

from __future__ import annotations

from real_names import stands_for


@stands_for("ctkDICOMDatabase")
class DicomDatabase:
    """``slicer.dicomDatabase``.

    ``instances``: SOP instance UID to tags ("gggg,eeee") to values.
    """

    def __init__(self, instances: dict[str, dict[str, str]]) -> None:
        self._instances = instances

    def instanceValue(self, sopInstanceUID: str, tag: str) -> str:
        """Return a value of an instance's header; empty when instance or tag is not there."""
        return self._instances.get(sopInstanceUID, {}).get(tag, "")
