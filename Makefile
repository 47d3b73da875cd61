# Python work happens in .venv, made from $(PYTHON). Two stamps inside it say what is installed;
# each is written last, so an interrupted install starts over, and each carries the version of
# Python, so another PYTHON builds another environment.
PYTHON ?= python3
# The interpreters `make constraints` resolves on: one per supported version.
PYTHONS ?= python3.11 python3.12 python3.13

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install -qq -c constraints.txt
VERSION := $(shell $(PYTHON) -c 'import platform; print(platform.python_version())' 2>/dev/null)
RUNTIME := .venv/.runtime-$(VERSION)
EXTRAS := .venv/.extras-$(VERSION)

.DEFAULT_GOAL := help
.PHONY: help docs fit pharmacokinetics released crosscheck crosscheck-amici notebooks peers bench test test-slow pytest lint types constraints clean check-python

help: ## list the targets
	@grep -E '^[a-z-]+:.* ## ' Makefile | sed -E 's/^([a-z-]+):.* ## /  make \1\t/' | expand -t 22
	@echo "  PYTHON=/path/to/python chooses the interpreter (3.11 or newer; default python3)"

fit: $(RUNTIME) ## fit the models to the data; results go to results/
	@$(BIN)/bonecycle fit

pharmacokinetics: $(RUNTIME) ## estimate the drugs anew and compare them with published numbers
	@$(BIN)/python tools/estimate_pharmacokinetics.py
	@$(BIN)/bonecycle pharmacokinetics

released: $(RUNTIME) ## write the released SBML files anew from the sources
	@$(BIN)/python tools/write_released.py

crosscheck: $(EXTRAS) ## simulate every model in three simulators; writes docs/simulators.md (minutes)
	@OMP_NUM_THREADS=1 $(BIN)/python -m tools.crosscheck

crosscheck-amici: peers ## simulate the cycle in AMICI too; adds it to docs/simulators.md (long)
	@OMP_NUM_THREADS=1 .venv-bench/bin/python -m tools.crosscheck_amici

peers: | check-python
	@test -x .venv-bench/bin/python || $(PYTHON) -m venv .venv-bench
	@.venv-bench/bin/python -m pip --disable-pip-version-check install -qq -c constraints.txt -e .
	@grep -v '^#' benchmarks/requirements.txt | while read -r peer; do \
	  .venv-bench/bin/python -m pip --disable-pip-version-check install -qq "$$peer" \
	  || echo "$$peer does not install: it is not measured"; done

bench: peers ## measure speed beside other simulators (long; see benchmarks/README.md)
	@OMP_NUM_THREADS=1 .venv-bench/bin/python -m benchmarks.run --rounds 9

notebooks: $(EXTRAS) ## execute the notebooks; HTML goes to results/notebooks
	@for notebook in notebooks/*.py; do \
	  echo "Executing $$notebook (a few minutes)"; \
	  $(BIN)/jupytext -q --to ipynb --output - $$notebook | \
	    $(BIN)/jupyter-nbconvert --log-level WARN --stdin --execute --to html \
	      --output-dir results/notebooks --output $$(basename $$notebook .py) || exit 1; \
	done

docs: $(EXTRAS) ## build the documentation; it goes to results/docs
	@$(BIN)/python -m sphinx -W --keep-going -q -b html docs results/docs
	@echo "Open results/docs/index.html"

test: lint types pytest ## lint, check types, run the tests

pytest: $(EXTRAS) lint types
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

test-slow: $(EXTRAS) ## run the tests that take minutes
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -m slow

lint: $(EXTRAS) ## check style and formatting
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

types: $(EXTRAS) ## check types
	@$(BIN)/mypy

constraints: check-python ## rewrite constraints.txt from a fresh resolve (PYTHONS="...")
	@for python in $(PYTHONS); do $$python -c '' 2>/dev/null || { \
	  echo "'$$python' does not run; name one interpreter for each supported Python:" >&2; \
	  echo "make constraints PYTHONS='python3.11 /path/to/python3.12 ...'" >&2; exit 1; }; done
	@echo "Resolving the newest versions on $(PYTHONS) (a few minutes)"
	@$(PYTHON) tools/constraints.py $(PYTHONS)

clean: ## remove the environment, caches and build products (results/ stays)
	rm -rf .venv .venv-bench dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUNTIME): pyproject.toml constraints.txt | check-python
	@echo "Setting up .venv with Python $(VERSION) (a minute or two)"
	@$(PYTHON) -m venv --clear .venv
	@$(PIP) -e .
	@touch $@

$(EXTRAS): $(RUNTIME)
	@echo "Adding the test and development tools to .venv (a minute or two)"
	@$(PIP) -e '.[test,dev,docs]'
	@touch $@

check-python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "bonecycle needs Python 3.11 or newer; '$(PYTHON)' is $(or $(VERSION),not found)." >&2; \
	  echo "Install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "'$(PYTHON)' has no venv module; install it (Debian, Ubuntu: apt install python3-venv)." >&2; exit 1; }
