# Every target works on a bare clone: it first brings .venv up to date with tools/env.py, which does
# nothing while pyproject.toml and constraints.txt are unchanged. Each recipe also works by hand.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

PYTHON ?= python3# interpreter that makes .venv (3.11 or newer)
DEVICE ?= ecp5-85f# FPGA; `bitwright synth --help` lists them
ARCH ?=# architecture .toml; empty: the default accelerator
DATA ?= digits# data of the demo: digits or mnist
MODEL ?=# program (.bwp) or network (.bw) to simulate; of the demo: tfc, sfc or lfc; empty: the demo's
LAYER ?=# layer to show in waves; empty: the first 1000 cycles
MUTANTS ?= 200# defects the mutation check makes
FREQ ?=# clock place and route aims at, MHz; empty: the device's usual one
SEEDS ?= 1# seeds of place and route: a count, or a list as 3,5
SECTION ?=# section of bench-silicon or bench-binary; empty: all
JOBS ?= 2# test processes

arch := $(if $(ARCH),--arch "$(ARCH)")
layer := $(if $(LAYER),--layer "$(LAYER)")
model := $(if $(MODEL),"$(MODEL)")
freq := $(if $(FREQ),--freq $(FREQ))

# Tools come from .venv whether or not it is activated.
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help env demo test regress lint doctor bench bench-formats bench-quant bench-binary-train bench-silicon bench-huffman bench-binary sim waves mutation verilog synth pnr cost-model clean

help: ## List the targets and the variables
	@echo "usage: make TARGET [VARIABLE=value]"; echo
	@perl -ne 'printf("  %-13s %s\n", $$1, $$2) if /^([a-z-]+):.*## (.*)/' Makefile
	@echo; echo "variables (default):"
	@perl -ne 'printf("  %-13s %s (%s)\n", $$1, $$3, $$2) if /^([A-Z]+) \?= *([^#]*)# *(.*)/' Makefile

env: ## Create or update .venv with the pinned packages (nothing to do while it is current)
	@$(PYTHON) tools/env.py

demo: env ## Train (or take MODEL tfc, sfc or lfc), compile, verify on the RTL; writes runs/demo
	bitwright demo --data $(DATA) $(if $(MODEL),--model "$(MODEL)")

test: env ## Run the test suite without the slow tests
	pytest -n $(JOBS) -m "not slow"

regress: env ## Run every test, the slow ones too
	pytest -n $(JOBS) -m "slow or not slow"

lint: env ## Check style, types, layers and spelling
	ruff check
	ruff format --check
	mypy
	lint-imports --no-cache
	codespell

doctor: env ## Report every tool with its version and place, what is missing, and the remedy
	bitwright doctor

bench: env ## Measure the backbone beside its rivals; writes benchmarks/results/backbone.json
	python -m benchmarks.backbone

bench-formats: env ## Measure the number formats beside peers; writes benchmarks/results/formats.json
	python -m benchmarks.formats

bench-silicon: env ## Measure the accelerator on a chip, SECTION or all; writes benchmarks/results/silicon.json
	python -m benchmarks.silicon $(SECTION)

bench-huffman: env ## Measure coded weights and their decoder; writes benchmarks/results/huffman.json
	python -m benchmarks.huffman

bench-binary-train: env ## Train the one-bit networks; writes examples/models and benchmarks/results/binary_train.json
	python -m benchmarks.binary_train

bench-binary: env ## Measure the XNOR engine, SECTION or all; writes benchmarks/results/binary.json
	python -m benchmarks.binary $(SECTION)

bench-quant: env ## Measure every quantization method beside its control; writes benchmarks/results/quant.json
	python -m benchmarks.quant

sim: env ## Run MODEL's images on the RTL of ARCH: cycles per second, and whether all is exact
	bitwright sim $(model) $(arch)

waves: env ## Write a waveform of MODEL on ARCH, of LAYER, to runs/waves, with a GTKWave save file
	bitwright waves $(model) $(arch) $(layer)

mutation: env ## Put MUTANTS defects into the RTL and tell which the checks find
	python -m tools.mutate --mutants $(MUTANTS) --output benchmarks/results/mutation.json

verilog: env ## Generate the Verilog of the accelerator of ARCH
	bitwright verilog $(arch)

synth: env ## Synthesize the accelerator of ARCH for DEVICE: LUTs, flip-flops, DSPs, block RAMs
	bitwright synth $(arch) --device $(DEVICE) --json build/synth.json --svg build/synth.svg

pnr: env ## Place and route the accelerator of ARCH on DEVICE from SEEDS: Fmax, its path, the area
	bitwright synth $(arch) --device $(DEVICE) --route $(freq) --seeds $(SEEDS) --json build/pnr.json --svg build/pnr.svg

cost-model: env ## Fit the costs of `bitwright estimate` to synthesis runs (hours; goes on where it was)
	python -m tools.cost_model

clean: ## Remove build products and caches (keeps .venv and runs)
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find sw hw sim tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
