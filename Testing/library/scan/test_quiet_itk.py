import os
import subprocess
import sys
import threading

import pytest
import SimpleITK as sitk

from BrainAgeLib.scan.itk import quiet_itk


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
