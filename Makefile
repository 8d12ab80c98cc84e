# Metronome. `make` or `make help` says what there is.

PYTHON ?= python3
ARGS ?=
OF ?= pop
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export DO_NOT_TRACK := 1
# uv trusts what the system trusts, as pip does: a company's proxy has a certificate of its own.
export UV_SYSTEM_CERTS := 1

.DEFAULT_GOAL := help
.PHONY: help demo test chaos bench lint up down status apply doctor lock

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

demo: $(READY) ## Run everything here on invented data; ARGS=--once ends by itself
	@$(BIN)/python -m sandbox.demo $(ARGS)

# Three on two cores: half of the time they wait for a clock or a server.
test: $(READY) ## Run all tests, real servers included; ARGS="-k name" picks some
	@$(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder $(ARGS)

chaos: $(READY) ## Kill processes at every moment: pop, or ARGS=distribution, ARGS=payout (docs/reliability.md)
	@$(BIN)/python -m tests.chaos $(ARGS)

bench: $(READY) ## Measure pop, or OF=distribution, OF=payout, beside peers and limits (docs/performance.md)
	@$(BIN)/python benchmarks/$(OF).py $(ARGS)

lint: $(READY) ## Linter, formatter, types, layers
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports

up: $(READY) ## Start server, worker and watchdog of this machine, apply what is declared
	@$(BIN)/python -m deployments up

down: $(READY) ## Stop what `up` started, running flows included
	@$(BIN)/python -m deployments down

status: $(READY) ## Say what runs
	@$(BIN)/python -m deployments status

apply: $(READY) ## Put Blocks (.env), deployments and automations on the server; prune what is gone
	@$(BIN)/python -m deployments apply

doctor: $(READY) ## Check every connection, on the worker, and wait for the result
	@$(BIN)/python -m deployments doctor

lock: $(READY) ## Resolve requirements.lock anew
	$(BIN)/uv pip compile pyproject.toml --quiet --all-extras --group dev --group sandbox --universal \
	  --generate-hashes --no-emit-index-url --python-version 3.11 --custom-compile-command "make lock" \
	  --output-file requirements.lock $(ARGS)

# Built anew only when the lock changes. A half-built one has no stamp and is built over.
$(READY): requirements.lock
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v < (3, 13) else \
	  "Metronome needs Python 3.11 or 3.12, and $(PYTHON) is %d.%d: make PYTHON=python3.12" % v)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@
