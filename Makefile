PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Neither DVC nor Prefect should report home from a build.
export DVC_NO_ANALYTICS := 1
export DO_NOT_TRACK := 1
export PREFECT_SERVER_ANALYTICS_ENABLED := false

.PHONY: demo test lint types unit flow clean

demo: .venv/installed  ## set everything up and run the pipeline on digits
	dvc repro
	@echo && gan-augment verdict

test: lint types unit  ## set everything up and pass the tests

lint: .venv/installed
	ruff check
	ruff format --check
	lint-imports

types: .venv/installed
	mypy

unit: .venv/installed
	pytest

flow: .venv/installed  ## run the pipeline as a Prefect flow
	python -m flows.rebuild

# uv reads the same pins as pip and installs them several times faster.
.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	pip install --quiet --disable-pip-version-check uv
	uv pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

clean:
	rm -rf .venv .scratch
