import subprocess
import sys

import pytest


@pytest.mark.parametrize("package", ["torch", "SimpleITK"])
def test_library_loads_what_is_heavy_only_when_asked(package):
    script = f"import sys, BrainAgeLib; sys.exit({package!r} in sys.modules)"

    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
