# One plain command a target; `make help` lists them. PY is the interpreter of an environment with `.[test]` installed.
PY ?= .venv/bin/python
T ?= tests

.PHONY: help
help: ## This list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

.PHONY: setup
setup: ## Make .venv with everything for working on Comity, in the locked versions
	python3 -m venv .venv
	.venv/bin/pip install -q --require-hashes --no-deps -r requirements.lock
	.venv/bin/pip install -q --no-deps -e .

.PHONY: check
check: lint ## Format, lint, types, floors and the fast tests: the default loop
	$(PY) -m pytest -q -n 2 -m "not slow and not deep"

.PHONY: lint
lint: ## Format, lint, types and floors without tests
	$(PY) -m ruff format --check -q .
	$(PY) -m ruff check -q .
	$(PY) -m mypy
	$(dir $(PY))lint-imports --no-logo

.PHONY: format
format: ## Rewrite the sources as the formatter wants them
	$(PY) -m ruff check -q --fix .
	$(PY) -m ruff format -q .

.PHONY: test
test: ## The tests of T=path, all but the long and exhaustive ones
	$(PY) -m pytest $(T)

.PHONY: deep
deep: ## Every test, the long and exhaustive ones included, with many examples a law
	COMITY_TEST_COLD=1 HYPOTHESIS_PROFILE=deep $(PY) -m pytest -n 2 -m ""
	COMITY_TEST_COLD=1 COMITY_TEST_STORE=postgres $(PY) -m pytest -n 2 -m "" tests/e2e tests/contract/test_taxii_clients.py

.PHONY: strange
strange: ## The fast tests in a strange place: plain ASCII, far from UTC, unordered, under Python's own checks
	LC_ALL=C PYTHONUTF8=0 TZ=Pacific/Chatham PYTHONHASHSEED=random PYTHONDEVMODE=1 \
		$(PY) -X dev -m pytest -q -n 2 -m "not slow and not deep" $(T)

.PHONY: fuzz
fuzz: ## Every fuzzer, for a minute in all
	$(PY) tests/fuzz/run.py

.PHONY: count
count: ## Record how many tests there are, in tests/count.txt
	$(PY) -m pytest -q --collect-only --write-count | tail -n 2

.PHONY: coverage
coverage: ## Record how much of each room the tests cover in their own processes, in tests/coverage.txt
	$(PY) -m pytest -q -n 2 --cov --cov-config=tests/coverage.ini --cov-report=
	$(PY) -m coverage json -q --rcfile=tests/coverage.ini -o .coverage.json
	$(PY) tests/house/coverage_ratchet.py .coverage.json --write

.PHONY: coverage-whole
coverage-whole: ## Say how much is covered with all that the tests start
	$(PY) -m pytest -q -n 2 --cov

.PHONY: ci
ci: ## All that must hold, tried from nothing in a copy of the tree
	.ci/run

.PHONY: lock
lock: ## Write requirements.lock anew, with the newest versions and their hashes
	$(PY) -m pip install -q uv
	$(PY) -m uv pip compile pyproject.toml --extra test --universal --python-version 3.11 --generate-hashes \
		--upgrade --no-emit-index-url --no-annotate --no-header -q -o requirements.lock

.PHONY: demo
demo: ## A throwaway node with a sample story
	$(PY) -m comity demo

.PHONY: bench
bench: ## Every benchmark at full size; PAGE=docs/explanation/performance.md puts the tables into that page
	$(PY) -m bench $(if $(PAGE),--page $(PAGE))
	$(PY) bench/release.py

.PHONY: bench-smoke
bench-smoke: ## Every benchmark in its smallest size, under two minutes
	$(PY) -m bench --smoke
	$(PY) bench/release.py --smoke

.PHONY: bench-peers
bench-peers: ## The servers of others that ours is compared with, in an environment of their own
	$(PY) -m bench.peers
