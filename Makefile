# What a developer does here; `make setup` first. Needs a POSIX shell and Python 3.11 or later.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LINTED := engine events steps tests examples benchmarks docs

.PHONY: setup check lint types imports generated-check format generated test test-all bench airflow-conformance chaos pictures clean

# Strict: every file is linked by name, so that mypy finds the three folders as one package. A new
# file needs a new link; hence again whenever the list of files changes.
setup: $(VENV)/.linked

$(VENV)/.linked: pyproject.toml $(VENV)/.files
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --config-settings editable_mode=strict -e '.[dev,ml]'
	touch $@

$(VENV)/.files: FORCE
	@mkdir -p $(VENV)
	@find engine events steps -type f ! -path '*/__pycache__/*' | sort > $@.new
	@cmp -s $@.new $@ || cp $@.new $@
	@rm $@.new

FORCE:

# Parts, so that `make -k check` tells everything that is wrong.
check: lint types imports generated-check

lint: setup
	$(BIN)/ruff check $(LINTED)
	$(BIN)/ruff format --check $(LINTED)

types: setup
	$(BIN)/mypy --strict -p penstock

imports: setup
	$(BIN)/lint-imports

generated-check: setup
	$(BIN)/python docs/generate.py --check

format: setup
	$(BIN)/ruff check --fix $(LINTED)
	$(BIN)/ruff format $(LINTED)

generated: setup
	$(BIN)/python docs/generate.py

test: setup
	$(BIN)/python -m pytest

# Every Python from 3.11 on that this machine has, each in an environment of its own.
test-all:
	@tried=0; for version in 3.11 3.12 3.13 3.14; do \
	  python$$version -c '' 2>/dev/null || { echo "python$$version: not installed"; continue; }; \
	  tried=1; echo "python$$version"; \
	  python$$version -m venv .venv-$$version && \
	  .venv-$$version/bin/pip install --quiet -e '.[test,ml]' && \
	  .venv-$$version/bin/python -m pytest -q || exit 1; \
	done; test $$tried = 1

bench: setup
	$(BIN)/pip install --quiet 'dask[distributed]>=2025.1' || echo 'Dask cannot be installed here: it is left out.'
	$(BIN)/python benchmarks/peers.py

# Airflow itself runs the files of tests/conformance, then its own examples are run here and there.
# About twenty minutes; Airflow is installed in an environment that is thrown away.
airflow-conformance: setup
	$(BIN)/python -m tests.conformance.against_airflow $(if $(ENVIRONMENT),--environment $(ENVIRONMENT))
	$(BIN)/python docs/generate.py

# 25 processes are killed at random moments; KILLS=100 and SEED=7 may be given.
chaos: setup
	$(BIN)/python -m tests.chaos $(if $(KILLS),--kills $(KILLS)) $(if $(SEED),--seed $(SEED))

# The terminal pictures of README.md, taken from the real commands. Linux. Look at them afterwards.
pictures: setup
	$(BIN)/python docs/pictures.py

clean:
	rm -rf $(VENV) .venv-3.* build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
