"""Reading the next scans' bytes, so that they wait in the system's cache when their turn comes."""

from __future__ import annotations

import threading
from pathlib import Path
from queue import SimpleQueue

_PIECE_BYTES = 2**20


class ReadAhead:
    """A thread that reads files and folders and forgets what it read, each of them once."""

    def __init__(self) -> None:
        self._asked: set[str] = set()
        self._scans: SimpleQueue[str] = SimpleQueue()
        threading.Thread(target=self._read_all, daemon=True).start()

    def ask_for(self, scan: str) -> None:
        """Have a scan read soon; one that cannot be read is told of by whoever works on it."""
        if scan not in self._asked:
            self._asked.add(scan)
            self._scans.put(scan)

    def _read_all(self) -> None:
        while True:
            read(Path(self._scans.get()))


def read(path: Path) -> int:
    """Return how many bytes a file, or the files of a folder, hold, after reading them."""
    count = 0
    try:
        for file in sorted(path.iterdir()) if path.is_dir() else [path]:
            if file.is_file():
                with file.open("rb") as stream:
                    while piece := stream.read(_PIECE_BYTES):
                        count += len(piece)
    except OSError:
        return count
    return count
