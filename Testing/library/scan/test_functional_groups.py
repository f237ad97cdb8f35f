"""Elements of the functional groups, picked from bytes."""

from __future__ import annotations

import struct

import pytest

from BrainAgeLib.scan import functional_groups as of_frames

DECIMAL, DOUBLE = of_frames.SLICE_THICKNESS, of_frames.EFFECTIVE_ECHO_TIME


def element(tag, kind, content, implicit=False):
    length = struct.pack("<I", len(content))
    return tag + (length if implicit else kind + length[:2]) + content


@pytest.mark.parametrize("implicit", [False, True])
def test_values_come_in_the_order_of_the_file(implicit):
    groups = b"".join(
        element(DECIMAL, b"DS", text, implicit) + element(DOUBLE, b"FD", double, implicit)
        for text, double in ((b"5.0 ", struct.pack("<d", 80)), (b"4", struct.pack("<d", 12.5)))
    )

    assert of_frames.decimals(groups, DECIMAL, 1) == [(5.0,), (4.0,)]
    assert of_frames.numbers_of(groups, DOUBLE, b"FD") == [80.0, 12.5]


def test_words_are_stripped():
    groups = element(of_frames.FRAME_TYPE, b"CS", b"ORIGINAL\\PRIMARY\\M ")

    assert of_frames.words(groups, of_frames.FRAME_TYPE) == ["ORIGINAL\\PRIMARY\\M"]


@pytest.mark.parametrize("content", [b"", b"thick", b"1\\2", b"inf"])
def test_what_is_no_such_number_is_passed_over(content):
    assert of_frames.decimals(element(DECIMAL, b"DS", content), DECIMAL, 1) == []
    assert of_frames.numbers_of(element(DOUBLE, b"FD", content), DOUBLE, b"FD") == []


def test_bytes_that_end_within_an_element():
    whole = element(DOUBLE, b"FD", struct.pack("<d", 80))

    for end in range(len(whole)):
        assert of_frames.numbers_of(whole[:end], DOUBLE, b"FD") == []


def test_a_file_without_frames_has_none(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"no groups")

    assert of_frames.functional_groups(path) == b""
