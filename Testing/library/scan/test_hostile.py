"""Files that were made to do harm: refused in words, in little memory, with nothing else read."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import pytest
import SimpleITK as sitk

from BrainAgeLib.errors import InputError
from BrainAgeLib.scan.read import read_scan
from Testing.library.commands import environment
from Testing.library.scan.made_scans import (
    INCOMPLETE,
    SIZE_I,
    itk_image,
    message_of,
    patched,
    replaced,
)

COUNT = 25  # of each of the eight kinds of files
READ_AND_MEASURE = """
import sys
from BrainAgeLib.errors import BrainAgeError
from BrainAgeLib.scan.read import read_scan

for path in sys.argv[1:]:
    try:
        print(read_scan(path).image.GetSize())
    except BrainAgeError as error:
        print(error.message)
# Not ru_maxrss, which begins with what the parent had: it is kept when a program is replaced.
for line in open("/proc/self/status"):
    if line.startswith("VmHWM"):
        print(line.split()[1])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited the Linux way")
def test_damaged_headers_are_refused_in_words(tmp_path):
    script = Path(__file__).with_name("fuzz_readers.py")
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path), str(COUNT), "1"],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, f"{done.stdout}\nlast read: {done.stderr.splitlines()[-3:]}"
    assert len(done.stderr.splitlines()) == 8 * COUNT
    assert done.stdout == "\n"


def write_bomb(path: Path, sizes: tuple[int, int, int]) -> Path:
    """Write a small compressed file that unpacks to that many voxels of one byte; return it."""
    head = patched(path.with_name("header.nii"), SIZE_I, "3h", *sizes).read_bytes()[:352]
    head = head[:70] + b"\x02\x00\x08\x00" + head[74:]  # unsigned bytes
    row = bytes(sizes[0] * sizes[1] - 1) + b"\x05"
    with gzip.open(path, "wb", 1) as file:
        file.write(head)
        for _ in range(sizes[2]):
            file.write(row)
    return path


@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured the Linux way")
def test_a_bomb_takes_little_memory(tmp_path):
    # The largest that is read, and one that is not: 134 million voxels in less than 1 MB.
    paths = [
        write_bomb(tmp_path / "a.nii.gz", (1024, 1024, 128)),
        write_bomb(tmp_path / "b.nii.gz", (1024, 1024, 129)),
    ]
    assert all(path.stat().st_size < 10**6 for path in paths)

    command = [sys.executable, "-c", READ_AND_MEASURE, *map(str, paths)]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True)

    first, second, kilobytes = done.stdout.splitlines()
    assert first == "(1024, 1024, 128)"
    assert "is too large" in second
    assert int(kilobytes) < 2_000_000


@pytest.fixture
def secret(tmp_path):
    """Return a file outside the folder of the scan."""
    path = tmp_path / "secret.raw"
    path.write_bytes(bytes(range(256)) * 200)
    return path


@pytest.mark.parametrize("suffix", [".mhd", ".nhdr"])
@pytest.mark.parametrize("kind", ["absolute", "up", "link"])
def test_a_header_cannot_name_a_file_outside_its_folder(tmp_path, secret, suffix, kind):
    folder = tmp_path / "scan"
    folder.mkdir()
    path = folder / f"s{suffix}"
    sitk.WriteImage(itk_image(), path)
    if kind == "link":
        (folder / "s.raw").unlink()
        (folder / "s.raw").symlink_to(secret)
    else:
        named = str(secret) if kind == "absolute" else "../secret.raw"
        path.write_bytes(path.read_bytes().replace(b"s.raw", named.encode()))

    with pytest.raises(InputError, match="outside its own folder"):
        read_scan(path)


@pytest.mark.parametrize("suffix", [".mhd", ".nhdr"])
def test_a_name_that_no_file_can_have(tmp_path, capfd, suffix):
    path = tmp_path / f"s{suffix}"
    sitk.WriteImage(itk_image(), path)
    path.write_bytes(path.read_bytes().replace(b"s.raw", b"s\0.raw"))

    assert "makes no sense" in message_of(path, capfd)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no such device here")
def test_a_folder_with_links_to_what_never_ends(tmp_path):
    (tmp_path / "IM0001").symlink_to("/dev/zero")
    (tmp_path / "IM0002").symlink_to(tmp_path / "IM0002")

    with pytest.raises(InputError, match="holds links to files that are not there, and no DICOM"):
        read_scan(tmp_path)


MEMORY_LIMITED_READ = """
import resource, sys
from BrainAgeLib.errors import InputError
from BrainAgeLib.scan.read import read_scan

used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 2**29, used + 2**29))
for path in sys.argv[1:]:
    try:
        read_scan(path)
    except InputError as error:
        print(error.message)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited the Linux way")
def test_sizes_that_lie_take_no_memory(tmp_path):
    paths = [
        patched(tmp_path / "a.nii", SIZE_I, "3h", 32767, 32767, 32767),
        tmp_path / "b.nii.gz",
        replaced(tmp_path / "c.nrrd", b"14 12 9\n", b"14 12 1000000000\n"),
        replaced(tmp_path / "d.mha", b"14 12 9\n", b"14 12 1000000000\n"),
        patched(tmp_path / "e.nii", SIZE_I, "3h", 32767, 12, 300),
    ]
    paths[1].write_bytes(gzip.compress(paths[0].read_bytes()))

    command = [sys.executable, "-c", MEMORY_LIMITED_READ, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    messages = done.stdout.splitlines()
    assert done.stderr == ""
    assert len(messages) == len(paths)
    assert all("is too large: its header promises" in message for message in messages[:4])
    assert INCOMPLETE in messages[4]
