"""``python -m BrainAgeLib`` is the command ``brainage``."""

from __future__ import annotations

import sys

from BrainAgeLib.command_line.main import main

if __name__ == "__main__":
    sys.exit(main())
