# `make serve` runs the emulator, `make test` runs the tests; both make .venv themselves. `make` alone does all that CI does.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: all serve test interop examples bench fuzz soak format lint types audit wheel clean

all: format lint types audit test wheel

serve: .venv/serve
	$(BIN)/alimock serve $(ARGS)

test: .venv/dev
	$(BIN)/pytest

# Leads every official SDK through its life; a missing toolchain (Node, Java, Go) skips its SDKs with a reason.
interop: .venv/dev
	$(BIN)/python tests/interop/run.py

# Runs every example as its reader would; a missing toolchain (Node, Docker) skips its example with a reason.
examples: .venv/dev
	$(BIN)/python tests/examples/run.py

# Throws spoiled requests, scenarios and searches at the emulator, and goes on with the random tests, for a minute, or SECONDS.
fuzz: .venv/dev
	PYTHONPATH=tests $(BIN)/python tests/fuzz/run.py $(SECONDS)

# Keeps one emulator busy for ten minutes, or SECONDS, and looks whether it loses, doubles or hoards anything.
soak: .venv/dev
	PYTHONPATH=tests $(BIN)/python -m soak.run $(SECONDS)

# Measures alimock beside the tools people would use in its place, and writes docs/benchmarks.md; it takes ten minutes. A missing
# toolchain (Node, Java) leaves its tools out with a reason.
bench: .venv/dev
	PYTHONPATH=tests $(BIN)/python -m benchmark.run

format: .venv/dev
	$(BIN)/ruff format --check

lint: .venv/dev
	$(BIN)/ruff check

types: .venv/dev
	$(BIN)/mypy

# Looks for dangerous code, and for known holes in what is installed.
audit: .venv/dev
	$(BIN)/bandit --quiet --configfile pyproject.toml --severity-level medium --recursive emulator
	$(BIN)/pip-audit --progress-spinner off --skip-editable

wheel: .venv/dev
	rm -rf dist
	$(BIN)/python -m build --quiet
	$(BIN)/python tests/smoke.py dist/*.whl

clean:
	rm -rf .venv dist

$(BIN)/python:
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip

# The stamps are renewed when the dependencies change.
.venv/serve: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

.venv/dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable . --group dev
	touch $@ .venv/serve
