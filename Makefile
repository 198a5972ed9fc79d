# Two commands set everything up on a fresh machine with Python 3.11+, make and git:
#   make league   five minutes of a real league, then its standings
#   make test     the test suite
# For contributors: make lint, make docs, make coverage, make format (CONTRIBUTING.md).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Another build of torch (CUDA, ROCm): make league PIP_OPTIONS="--extra-index-url ..."
PIP_OPTIONS ?=
PIP_INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check $(PIP_OPTIONS) -c constraints.txt
LEAGUE_DIR ?= league-data
FOR ?= 5m
# Processes that share the suite: auto is a core each, four at most; 0 runs it in one.
TEST_PROCESSES ?= auto

.PHONY: league test lint docs format coverage clean
.DEFAULT_GOAL := league

$(VENV)/.torch: constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP_INSTALL) $$(grep '^torch==' constraints.txt)
	touch $@

$(VENV)/.installed: pyproject.toml constraints.txt $(VENV)/.torch
	$(PIP_INSTALL) -e .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(PIP_INSTALL) -e '.[dev,docs,plot,data,tensorboard,onnx,postgres,ray,browser,s3]'
	touch $@

league: $(VENV)/.installed
	$(BIN)/league start --preset small --for $(FOR) --league $(LEAGUE_DIR)
	$(BIN)/league report --next --league $(LEAGUE_DIR)

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n $(TEST_PROCESSES)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy

# Into build/site; a link that leads nowhere is an error.
docs: $(VENV)/.installed-dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The suite's own processes alone: what workers, learners and daemons run is not counted.
coverage: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n $(TEST_PROCESSES) --cov --cov-report=term:skip-covered

clean:
	rm -rf $(VENV) build *.egg-info
