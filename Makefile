# What this repository can do. Needs Python 3.11 or newer and make; everything else goes into .venv.

PYTHON  ?= python3
SERVE   ?= 1
ARGS    ?=

BIN     := .venv/bin
INSTALL := $(BIN)/python -m pip install -q --disable-pip-version-check
PYTEST  := $(BIN)/python -m pytest

# Debian packages that tests use when they are there; without them those tests are skipped with a reason.
SYSTEM_PACKAGES := chromium redis-server
BENCHMARKS      := $(sort $(wildcard benchmarks/*.py))

.DEFAULT_GOAL := help
.PHONY: help demo check lint test test-app bench docs format system clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/.train ## build a small simulated world, train on it and serve it at http://127.0.0.1:8420 (SERVE=0: do not serve)
	$(BIN)/palate --home demo-home demo $(if $(filter 0,$(SERVE)),--no-serve) $(ARGS)

check: lint ## format, lint, types and fast tests: under three minutes, before every commit
	$(PYTEST) -q -n 2 --dist loadfile -m 'not slow' --ignore=tests/app

test: lint test-app ## everything: what CI runs
	$(PYTEST) -q -n 2 --dist loadfile --ignore=tests/app

test-app: .venv/.dev system ## tests of the served page in a browser, skipped where there is none
	$(PYTEST) -q tests/app

lint: .venv/.dev ## format, lint and types, changing nothing
	$(BIN)/ruff format --check -q .
	$(BIN)/ruff check -q .
	$(BIN)/mypy

format: .venv/.dev ## rewrite the sources in the house format
	$(BIN)/ruff check -q --fix-only .
	$(BIN)/ruff format -q .

bench: .venv/.dev ## run every benchmark, one after another
	@set -e; for file in $(BENCHMARKS); do echo "== $$file"; $(BIN)/python "$$file"; done

docs: .venv/.dev ## write the generated pages of docs/reference again
	$(BIN)/python scripts/cli_reference.py docs/reference/cli.md
	$(BIN)/python scripts/settings_reference.py docs/reference/settings.md

system: ## install the Debian packages that tests use, where that is possible
	@scripts/system_packages.sh $(SYSTEM_PACKAGES)

clean: ## remove the environment, the demo home and every cache
	rm -rf .venv demo-home dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps say what is installed; a changed pyproject.toml installs again, anything else does not.
.venv/bin/python:
	$(PYTHON) -m venv .venv || { rm -rf .venv; echo "make: $(PYTHON) cannot make a virtual environment;" \
		"on Debian run: apt-get install python3-venv" >&2; exit 1; }

.venv/.train: pyproject.toml | .venv/bin/python
	$(INSTALL) -e '.[lab]'
	@touch $@

.venv/.dev: pyproject.toml | .venv/bin/python
	$(INSTALL) -e '.[dev]'
	@touch $@ .venv/.train
