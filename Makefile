# Each target does its own set-up on a machine with Python 3.11 or later and make.
# Everything lands in .venv/ and .cache/; `make clean-all` removes both.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export MOORAGE_CACHE_DIR ?= $(CURDIR)/.cache

.PHONY: demo up test planted downloads check format protos generated clean clean-all

demo: $(VENV)/.installed  ## bring up the simulated cluster, deploy a model, ask it something
	@$(BIN)/moorage demo

up: $(VENV)/.installed  ## bring up the simulated cluster and stay
	@$(BIN)/moorage up

test: check downloads  ## everything that CI runs
	$(BIN)/pytest

planted: $(VENV)/.installed-dev  ## plant every bug of the catalogue; each must be caught (an hour)
	@$(BIN)/python -m tests.planted.runner

# Before the tests, so that no test's time limit depends on the network.
downloads: $(VENV)/.installed  ## the real Triton, and the weights of the small model
	@$(BIN)/python -m moorage.installation
	@$(BIN)/python -m workloads.weights --preset=smollm2-135m-instruct \
	  --model-repository=$(MOORAGE_CACHE_DIR)/models --weights-cache=$(MOORAGE_CACHE_DIR)/weights

check: $(VENV)/.installed-dev  ## style, types, import rules and protos
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/buf lint

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

protos: $(VENV)/.installed-dev  ## regenerate the gRPC stubs
	$(BIN)/python -m api.generate

generated: $(VENV)/.installed-dev  ## rewrite what is made from the code
	$(BIN)/python -m moorage.generated

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Moorage needs Python 3.11 or later; try: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	@echo "Making a private environment in $(VENV)/ ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	@echo "Installing Moorage and what it needs into $(VENV)/ (about 400 MB the first time) ..."
	@$(BIN)/python -m pip install --progress-bar on --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "Installing what the tests need ..."
	@$(BIN)/python -m pip install --quiet --group dev
	@touch $@

clean:
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

clean-all: clean  ## also the environment and every download
	rm -rf $(VENV) .cache
