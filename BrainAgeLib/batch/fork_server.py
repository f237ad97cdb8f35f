"""Imported first by the process that workers are forks of: Linux ends it with the batch's own.

By itself it would not notice that the batch is gone before it has imported all that it was asked
to, which takes seconds.
"""

from __future__ import annotations

import ctypes
import os
import signal

_PR_SET_PDEATHSIG = 1  # of <sys/prctl.h>; forks do not inherit it

ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
# Ctrl-C that came before this line has ended the batch already; it is blocked here, not forgotten.
if signal.SIGINT in signal.sigpending() and signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
    os._exit(128 + signal.SIGINT)
