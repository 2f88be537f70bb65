PYTHON ?= python3
BIN := .venv/bin
# DVC runs `gan-augment` by name. Neither DVC nor Prefect should report home from a build.
ENV := PATH="$(CURDIR)/$(BIN):$$PATH" DVC_NO_ANALYTICS=1 DO_NOT_TRACK=1 \
	PREFECT_SERVER_ANALYTICS_ENABLED=false

.PHONY: demo example test lint types unit soak fuzz flow serve site links clean

demo: .venv/installed  ## set everything up and run the pipeline on digits
	$(ENV) $(BIN)/dvc repro
	@echo && $(BIN)/gan-augment verdict

example: .venv/installed  ## a project of its own for the images in DATA, with examples/NAME.yaml
	@test -f "examples/$(NAME).yaml" -a -e "$(DATA)" || { \
		echo "usage: make example NAME=trashnet DATA=/path/to/images"; exit 2; }
	test -d ".scratch/examples/$(NAME)" || $(ENV) $(BIN)/gan-augment init \
		".scratch/examples/$(NAME)" --images "$(DATA)" --params "examples/$(NAME).yaml"
	cd ".scratch/examples/$(NAME)" && $(ENV) dvc repro && $(ENV) gan-augment verdict

test: .venv/installed  ## set everything up and pass the tests
	$(MAKE) --jobs=2 lint types
	$(MAKE) unit

lint: .venv/installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports

types: .venv/installed
	$(BIN)/mypy

unit: .venv/installed
	OMP_NUM_THREADS=1 $(ENV) $(BIN)/pytest --numprocesses auto --dist loadfile

soak: .venv/installed  ## kill `dvc repro` and the flow a hundred times, rebuild fifty times; takes some hours
	OMP_NUM_THREADS=1 GAN_AUGMENT_SOAK=100 GAN_AUGMENT_REBUILDS=50 $(ENV) $(BIN)/pytest \
		--capture no tests/faults/test_kills.py tests/flows/test_soak.py

fuzz: .venv/installed  ## damage files of every kind that is read, for about an hour
	OMP_NUM_THREADS=1 GAN_AUGMENT_FUZZ=6000 $(ENV) $(BIN)/pytest tests/faults/test_fuzz.py

flow: .venv/installed  ## run the pipeline as a Prefect flow
	$(ENV) $(BIN)/python -m gan_augment_flows.rebuild

serve: .venv/installed  ## Prefect server, worker, schedules and the report on this machine
	$(ENV) $(BIN)/python -m gan_augment_flows.serve

site: .venv/installed  ## docs/ as pages, in .scratch/site
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going -c docs . .scratch/site
	@echo .scratch/site/docs/index.html

links: .venv/installed  ## whether other sites that docs/ names are there
	$(BIN)/sphinx-build --quiet -b linkcheck -c docs . .scratch/links

# uv reads the same pins as pip and installs them several times faster.
.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --compile-bytecode --constraint constraints.txt --editable '.[dev]'
	touch $@

clean:
	rm -rf .venv .scratch
