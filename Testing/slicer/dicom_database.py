"""Slicer's DICOM database, as far as the module asks it, and its indexer.

What is added stands in a file of the tables that CTK gives it, and in the folder that it reads.
"""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pydicom

from real_names import LISTED, stands_for


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
        self.isOpen = True

    def instanceValue(self, sopInstanceUID: str, tag: str) -> str:
        """Return a value of an instance's header; empty when instance or tag is not there."""
        return self._instances.get(sopInstanceUID, {}).get(tag, "")

    def fileForInstance(self, sopInstanceUID: str) -> str:
        """Return the path of an instance; empty when it is not there."""
        return self._files.get(sopInstanceUID, "")


@stands_for("ctkDICOMDatabase")
class StoredDatabase(DicomDatabase):
    """A database in a folder. What was there before keeps its place, as what is only indexed."""

    def __init__(self, _folder: Path, _before: DicomDatabase) -> None:
        super().__init__(_before._instances, _before._files)
        self.databaseDirectory = str(_folder)
        self.databaseFilename = str(_folder / "ctkDICOM.sql")
        self._connection = sqlite3.connect(self.databaseFilename)
        for name, listed in LISTED.items():
            if name.startswith("table "):
                columns = ", ".join(listed["names"].split())
                self._connection.execute(f"CREATE TABLE {name.split()[1]} ({columns})")
        version = LISTED["schema version"]["names"].strip()
        self._connection.execute("INSERT INTO SchemaInfo VALUES (?)", [version])
        for path in self._files.values():
            self._insert(pydicom.dcmread(path, stop_before_pixels=True), path)

    def fileForInstance(self, sopInstanceUID: str) -> str:
        rows = self._connection.execute(
            "SELECT Filename FROM Images WHERE SOPInstanceUID = ?", [sopInstanceUID]
        ).fetchall()
        return str(Path(self.databaseDirectory) / rows[0][0]) if rows else ""

    def _store(self, path: str) -> None:
        data = pydicom.dcmread(path)
        study, series, instance = (
            hashlib.md5(str(uid).encode()).hexdigest()
            for uid in (data.StudyInstanceUID, data.SeriesInstanceUID, data.SOPInstanceUID)
        )
        name = f"dicom/{study[:8]}/{series[:8]}/{instance}.dcm"
        stored = Path(self.databaseDirectory) / name
        stored.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, stored)
        self._insert(data, name)

    def _insert(self, data: Any, name: str) -> None:
        uids = data.SOPInstanceUID, data.SeriesInstanceUID, data.StudyInstanceUID
        instance, series, study = map(str, uids)
        self._add("Images", SOPInstanceUID=instance, Filename=name, SeriesInstanceUID=series)
        if not self._has("Series", "SeriesInstanceUID", series):
            kind = str(data.get("Modality", ""))
            words = str(data.get("SeriesDescription", ""))
            own = {"SeriesInstanceUID": series, "StudyInstanceUID": study}
            self._add("Series", **own, Modality=kind, SeriesDescription=words)
        if not self._has("Studies", "StudyInstanceUID", study):
            self._add("Studies", StudyInstanceUID=study)
        self._connection.commit()

    def _has(self, table: str, column: str, value: str) -> bool:
        query = f"SELECT 1 FROM {table} WHERE {column} = ?"
        return self._connection.execute(query, [value]).fetchone() is not None

    def _add(self, table: str, **values: str) -> None:
        names, marks = ", ".join(values), ", ".join("?" * len(values))
        query = f"INSERT INTO {table} ({names}) VALUES ({marks})"
        self._connection.execute(query, list(values.values()))


@stands_for("ctkDICOMIndexer")
class DicomIndexer:
    """``ctk.ctkDICOMIndexer``: adds files to a database."""

    def addFile(self, database: Any, filePath: str, copyFile: bool) -> None:
        """Add a file; copied, or as a reference to where it lies."""
        assert copyFile, "the folder that it lies in goes"
        if isinstance(database, StoredDatabase):
            database._store(filePath)

    def waitForImportFinished(self) -> None:
        """Return once all is in the database."""
