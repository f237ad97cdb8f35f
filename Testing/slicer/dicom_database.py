"""Slicer's DICOM database, as far as the module asks it."""

from __future__ import annotations

from real_names import stands_for


@stands_for("ctkDICOMDatabase")
class DicomDatabase:
    """``slicer.dicomDatabase``.

    ``instances``: SOP instance UID to tags ("gggg,eeee") to values; ``files``: to paths.
    """

    def __init__(
        self,
        _instances: dict[str, dict[str, str]] | None = None,
        _files: dict[str, str] | None = None,
    ) -> None:
        self._instances = _instances or {}
        self._files = _files or {}

    def instanceValue(self, sopInstanceUID: str, tag: str) -> str:
        """Return a value of an instance's header; empty when instance or tag is not there."""
        return self._instances.get(sopInstanceUID, {}).get(tag, "")

    def fileForInstance(self, sopInstanceUID: str) -> str:
        """Return the path of an instance; empty when it is not there."""
        return self._files.get(sopInstanceUID, "")
