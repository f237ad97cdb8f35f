"""Names the packages of the wheel; pyproject.toml says everything else.

In the repository ``Resources/`` lies beside ``BrainAgeLib/``, where Slicer and a reader expect it.
In a wheel it must lie inside the package, or it would sit at the top of site-packages.
"""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["BrainAgeLib", "BrainAgeLib.*"]), "BrainAgeLib.Resources"],
    package_dir={"BrainAgeLib.Resources": "Resources"},
)
