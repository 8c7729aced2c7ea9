# One plain command a target; `make help` lists them. PY is the interpreter of an environment with `.[test]` installed.
PY ?= .venv/bin/python
T ?= tests

.PHONY: help
help: ## This list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

.PHONY: setup
setup: ## Make .venv with everything for working on Comity
	python3 -m venv .venv
	.venv/bin/pip install -q -e '.[test]'

.PHONY: check
check: ## Format, lint, types, floors and the fast tests (the default loop; aim under 20 s)
	$(PY) -m ruff format --check -q .
	$(PY) -m ruff check -q .
	$(PY) -m mypy
	$(dir $(PY))lint-imports
	$(PY) -m pytest -q -x -m "not slow and not deep" -n 2

.PHONY: format
format: ## Rewrite the sources as the formatter wants them
	$(PY) -m ruff format -q .
	$(PY) -m ruff check -q --fix .

.PHONY: test
test: ## The tests of T=path
	$(PY) -m pytest $(T) -m "not deep"

.PHONY: deep
deep: ## Everything, the long and exhaustive runs included
	$(PY) -m pytest -n 2
