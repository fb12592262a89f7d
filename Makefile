# Needs: Python >= 3.11 with pip, and make. Everything else goes into .venv.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEV := $(VENV)/.dev
DIST := $(VENV)/.dist

.PHONY: demo test explore dist check house live live-all race bench pictures clean
demo: $(READY)
	@$(BIN)/lockdeck demo

test: $(DEV)
	@$(BIN)/python -m pytest -n 2

# Wheel, source distribution and a one-file program (for this Python and system), each installed and started.
dist: $(DIST)
	@$(BIN)/python -m tests.packaging

# The property tests with new random examples, many of them. `make test` repeats the same ones every time, so that it
# fails for a change only: a find of this run becomes an @example of its test (of a state machine: a test of its steps).
explore: $(DEV)
	@$(BIN)/python -m pytest -n 2 -m hypothesis --hypothesis-profile=explore -o timeout=3600

check: $(DEV)
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/codespell backend tui themes tests README.md ARCHITECTURE.md CONTRIBUTING.md CHANGELOG.md
	@$(BIN)/python -m tests.house

# Figures of the code itself, each with its goal.
house: $(DEV)
	@$(BIN)/python -m tests.house

live: $(DEV)
	@$(BIN)/python -m pytest tests/live -rs

# Eleven releases through every scenario; writes docs/releases.md.
live-all: $(DEV)
	@$(BIN)/python -m tests.live.matrix

# 10,000 releases against live acquirers, half of them with a stepping clock; 2,000 kills, 1,000 errors, 500 stops.
race: $(DEV)
	@$(BIN)/python -m tests.race --all

bench: $(DEV)
	@$(BIN)/python -m tests.bench

# Memory, threads and descriptors of watch and dashboard through an hour of storm, or so many MINUTES.
soak: $(DEV)
	@$(BIN)/python -m tests.bench.soak --minutes $(or $(MINUTES),60)

pictures: $(DEV)
	@$(BIN)/python -m tests.tui.pictures

# Debian's python3 without python3-venv has no ensurepip: then pip itself fills the environment.
$(VENV)/bin/python:
	@[ -n "$(PYTHON)" ] || { echo "lockdeck needs Python 3.11 or newer: none found on PATH (set PYTHON=...)" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) 2>/dev/null || { rm -rf $(VENV); $(PYTHON) -m venv --without-pip $(VENV) && \
		$(PYTHON) -m pip -q --python $(VENV)/bin/python install pip; }

$(READY): $(VENV)/bin/python pyproject.toml constraints.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(DEV): $(READY)
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

$(DIST): $(DEV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[dev,dist]'
	@touch $@

clean:
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
