# Every target works on a fresh machine with python3 >= 3.10: it makes .venv and installs what it needs.
.DEFAULT_GOAL := help
.PHONY: help demo test soak check lint format types api cover cover-faults cover-others over-httpx2 fuzz mutants docs docs-serve docs-results pictures build smoke test-all test-lowest bench bench-instructions clean

PYTHON ?= python3
VENV := .venv
DOCS := .venv-docs
BUILD := .venv-build
MUTANTS := .venv-mutants
BIN := $(VENV)/bin
READY := $(VENV)/.ready

help:  ## Show this help
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# pip knows dependency groups from 25.1 on.
$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable '.[cli]' --group dev
	@touch $@

demo: $(READY)  ## See a client fail without the transport and work with it
	$(BIN)/python -m httpx_retry demo

test: $(READY)  ## Run the tests
	$(BIN)/python -m pytest -q

soak: $(READY)  ## 10 minutes of mixed traffic and faults: memory and open files stay flat
	$(BIN)/python -m tests.faults.soak --minutes 10

# The longest first, so that both end together.
check: $(READY)  ## All that CI runs: lint, format, types, tests, docs, build, smoke test; two at a time
	$(MAKE) --jobs 2 --output-sync=target cover lint over-httpx2 smoke docs types

lint: $(READY)  ## Check style and format
	$(BIN)/ruff check
	$(BIN)/ruff format --check

format: $(READY)  ## Format the code and mend what can be mended
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

types: $(READY)  ## Check types, by mypy and pyright, and that all that is public has some
	$(BIN)/mypy
	$(BIN)/stubtest httpx_retry.httpx2 httpx_retry.testing.httpx2
	.ci/pyright $(BIN)

api: $(READY)  ## Write the public names and signatures down anew, in api.txt
	$(BIN)/python -m tests.house.api

cover: cover-faults cover-others  ## Run the tests and require every branch
	$(BIN)/coverage combine --quiet .coverage.faults .coverage.others
	$(BIN)/coverage report

# Two halves, as `check` does two things at a time.
cover-faults: $(READY)
	$(BIN)/coverage run --data-file .coverage.faults -m pytest -q tests/faults

cover-others: $(READY)
	$(BIN)/coverage run --data-file .coverage.others -m pytest -q --ignore tests/faults

over-httpx2: $(READY)  ## Run the tests with httpx2 in the place of httpx
	$(BIN)/python -m pytest -q -p tests.over_httpx2 tests/http tests/transport tests/testing tests/faults \
		--ignore tests/faults/lab --ignore tests/faults/test_storm.py --ignore tests/faults/test_soak.py

# These two are of their own: where click is installed, httpx loads its command line and rich.
$(DOCS)/.ready: pyproject.toml
	$(PYTHON) -m venv $(DOCS)
	$(DOCS)/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(DOCS)/bin/python -m pip install --quiet --group docs
	@touch $@

docs: $(DOCS)/.ready docs-results  ## Build the documentation into site/: warnings and broken links fail
	$(DOCS)/bin/zensical build --clean --strict
	$(DOCS)/bin/python -m tools.site_check site

docs-serve: $(DOCS)/.ready docs-results  ## Show the documentation on localhost:8000 while you write it
	$(DOCS)/bin/zensical serve

pictures: $(READY)  ## Draw the documentation's pictures anew
	$(BIN)/python -m tools.pictures

docs-results: $(DOCS)/.ready
	$(DOCS)/bin/python -m tools.results

$(BUILD)/.ready: pyproject.toml
	$(PYTHON) -m venv $(BUILD)
	$(BUILD)/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BUILD)/bin/python -m pip install --quiet --group build
	@touch $@

build: $(BUILD)/.ready  ## Build the wheel and the source distribution, and check what they say of themselves
	rm -rf dist
	$(BUILD)/bin/python -m build --outdir dist . > /dev/null
	$(BUILD)/bin/twine check --strict dist/*
	$(BUILD)/bin/check-wheel-contents dist/*.whl

smoke: build $(READY)  ## Use what was built in clean environments: the wheel, each extra alone, the sdist
	.ci/smoke $(PYTHON) $(BIN)

test-all:  ## Run the tests on every CPython from 3.10 up on this machine
	.ci/test-all

fuzz: $(READY)  ## Give every parser 5,000 times what a hostile server would write, and see how its work grows
	$(BIN)/python -m pytest -q --hypothesis-profile=fuzz tests/fuzz
	$(BIN)/python -m tests.fuzz.growth

# One core and low priority: it takes an hour, and goes on where it was ended. `mutmut results` tells who survived, tests/mutants.md why.
$(MUTANTS)/.ready: pyproject.toml
	$(PYTHON) -m venv $(MUTANTS)
	$(MUTANTS)/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(MUTANTS)/bin/python -m pip install --quiet --editable '.[cli,httpx2]' --group plain --group mutants
	@touch $@

mutants: $(MUTANTS)/.ready  ## Break _core/ and _http/ in every small way, and see the tests notice
	nice -n 15 $(MUTANTS)/bin/mutmut run --max-children 1

test-lowest:  ## Run the tests with the lowest supported version of every dependency
	.ci/test-lowest $(PYTHON)

bench: $(READY)  ## Measure what the transport costs, side by side with others; ARGS=--quick in a minute
	$(BIN)/python -m pip install --quiet --group bench
	$(BIN)/python -m benchmarks $(ARGS)

bench-instructions: $(READY)  ## Count instructions, which repeat where times do not; needs valgrind
	$(BIN)/python -m pip install --quiet --group bench
	$(BIN)/python -m benchmarks instructions

clean:  ## Remove everything that was made
	rm -rf .venv* dist build site .cache docs/results .coverage* .mypy_cache .pytest_cache .ruff_cache .hypothesis mutants
