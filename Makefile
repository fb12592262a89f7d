# Needs: Python >= 3.11 with pip, and make. Everything else goes into .venv.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEV := $(VENV)/.dev
DIST := $(VENV)/.dist

# What is being done, and for how many seconds the set-up has gone on, on stderr.
BEGAN := $(shell date +%s)
SAY = echo "make: $(1)" >&2
TOOK = echo "make: ready after $$(( $$(date +%s) - $(BEGAN) )) s" >&2

.PHONY: demo test explore dist check house hosts live live-all race bench bench-peers soak man pictures clean
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

# Two hosts behind a real sshd each, in namespaces of their own (root; else on 127.0.0.2 and .3); a fleet on a nats-server;
# 10,000 asks whose connections are cut, and whose agents are killed, at every step.
hosts: $(DEV)
	@$(BIN)/python -m pytest -n 3 -o cache_dir=.pytest_cache/hosts tests/hosts -rs
	@$(BIN)/python -m tests.hosts.cuts

live: $(DEV)
	@$(BIN)/python -m pytest tests/live -rs

# Eleven releases through every scenario; writes docs/releases.md.
live-all: $(DEV)
	@$(BIN)/python -m tests.live.matrix

# 10,000 releases against live acquirers, half of them with a stepping clock, and 500 asked for over a wire by several
# decks; 2,000 kills, 1,000 errors, 500 stops.
race: $(DEV)
	@$(BIN)/python -m tests.race --all

bench: $(DEV)
	@$(BIN)/python -m tests.bench

# The same question to lockdeck, clawmonitor and OpenClaw's doctor; writes the table of docs/performance.md.
bench-peers: $(DEV)
	@$(BIN)/python -m tests.bench.peers

# Memory, threads and descriptors of watch and dashboard through an hour of storm, or so many MINUTES.
soak: $(DEV)
	@$(BIN)/python -m tests.bench.soak --minutes $(or $(MINUTES),60)

# The man pages, from the same text as --help.
man: $(DEV)
	@$(BIN)/python -m lockdeck.tui.cli.guide.manpages docs/man

pictures: $(DEV)
	@$(BIN)/python -m tests.tui.pictures

# Debian's python3 without python3-venv has no ensurepip: then pip itself fills the environment.
$(VENV)/bin/python:
	@[ -n "$(PYTHON)" ] || { echo "lockdeck needs Python 3.11 or newer: none found on PATH (set PYTHON=...)" >&2; exit 1; }
	@$(call SAY,making a virtual environment in $(VENV) ...)
	@$(PYTHON) -m venv $(VENV) 2>/dev/null || { rm -rf $(VENV); $(PYTHON) -m venv --without-pip $(VENV) && \
		$(PYTHON) -m pip -q --python $(VENV)/bin/python install pip; }

$(READY): $(VENV)/bin/python pyproject.toml constraints.txt
	@$(call SAY,installing lockdeck and the libraries it needs into $(VENV) (once; a minute or two) ...)
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e .
	@$(call TOOK)
	@touch $@

$(DEV): $(READY)
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

$(DIST): $(DEV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[dev,dist]'
	@touch $@

clean:
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
