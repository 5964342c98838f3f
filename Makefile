# Each target makes .venv itself if it needs to. `make` alone checks what CI checks; `make test-all` adds the slow tests.
PYTHON ?= python3
BIN := .venv/bin
GO := $(shell command -v go)
# Pinned, so that a new check fails no old commit.
ACTIONLINT := $(BIN)/actionlint-v1.7.12

.PHONY: all serve test test-slow test-all docs reference interop examples compatibility bench fuzz soak format lint types audit workflows wheel clean

all: format lint types audit workflows docs test wheel

serve: .venv/serve
	$(BIN)/alimock serve $(ARGS)

# Runs the tests in parallel. A slow test takes half a second or more, or needs a browser, Node or a type checker.
test: SELECTION = -m "not slow"
test-slow: SELECTION = -m slow
# Without cached byte code, which containers often turn off, compiling would double the time. The cache stays out of the source tree.
test test-slow test-all: export PYTHONDONTWRITEBYTECODE =
test test-slow test-all: export PYTHONPYCACHEPREFIX = $(CURDIR)/.venv/pycache
test test-slow test-all: .venv/dev
	$(BIN)/pytest -n auto --dist worksteal $(SELECTION) $(ARGS)

# Builds the documentation into build/site. A broken link, a page outside of the navigation or an undocumented public name fails.
docs: .venv/dev
	$(BIN)/zensical build --strict --clean
	PYTHONPATH=tests $(BIN)/python -m documentation.site

# Writes the parts of the documentation that are generated from the code.
reference: .venv/dev
	PYTHONPATH=tests $(BIN)/python -m documentation.generate

# Runs the SDKs against alimock, follows the instructions of `alimock env`, and runs the snippets of the web UI. An SDK without its
# toolchain (Node, Java, Go, Rust) is skipped with a reason.
interop: .venv/dev
	$(BIN)/python tests/interop/run.py
	$(BIN)/python tests/interop/recipes.py
	PYTHONPATH=tests $(BIN)/python tests/interop/snippets.py

# Runs every example as its reader would. An example without its tools (Node, Docker, a Valkey or Redis server) is skipped with a reason.
examples: .venv/dev
	$(BIN)/python tests/examples/run.py

# Runs the tests of an application together with pytest plugins, frameworks and other neighbors, at their lowest and newest versions.
compatibility: .venv/dev
	$(BIN)/python tests/compatibility/run.py

# Fuzzes requests, scenarios and searches, and runs the property tests with new seeds, for a minute or SECONDS.
fuzz: .venv/dev
	PYTHONPATH=tests:tests/control:tests/state $(BIN)/python tests/fuzz/run.py $(SECONDS)

# Keeps one emulator under load for ten minutes or SECONDS, and checks for lost or duplicated entries and for leaks.
soak: .venv/dev
	PYTHONPATH=tests $(BIN)/python -m soak.run $(SECONDS)

# Compares alimock with its alternatives and writes docs/explanation/benchmarks.md, in about twelve minutes. A tool without its toolchain (Node,
# Java) is left out with a reason.
bench: .venv/dev
	PYTHONPATH=tests $(BIN)/python -m benchmark.run

format: .venv/dev
	$(BIN)/ruff format --check

lint: .venv/dev
	$(BIN)/ruff check
	$(BIN)/lint-imports

types: .venv/dev
	$(BIN)/mypy

# Looks for dangerous code, and for known vulnerabilities in the installed packages.
audit: .venv/dev
	$(BIN)/bandit --quiet --configfile pyproject.toml --severity-level medium --recursive emulator
	$(BIN)/pip-audit --progress-spinner off --skip-editable

# Checks the workflows, the issue forms and the configuration of Dependabot. actionlint is skipped without Go; in CI that is a failure.
workflows: SCHEMA = $(BIN)/check-jsonschema --builtin-schema
workflows: .venv/dev $(if $(GO),$(ACTIONLINT))
	$(SCHEMA) vendor.github-workflows .github/workflows/*.yml examples/github-actions/*.yaml
	$(SCHEMA) vendor.dependabot .github/dependabot.yml
	$(SCHEMA) vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	$(SCHEMA) vendor.github-issue-forms $(filter-out %/config.yml,$(wildcard .github/ISSUE_TEMPLATE/*.yml))
	$(BIN)/zizmor --offline --pedantic --quiet .
ifdef GO
	$(ACTIONLINT) -shellcheck $(BIN)/shellcheck .github/workflows/*.yml examples/github-actions/*.yaml
else
	@echo "actionlint: skipped: go is not installed"; test -z "$$CI"
endif

$(ACTIONLINT): | $(BIN)/activate
	GOBIN=$(CURDIR)/$(BIN) go install github.com/rhysd/actionlint/cmd/actionlint@$(@:$(BIN)/actionlint-%=%)
	mv $(BIN)/actionlint $@

# Builds the packages of a release in dist/. The version is that of the git tag.
wheel: .venv/dev
	rm -rf dist
	$(BIN)/python -m build --quiet
	$(BIN)/twine check --strict dist/*
	$(BIN)/python tests/smoke.py dist/*.whl

clean:
	rm -rf .venv build dist

# venv writes bin/activate last, so an environment without it is incomplete and is made again.
$(BIN)/activate:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 10) or sys.exit("alimock needs Python 3.10 or newer; $(PYTHON) is %d.%d.%d. Run: make $(MAKECMDGOALS) PYTHON=python3.12 (or another newer Python)" % sys.version_info[:3])'
	$(PYTHON) -m venv --clear .venv || { rm -rf .venv; exit 1; }
	$(BIN)/python -m pip install --quiet --upgrade pip

# The stamps are renewed when the dependencies change.
.venv/serve: pyproject.toml | $(BIN)/activate
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

.venv/dev: pyproject.toml | $(BIN)/activate
	$(BIN)/python -m pip install --quiet --editable . --group dev
	touch $@ .venv/serve
