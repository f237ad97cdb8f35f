"""Nothing is missing, and nothing gets installed; tests put their own in place."""

from pathlib import Path

from real_names import stands_for


@stands_for("module packaging")
def load_requirements(path: Path) -> list:
    from packaging.requirements import Requirement

    lines = Path(path).read_text().splitlines()
    return [Requirement(line) for line in lines if line.strip() and not line.startswith("#")]


@stands_for("module packaging")
def pip_check(_req) -> bool:
    return True


@stands_for("module packaging")
def pip_ensure(_requirements, constraints=None, requester=None, prompt_install=True) -> None:
    raise NotImplementedError
