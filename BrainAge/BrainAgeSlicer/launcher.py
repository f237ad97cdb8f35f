"""Run as a script in the child process: steps back in priority, then becomes the library.

``launcher.py FOLDER PACKAGE ARGUMENTS...`` does what ``python -m PACKAGE ARGUMENTS...`` does with
FOLDER on the module path. An environment variable would say the same, but every program that the
child starts would inherit it.
"""

from __future__ import annotations

import os
import runpy
import sys

NICENESS = 10
BELOW_NORMAL_PRIORITY_CLASS = 0x4000


def lowerPriority() -> None:
    """Leave the processor to the window, which has to stay alive."""
    if sys.platform == "win32":
        import ctypes

        kernel = ctypes.windll.kernel32
        # Of 64 bits: as a plain number the handle of this process would lose half of them.
        kernel.GetCurrentProcess.restype = ctypes.c_void_p
        kernel.SetPriorityClass.argtypes = (ctypes.c_void_p, ctypes.c_uint32)
        kernel.SetPriorityClass(kernel.GetCurrentProcess(), BELOW_NORMAL_PRIORITY_CLASS)
    else:
        os.nice(NICENESS)


def main() -> None:
    """Run the package that the command line names."""
    folder, package = sys.argv[1:3]
    # Python puts this script's folder first, and its neighbours would hide packages of their names.
    sys.path[0] = folder
    sys.argv[1:3] = []
    lowerPriority()
    runpy.run_module(package, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
