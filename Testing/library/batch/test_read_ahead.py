"""Files are read before they are needed; what cannot be read is passed over."""

from __future__ import annotations

from BrainAgeLib.batch import read_ahead
from BrainAgeLib.batch.read_ahead import ReadAhead


def test_files_and_the_files_of_a_folder_are_read_to_their_end(tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "one").write_bytes(bytes(3 * 2**20 + 1))
    (tmp_path / "two").write_bytes(b"12")

    assert read_ahead.read(tmp_path / "one") == 3 * 2**20 + 1
    assert read_ahead.read(tmp_path) == 3 * 2**20 + 3
    assert read_ahead.read(tmp_path / "missing") == 0


def test_each_scan_is_asked_for_once_and_none_ends_the_thread(tmp_path, monkeypatch):
    done = read_ahead.SimpleQueue()
    monkeypatch.setattr(read_ahead, "read", done.put)
    ahead = ReadAhead()

    for name in ("a", "b", "a", "c"):
        ahead.ask_for(str(tmp_path / name))

    assert [done.get(timeout=10).name for _ in range(3)] == ["a", "b", "c"]
    assert done.empty()
