# Two commands on a fresh machine with git, make and Python 3.11 or newer: `make demo`, `make test`.

.DEFAULT_GOAL := help
SHELL := /bin/bash

# A Python that is not called python3: make setup PYTHON=python3.12
PYTHON ?= python3
UV := .uv/bin/uv
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: help setup lock clean

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
