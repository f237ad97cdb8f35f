"""A package that is missing or broken is an error that says which, with the line that mends it."""

from __future__ import annotations

from importlib import import_module

import pytest

from BrainAgeLib.errors import InputError, InstallationError
from BrainAgeLib.extras import fault_of_loading, require_extra


def test_what_is_there_is_no_error():
    require_extra("cohort", "json", "csv")


def test_what_is_missing_is_named():
    with pytest.raises(InputError, match="no_such_package") as caught:
        require_extra("cohort", "json", "no_such_package")

    assert caught.value.hint == 'pip install "slicerbrainage[cohort]"'
    assert caught.value.exit_code == 2


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Install a package of these lines, under a name of its own, and return the name."""
    monkeypatch.syspath_prepend(tmp_path)

    def install(lines):
        (tmp_path / "package_of_a_test.py").write_text(lines)
        return "package_of_a_test"

    return install


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("raise ImportError('libgomp.so.1: cannot open')", "loaded: libgomp.so.1: cannot open"),
        ("raise OSError('libtbb.so: cannot open')", "loaded: libtbb.so: cannot open"),
        ("raise ValueError('numpy.dtype size changed')", "loaded: numpy.dtype size changed"),
        ("raise ImportError('A page.\\n\\nOf advice.') from OSError('lib')", "loaded: lib"),
        ("import no_such_package.part", "loaded: it needs no_such_package, which is not"),
    ],
)
def test_what_is_there_but_fails_is_not_called_missing(installed, lines, said):
    name = installed(lines)

    with pytest.raises(InstallationError) as caught:
        require_extra("cohort", name)

    assert caught.value.message == f"the package {name} is installed but cannot be {said}"


def test_a_package_without_what_it_needs_names_the_remedy(installed):
    name = installed("import no_such_package")

    with pytest.raises(InstallationError) as caught:
        require_extra("cohort", name)

    assert caught.value.hint == f"pip install {name} adds what it needs"


def test_no_memory_is_no_fault_of_the_package(installed):
    with pytest.raises(MemoryError):
        require_extra("cohort", installed("raise MemoryError"))


def test_a_package_that_is_missing_is_no_fault_of_ours():
    with pytest.raises(ImportError) as caught:
        import_module("no_such_package.part")

    assert fault_of_loading(caught.value).message == "the package no_such_package is not installed"


def test_other_errors_are_not_of_loading():
    assert fault_of_loading(ValueError("ours")) is None
