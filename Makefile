# Two commands on a fresh machine with git, make and Python 3.11 or newer: `make demo`, `make test`.

.DEFAULT_GOAL := help
SHELL := /bin/bash

# A Python that is not called python3: make setup PYTHON=python3.12
PYTHON ?= python3
UV := .uv/bin/uv
# The Lambda target; the template's parameters have the same defaults.
RUNTIME ?= python3.13
ARCHITECTURE ?= arm64
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export SAM_CLI_TELEMETRY := 0

.PHONY: help setup demo test check pr bench build deploy lock clean

help: ## this list
	@sed -nE 's/^([a-z][a-z-]*):.*## (.*)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

setup: .venv/.ready ## the tools in .venv; quick when nothing changed
	@:

.venv/.ready: pyproject.toml requirements/dev.txt requirements/build.txt scripts/install-environment | .uv/.ready
	@scripts/install-environment .venv requirements/dev.txt --with-project

.venv-checkov/.ready: requirements/checkov.txt scripts/install-environment | .uv/.ready
	@scripts/install-environment .venv-checkov requirements/checkov.txt

.uv/.ready: requirements/bootstrap.txt scripts/install-uv
	@scripts/install-uv $(PYTHON)

demo: .venv/.ready ## the engine, a real data set, a migration, a summary
	@tableferry demo

test: .venv/.ready ## every test: unit, structure, integration, e2e; a file at a time on each core
	@pytest -n auto --maxprocesses 4 --dist loadfile

check: .venv/.ready .venv-checkov/.ready ## what needs no running engine: format, lint, types, template, structure
	@ruff format --check
	@ruff check
	@mypy
	@sam validate --lint
	@cfn-lint
	@.venv-checkov/bin/checkov --config-file .checkov.yaml
	@pytest --quiet tests/structure

pr: check test build ## what a pull request must pass

bench: .venv/.ready ## every way to move items against a boto3 client loop; budget, scaling, 10,000 to 10 million items
	@python -m bench
	@python -m bench.budget
	@python -m bench.scaling
	@python -m bench.flatness

build: .venv/.ready ## sam build; RUNTIME=python3.12 ARCHITECTURE=x86_64 for another target
	@TABLEFERRY_LAYER_PYTHON=$(RUNTIME:python%=%) TABLEFERRY_LAYER_ARCH=$(ARCHITECTURE) \
		sam build --parameter-overrides Runtime=$(RUNTIME) Architecture=$(ARCHITECTURE)

deploy: build ## build, then sam deploy with your credentials; it asks before it changes anything
	@sam deploy --parameter-overrides Runtime=$(RUNTIME) Architecture=$(ARCHITECTURE)

# What boto3 needs is left out of the layer: the Lambda runtime brings it.
COMPILE = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command "make lock" $(UPGRADE)
NOT_IN_LAYER = $(addprefix --no-emit-package ,boto3 botocore python-dateutil s3transfer six urllib3)
NOT_IN_DEV = $(addprefix --no-emit-package ,numpy pandas)

lock: .uv/.ready ## resolve the dependencies again into requirements/; UPGRADE=--upgrade takes newer versions
	$(COMPILE) pyproject.toml --extra local --extra demo --group dev $(NOT_IN_DEV) --output-file requirements/dev.txt
	$(COMPILE) pyproject.toml --constraint requirements/dev.txt --output-file requirements/cli.txt
	$(COMPILE) --group layer --constraint requirements/dev.txt $(NOT_IN_LAYER) --output-file requirements/layer.txt
	for name in bootstrap build checkov; do $(COMPILE) --group $$name --output-file requirements/$$name.txt || exit; done

clean: ## remove what was built; keeps the tools and the engine's data
	rm -rf .aws-sam .mypy_cache .pytest_cache .ruff_cache .hypothesis dist
	find src functions tests -name __pycache__ -prune -exec rm -rf {} +
