"""Read thousands of damaged files in a process of its own, that may not have more than 4 GB.

    python Testing/library/scan/fuzz_readers.py FOLDER COUNT SEED

FOLDER gets the seeds, real files of every format. Each is damaged COUNT times, by rules that know
where headers keep sizes, and read. What is said about a damaged file is a BrainAgeError; anything
else is printed, and the exit code is 1.
"""

from __future__ import annotations

import gzip
import random
import resource
import struct
import sys
from collections.abc import Callable
from pathlib import Path

import SimpleITK as sitk

from BrainAgeLib.errors import BrainAgeError
from BrainAgeLib.scan.read import read_scan
from Testing.library.scan.made_dicom import write_frames, write_series
from Testing.library.scan.made_scans import itk_image

MOST_BYTES = 4 * 10**9
HEADER_BYTES = 1600
NUMBERS = (0, -1, 1, 7, 255, 32767, -32768, 65535, 10**9, 2**31 - 1, 2**32 - 1, 2**63 - 1)
WORDS = (b"0", b"-1", b"nan", b"inf", b"1e400", b"1000000000", b"99999999999999999999", b"", b"/")


def flipped(content: bytes, chance: random.Random) -> bytes:
    """Change a few bytes of the header."""
    changed = bytearray(content)
    for _ in range(chance.randint(1, 8)):
        changed[chance.randrange(min(HEADER_BYTES, len(changed)))] = chance.randrange(256)
    return bytes(changed)


def with_a_number(content: bytes, chance: random.Random) -> bytes:
    """Write an extreme number somewhere into the header."""
    changed = bytearray(content)
    code = chance.choice(["<h", "<i", "<q", ">h", ">i", "<f"])
    number = chance.choice(NUMBERS)
    size = struct.calcsize(code)
    if code != "<f":
        span = 2 ** (8 * size)
        number = (number + span // 2) % span - span // 2
    place = chance.randrange(0, min(HEADER_BYTES, len(changed) - size), 2)
    struct.pack_into(code, changed, place, number)
    return bytes(changed)


def with_a_word(content: bytes, chance: random.Random) -> bytes:
    """Put another word in the place of one of the header's decimals."""
    head, rest = content[:HEADER_BYTES], content[HEADER_BYTES:]
    words = [n for n, byte in enumerate(head) if chr(byte).isdigit()]
    if not words:
        return flipped(content, chance)
    place = chance.choice(words)
    return head[:place] + chance.choice(WORDS) + head[place + 1 :] + rest


def cut(content: bytes, chance: random.Random) -> bytes:
    """Leave the end out."""
    return content[: chance.randrange(len(content))]


def longer(content: bytes, chance: random.Random) -> bytes:
    """Put bytes in between."""
    place = chance.randrange(min(HEADER_BYTES, len(content)))
    return content[:place] + chance.randbytes(chance.randint(1, 40)) + content[place:]


DAMAGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    flipped,
    with_a_number,
    with_a_number,
    with_a_word,
    cut,
    longer,
)


def write_seeds(folder: Path) -> list[tuple[Path, Path]]:
    """Write whole files; return which file to damage and which path to read, in pairs."""
    image = itk_image()
    pairs = []
    for name in ("s.nii", "s.nii.gz", "s.nrrd", "s.nhdr", "s.mha", "s.mhd"):
        path = folder / name.replace("s.", f"{name.replace('.', '_')}.", 1)
        sitk.WriteImage(image, path, useCompression=name == "s.nii.gz")
        pairs.append((path, path))
    series = write_series(folder / "series", places=range(3))
    pairs.append((sorted(series.iterdir())[1], series))
    frames = write_frames(folder / "frames.dcm")
    pairs.append((frames, frames))
    return pairs


def read_damaged(file: Path, scan: Path, count: int, chance: random.Random) -> list[str]:
    """Damage a file ``count`` times and read it; return what went wrong."""
    whole = file.read_bytes()
    is_packed = file.suffix == ".gz"
    complaints = []
    for number in range(count):
        damage = chance.choice(DAMAGES)
        content = gzip.decompress(whole) if is_packed else whole
        content = damage(content, chance)
        file.write_bytes(gzip.compress(content, 1) if is_packed else content)
        print(f"{file.name} {number}", file=sys.stderr)  # the last words before a crash
        try:
            read_scan(scan)
        except BrainAgeError:
            pass
        except Exception as error:
            complaints.append(f"{file.name} {number} {damage.__name__}: {error!r}")
    file.write_bytes(whole)
    return complaints


def main() -> int:
    """Read damaged files of every format; return 1 when one of them was not refused in words."""
    folder, count, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    complaints = []
    for file, scan in write_seeds(folder):
        complaints += read_damaged(file, scan, count, random.Random(f"{seed} {file.name}"))
    print("\n".join(complaints))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
