# The commands that people and other tools call. STACK names an environment: staging, prod.
STACK ?= staging
export STACK
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup preview rehearse up destroy recover export report verify-report rules mutate check test bench lock schema format

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

setup: $(READY) ## make what is missing: virtual environment and packages

$(READY): requirements.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "error: $(PYTHON) is $$($(PYTHON) --version 2>/dev/null || echo missing); allowed: Python 3.11 or later; for example make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 2; }
	@test -x $(RUN) && $(RUN) -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { rm -rf $(VENV); $(PYTHON) -m venv $(VENV); }
	@echo "installing packages (pinned, by hash)"
	@$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

preview: $(READY) ## plan STACK with the real engine, no cloud account
	@$(RUN) -m rehearsal preview "$$STACK"

rehearse: $(READY) ## up, second up, refresh and destroy STACK in the rehearsal account
	@$(RUN) -m rehearsal rehearse "$$STACK"

up: $(READY) ## bring STACK up in the rehearsal account and leave it there
	@$(RUN) -m rehearsal up "$$STACK"

destroy: $(READY) ## take STACK down in the rehearsal account
	@$(RUN) -m rehearsal destroy "$$STACK"

recover: $(READY) ## after an interrupted run: bring state and rehearsal account together
	@$(RUN) -m rehearsal recover "$$STACK"

export: $(READY) ## write build/export/STACK: state, manifests, documents
	@$(RUN) -m rehearsal export "$$STACK"

report: $(READY) ## write build/report/STACK: what an auditor reads, in seven formats
	@$(RUN) -m rehearsal report "$$STACK"

verify-report: $(READY) ## compute a report again: FILE=build/report/prod/report.json
	@$(RUN) -m reports verify $(FILE)

rules: $(READY) ## every rule of the policy pack
	@$(RUN) -m reports rules

mutate: $(READY) ## break the environments in every way that a rule guards; the score
	@PYTHONPATH=policies $(RUN) -W ignore -m tests.policies.mutate

check: $(READY) ## the inner loop: format, lint, types, unit tests
	@$(MAKE) --no-print-directory --jobs 2 --output-sync style types units

.PHONY: style types units
style: $(READY)
	@$(RUN) -m ruff format --check --quiet . || { echo "error: run make format"; exit 1; }
	@$(RUN) -m ruff check --quiet .

# The SDK's stubs make hundreds of MB of short-lived objects; Node's default nursery is 16 MB.
types: $(READY)
	@NODE_OPTIONS=--max-semi-space-size=64 $(RUN) -m pyright --warnings

# One process: the types have the other core, and collecting thousands of tests twice costs more.
# Compiled tests are kept, whatever the shell says: compiling them again would take 5 s.
units: export PYTHONDONTWRITEBYTECODE :=
units: $(READY)
	@$(RUN) -m pytest -m "not engine and not daemons and not cluster"

test: $(READY) ## everything
	@$(MAKE) --no-print-directory check
	@$(RUN) -m rehearsal engine
	@$(RUN) -m tests.daemons.toolbox
	@$(RUN) -m pytest -m daemons
	@$(RUN) -m pytest -m "engine or cluster" -n 2 --dist loadgroup

bench: $(READY) ## the numbers, with the machine's own floor beside them
	@$(RUN) -m tests.daemons.bench_pooler
	@$(RUN) -m tests.daemons.bench_gateway
	@$(RUN) -m rehearsal.bench
	@PYTHONPATH=policies $(RUN) -W ignore -m tests.bench_policy
	@PYTHONPATH=policies $(RUN) -W ignore -m tests.reports.bench

format: $(READY) ## format and mend what lint can
	@$(RUN) -m ruff format --quiet .
	@$(RUN) -m ruff check --quiet --fix .

schema: $(READY) ## write the settings' JSON schema and reference
	@$(RUN) -m settings.schema

lock: $(READY) ## compile requirements*.in with hashes
	@$(RUN) -m piptools compile -q --generate-hashes --strip-extras --allow-unsafe --no-emit-index-url --no-emit-find-links --no-emit-trusted-host -o requirements.txt requirements.in
	@$(RUN) -m piptools compile -q --generate-hashes --strip-extras --allow-unsafe --no-emit-index-url --no-emit-find-links --no-emit-trusted-host -o requirements-dev.txt requirements-dev.in
