"""ITK makes no noise, and files under another name leave nothing behind."""

import locale
import os
import subprocess
import sys
import tempfile
import threading

import numpy as np
import pytest
import SimpleITK as sitk

from BrainAgeLib.scan import itk
from BrainAgeLib.scan.itk import named_as, quiet_itk, remove_leftovers
from BrainAgeLib.scan.read import read_scan
from Testing.library.scan.made_scans import made_voxels, write_nifti


def test_error_stream_is_silent_inside_and_back_afterwards(capfd):
    print("before", file=sys.stderr)
    with quiet_itk():
        os.write(2, b"noise of a library\n")
        os.write(1, b"result\n")
    print("after", file=sys.stderr)

    assert capfd.readouterr() == ("result\n", "before\nafter\n")


def test_it_is_back_after_an_error(capfd):
    with pytest.raises(ZeroDivisionError), quiet_itk(), quiet_itk():
        os.write(2, b"noise\n")
        raise ZeroDivisionError
    os.write(2, b"after\n")

    assert capfd.readouterr().err == "after\n"


@pytest.mark.parametrize("warns", [True, False])
def test_switch_of_warnings_is_left_as_it_was(warns):
    before = sitk.ProcessObject.GetGlobalWarningDisplay()
    sitk.ProcessObject.SetGlobalWarningDisplay(warns)
    try:
        with quiet_itk():
            assert not sitk.ProcessObject.GetGlobalWarningDisplay()
        assert sitk.ProcessObject.GetGlobalWarningDisplay() == warns
    finally:
        sitk.ProcessObject.SetGlobalWarningDisplay(before)


def test_names_are_utf_8_inside_where_the_system_takes_them_otherwise(monkeypatch):
    """Windows calls this locale .UTF-8; other systems need none, so one of theirs stands in."""
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    except locale.Error:
        pytest.skip("this system has no C.UTF-8")
    locale.setlocale(locale.LC_CTYPE, "C")
    monkeypatch.setattr(itk, "NAMES_LOCALE", "C.UTF-8")
    try:
        with quiet_itk(), quiet_itk():
            inside = locale.setlocale(locale.LC_CTYPE)
        afterwards = locale.setlocale(locale.LC_CTYPE)
    finally:
        locale.setlocale(locale.LC_CTYPE, before)

    assert (inside, afterwards) == ("C.UTF-8", "C")


def test_a_system_without_that_locale_reads_as_it_can(monkeypatch):
    monkeypatch.setattr(itk, "NAMES_LOCALE", ".no-such-locale")
    before = locale.setlocale(locale.LC_CTYPE)

    with quiet_itk():
        assert locale.setlocale(locale.LC_CTYPE) == before


def test_threads_leave_the_error_stream_in_place(capfd):
    def read_often():
        for _ in range(50):
            with quiet_itk():
                os.write(2, b"noise\n")

    threads = [threading.Thread(target=read_often) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    os.write(2, b"after\n")

    assert capfd.readouterr().err == "after\n"


def test_program_without_an_error_stream():
    script = (
        "import os, sys; os.close(2); sys.stderr = None\n"
        "from BrainAgeLib.scan.itk import quiet_itk\n"
        "with quiet_itk(): print('read')\n"
    )

    done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, check=True)

    assert done.stdout.split() == [b"read"]


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """Return the folder that takes temporary files."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_a_file_with_the_right_suffix_stays_where_it_is(tmp_path, temporary):
    path = write_nifti(tmp_path / "s.nii")

    with named_as(path, ".nii") as readable:
        assert readable == path
    assert not list(temporary.iterdir())


def test_another_suffix_for_as_long_as_it_is_needed(tmp_path, temporary):
    path = write_nifti(tmp_path / "s.nii").rename(tmp_path / "s")

    with named_as(path, ".nii") as readable:
        assert readable.read_bytes() == path.read_bytes()
        assert list(temporary.iterdir()) == [readable.parent]
    assert not list(temporary.iterdir())


def test_it_is_removed_after_an_error_too(tmp_path, temporary):
    with pytest.raises(KeyboardInterrupt), named_as(tmp_path / "s", ".nii"):
        raise KeyboardInterrupt

    assert not list(temporary.iterdir())


def test_what_a_killed_run_left_is_removed_and_what_a_running_one_uses_is_not(temporary):
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    names = [f"brainage-{done.pid}-a", f"brainage-{os.getppid()}-b", "brainage-x-c", "other"]
    for name in names:
        (temporary / name).mkdir()
    (temporary / names[0] / "scan.nii").symlink_to("/nowhere")

    remove_leftovers()

    assert {path.name for path in temporary.iterdir()} == set(names[1:])


@pytest.mark.parametrize("beside", ["s.nii", "s.img", "s.hdr"])
def test_voxels_come_from_the_file_that_was_named(tmp_path, beside):
    """ITK alone takes those of s.nii for s.nii.gz."""
    path = write_nifti(tmp_path / "s.nii.gz")
    write_nifti(tmp_path / "other.nii", 2 * made_voxels()).rename(tmp_path / beside)

    voxels = sitk.GetArrayFromImage(read_scan(path).image).T

    np.testing.assert_array_equal(voxels, made_voxels())


def test_a_locale_that_is_not_taken_back_fails_no_scan(monkeypatch):
    """Windows gives names that it does not take back; here the second of two calls refuses."""
    before = locale.setlocale(locale.LC_CTYPE)
    real = locale.setlocale

    def refuses(category, name=None):
        if name == before:
            raise locale.Error("unsupported locale setting")
        return real(category, name)

    monkeypatch.setattr(itk, "NAMES_LOCALE", "C")
    monkeypatch.setattr(locale, "setlocale", refuses)
    try:
        with quiet_itk():
            pass
    finally:
        real(locale.LC_CTYPE, before)
