.DEFAULT_GOAL := help
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Every worker has a PostgreSQL of its own; tests/spread.py says what stays together.
SPREAD := --numprocesses=auto --maxprocesses=4 --no-loadscope-reorder
# Tests start many processes: without it each of them would compile every module anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: attack help setup lock check fmt lint types contracts test test-fast demo demo-kafka quality bench proof properties sim chaos kafka-up kafka-down schemas clean

help: ## Show the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

$(STAMP): requirements.lock requirements.uv.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.uv.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	touch $(STAMP)

setup: $(STAMP) ## Make .venv with everything locked; `.venv/bin/plait` is the command

lock: ## Rewrite requirements.lock from pyproject.toml (requirements.uv.lock brings the installer)
	$(BIN)/uv pip compile --quiet --no-annotate --no-header --no-emit-index-url --no-emit-find-links --generate-hashes --python-version 3.11 \
		--output-file requirements.uv.lock requirements.uv.in
	$(BIN)/uv pip compile --quiet --no-annotate --no-header --no-emit-index-url --no-emit-find-links --generate-hashes --all-extras --python-version 3.11 \
		--output-file requirements.lock pyproject.toml requirements.build.in
	$(BIN)/uv pip compile --quiet --no-annotate --no-header --no-emit-index-url --no-emit-find-links --generate-hashes --python-version 3.11 \
		--output-file requirements.quality.lock requirements.quality.in

check: lint types contracts ## Lint, format, types and import contracts

fmt: setup ## Format and mend what ruff can
	$(BIN)/ruff check --fix-only --quiet . ; $(BIN)/ruff format .

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

contracts: setup
	$(BIN)/lint-imports

test: setup ## All tests, the real broker too where Java 17 and Maven are found
	$(BIN)/python -m pytest -q --durations=10 $(SPREAD)

test-fast: setup ## Tests that need no server
	$(BIN)/python -m pytest -q tests/unit tests/property tests/architecture

demo: setup ## The main job: four channels become one profile; leaves the stack up
	$(BIN)/plait demo

demo-kafka: setup ## The same story through a real Kafka broker (Java 17 and Maven)
	$(BIN)/plait demo --kafka

# pseudopeople wants other versions of what plait pins, so it has an environment of its own.
.plait-quality/pseudopeople: requirements.quality.lock tests/quality/pseudopeople_files.py
	rm -rf $@ $@.new && $(PYTHON) -m venv --clear .plait-quality/venv
	$(BIN)/uv pip install --quiet --python .plait-quality/venv/bin/python --require-hashes -r requirements.quality.lock
	.plait-quality/venv/bin/python tests/quality/pseudopeople_files.py $@.new > .plait-quality/pseudopeople.log 2>&1
	mv $@.new $@

quality: setup .plait-quality/pseudopeople ## Precision, recall and F1 on labelled sets; SET="febrl4 telecom" for some
	$(BIN)/python -m tests.quality $(SET)

bench: setup ## Benchmarks; prints figures, fails on none
	$(BIN)/plait bench ingest && $(BIN)/plait bench resolver && $(BIN)/plait bench api

proof: setup ## Logs of 2,000 and 20,000 messages in many orders: one state each
	$(BIN)/plait proof --orders 200 --events 2000 && $(BIN)/plait proof --orders 3 --events 20000

properties: setup ## Every property on many more examples
	PLAIT_TESTS_PROFILE=deep $(BIN)/python -m pytest -q -p no:cacheprovider --timeout=1500 tests/property

sim: setup ## Simulated workers that crash and meet at every step, by seed; SIM_SEED=7 plays one again
	$(BIN)/python -m tests.simulation $(SIM_SEED)

chaos: setup ## Real processes, broker and database killed under load (minutes); CHAOS_SEED=7 again, CHAOS_KILLS=2 of each
	$(BIN)/python -m tests.chaos $(CHAOS_SEED) $(CHAOS_KILLS:%=--kills %) $(CHAOS_OUTAGES:%=--outages %)

attack: setup ## Crowds of 100,000 records that share one value, and chains of them (an hour)
	$(BIN)/python -m tests.attack

kafka-up: setup ## Start a local Kafka broker (Java 17 and Maven); prints its address
	$(BIN)/python -m services.identity.adapters.kafka.broker up .plait-kafka

kafka-down: setup ## Stop it
	$(BIN)/python -m services.identity.adapters.kafka.broker down .plait-kafka

schemas: setup ## Rewrite generated schemas and OpenAPI; review the diff
	$(BIN)/python -m tests.golden

clean: ## Remove the virtual environment and the default home
	-test -x $(BIN)/plait && $(BIN)/plait down
	rm -rf $(VENV) .plait
