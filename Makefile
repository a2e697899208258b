# growthbench: `make help` lists the commands.
SHELL := /bin/bash
.DEFAULT_GOAL := help
export UV_LINK_MODE = copy
export MLFLOW_DISABLE_TELEMETRY = true
export BENTOML_DO_NOT_TRACK = True
export DO_NOT_TRACK = 1
export DVC_NO_ANALYTICS = 1
VENV := .venv
RUN := $(VENV)/bin/
ONCE ?=
# One more than there are cores, five at most: many tests wait for a process to start or to be killed.
WORKERS ?= $(shell python3 -c "import os; print(min((os.cpu_count() or 1) + 1, 5))")
PORT ?= 3000

.PHONY: help setup demo test proof bench lab ui lint format clean

help:  ## print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.ready  ## make .venv with the locked packages (brings uv itself when missing)

$(VENV)/.ready: pyproject.toml uv.lock
	@bash scripts/setup.sh
	@touch $@

demo: setup  ## train four models on a simulated log, serve them, answer calls and questions; ONCE=1 stops then
	@$(RUN)growthbench demo --port $(PORT) $(if $(ONCE),--once)

test: setup  ## run the tests (<= 12 minutes on 2 cores)
	@$(RUN)python -m pytest -m "not proof" -n $(WORKERS) --dist worksteal

proof: setup  ## run every claim at full size, resumable; LINE=name runs one; results in proof/*.json
	@$(RUN)python -m proof $(LINE)

bench: setup  ## measure ratios against the peers, interleaved; results in benchmarks/results/*.json
	@$(RUN)python -m benchmarks $(BENCH)

lab: setup  ## open the notebooks in JupyterLab
	@$(RUN)jupyter lab --LabApp.news_url=None --LabApp.extension_manager=readonly notebooks

ui: setup  ## open the MLflow page over this home's runs
	@$(RUN)growthbench ui

lint: setup  ## ruff and import-linter, as the tests run them
	@$(RUN)ruff check . && $(RUN)ruff format --check . && $(RUN)lint-imports

format: setup  ## format the code
	@$(RUN)ruff check --fix . && $(RUN)ruff format .

clean:  ## remove what the pipeline and the demo made; keeps .venv
	rm -rf data/raw data/interim data/features models reports .growthbench
