# Needs make, Python 3.10 or newer with its venv module, and a package index; nothing else.
# `make` alone lists what there is to make.
#
#   make demo PYTHON=python3.12
#   make demo PIP_ARGS="--extra-index-url ADDRESS"
#       On Linux the package index serves PyTorch with some GB of CUDA libraries. With the address
#       of PyTorch's index of CPU builds, pip takes the much smaller CPU build of the same version.
#   make demo PIP_ARGS="--no-index --find-links wheelhouse"
#       Without a network; `make offline` fills wheelhouse/ beforehand on a machine like this one.
#   make demo PIP_ARGS=-v              shows what pip does
#   make test PYTEST_ARGS="-k geometry"
#   make test PYTEST_ARGS=--randomly-seed=1234    in the order of an earlier run

PYTHON ?= python3
PIP_ARGS ?=
PYTEST_ARGS ?=
NAME ?=
ARGS ?=

VENV = .venv
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check
PIP_INSTALL = $(PIP) install --quiet --only-binary :all: $(PIP_ARGS)

# What the command needs, and what the tests need beside it. All are exact versions.
BASE_REQUIREMENTS = requirements/base.txt
TEST_REQUIREMENTS = requirements/extras.txt requirements/dev.txt \
	$(wildcard requirements/slicer_test.txt)

.PHONY: help demo test lint benchmark docs studies study wheel offline pins clean distclean

help:
	@echo 'make demo        predict the age of the bundled sample scan; report in demo-output/'
	@echo 'make test        every check that needs no data set: ruff, mypy, pytest'
	@echo 'make lint        ruff and mypy alone'
	@echo 'make benchmark   measure speed and memory on this machine'
	@echo 'make docs        API pages from the docstrings, in docs/api/'
	@echo 'make studies     list the studies behind the published figures'
	@echo 'make study NAME=NAME ARGS="..."   run one of them'
	@echo 'make wheel       build the Python package into dist/'
	@echo 'make offline     fill wheelhouse/ for a machine without a network'
	@echo 'make pins        choose new exact versions for requirements/'
	@echo 'make clean       remove what was built; make distclean: also $(VENV) and wheelhouse/'

demo: $(VENV)/base.stamp
	@$(BIN)/brainage demo --output demo-output

# The order of the tests; `make test SEED=7` has another. One seed by default, so that a change is
# judged by what it changes.
SEED ?= 2028
# Workers that share the cores, a file of tests each at a time; `make test WORKERS=0` has none.
WORKERS ?= auto
PARALLEL = -n $(WORKERS) --dist loadfile --no-loadscope-reorder
# A whole run holds the floor of the coverage, too; from Python 3.12 on it costs next to nothing.
COVERAGE = $(if $(strip $(PYTEST_ARGS)),,--cov --cov-report=)
CORE = import sys; print("sysmon" if sys.version_info >= (3, 12) else "ctrace")

# pytest comes last and its summary ends the output, but a complaint of the others fails the run too.
test: $(VENV)/test.stamp
	@failed=0; \
	$(MAKE) --no-print-directory lint || failed=1; \
	COVERAGE_CORE=$$($(BIN)/python -c '$(CORE)') \
		$(BIN)/python -m pytest --randomly-seed=$(SEED) $(PARALLEL) $(COVERAGE) $(PYTEST_ARGS) || failed=1; \
	exit $$failed

lint: $(VENV)/test.stamp
	@failed=0; \
	$(BIN)/ruff check . || failed=1; \
	$(BIN)/ruff format --check . || failed=1; \
	$(BIN)/mypy || failed=1; \
	exit $$failed

benchmark: $(VENV)/test.stamp
	@for script in Testing/benchmarks/[!_]*.py; do \
		echo "$$script"; $(BIN)/python "$$script" || exit 1; \
	done

docs: $(VENV)/test.stamp
	@$(BIN)/python -m Testing.makers.api_pages docs/api
	@echo 'docs/api/index.html'

studies:
	@cd Testing/studies && for script in pins.py */[!_]*.py; do \
		printf '%-26s %s\n' "$${script%.py}" "$$(sed -n '1s/"""//gp' "$$script")"; \
	done

study: $(VENV)/test.stamp
	@test -n '$(NAME)' || { echo 'make study NAME=...: `make studies` lists the names'; exit 1; }
	@$(BIN)/python -m Testing.studies.$(subst /,.,$(NAME)) $(ARGS)

wheel: $(VENV)/test.stamp
	rm -rf build dist
	$(BIN)/python -m build --no-isolation

offline: $(VENV)/base.stamp
	rm -rf build wheelhouse
	$(PIP) download --quiet --only-binary :all: $(PIP_ARGS) --dest wheelhouse \
		-r $(BASE_REQUIREMENTS) -r requirements/extras.txt
	$(PIP) wheel --quiet --no-deps --no-build-isolation --wheel-dir wheelhouse .
	@echo 'wheelhouse/ serves machines with the same system, processor and Python version. There:'
	@echo '    pip install --no-index --find-links wheelhouse "slicerbrainage[all]"'

# CUDA's parts are left out: torch itself names their exact versions.
CHOOSE = $(BIN)/uv pip compile --quiet --universal --python-version 3.10 --no-build --no-header \
	--no-annotate --constraint requirements/constraints.txt pyproject.toml
WITHOUT_CUDA = grep -vE '^(cuda-|nvidia-|triton==)'
WRITTEN = echo '\# Written by `make pins`.'

pins: $(VENV)/base.stamp
	$(PIP_INSTALL) uv
	{ $(WRITTEN); $(CHOOSE) | $(WITHOUT_CUDA); } > requirements/base.txt
	{ $(WRITTEN); $(CHOOSE) --extra all | $(WITHOUT_CUDA) \
		| grep -vxFf requirements/base.txt; } > requirements/extras.txt
	{ $(WRITTEN); $(CHOOSE) --extra all --extra dev | $(WITHOUT_CUDA) \
		| grep -vxFf requirements/base.txt | grep -vxFf requirements/extras.txt; } \
		> requirements/dev.txt

clean:
	rm -rf build dist demo-output docs/api *.egg-info .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache
	find BrainAge BrainAgeLib Testing -name __pycache__ -prune -exec rm -rf {} +

distclean: clean
	rm -rf $(VENV) wheelhouse

$(VENV)/base.stamp: $(BASE_REQUIREMENTS) pyproject.toml setup.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
		echo '$(PYTHON) is missing or older than 3.10; name another: make PYTHON=python3.12'; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo '$(PYTHON) cannot make virtual environments; install its venv module'; \
		echo '(on Debian and Ubuntu: apt-get install python3-venv)'; exit 1; }
	@echo 'Setting up $(VENV), once: this downloads some 300 MB, or some GB where PyTorch brings CUDA.'
	@$(PYTHON) -m venv $(VENV)
	@$(PIP_INSTALL) -r $(BASE_REQUIREMENTS)
	@$(PIP) install --quiet --no-index --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/test.stamp: $(VENV)/base.stamp $(TEST_REQUIREMENTS)
	@echo 'Adding what the tests need.'
	@$(PIP_INSTALL) $(TEST_REQUIREMENTS:%=-r %)
	@touch $@
