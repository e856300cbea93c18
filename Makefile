# The words of this project. CI uses the same ones, so what passes here passes there.

BIN := .venv/bin
PYTHON ?=
ANY_PYTHON := $(or $(shell command -v python3 || command -v python3.12 || command -v python3.13 || command -v python3.11),$(PYTHON))
export OPENBLAS_NUM_THREADS ?= 1

.PHONY: help install run test lint openapi bench backup restore clean ci-tools

help:  ## These words
	@sed -n 's/^\([a-z-]*\):.*## /make \1\t/p' Makefile | expand -t 16

install:  ## Make .venv hold what requirements.txt locks (quick where it does)
	@test -n "$(ANY_PYTHON)" || { echo "make install: no Python here. NextPick needs 3.11, 3.12 or 3.13; 3.12 is best. Debian, Ubuntu: apt-get install python3 python3-venv" >&2; exit 1; }
	@"$(ANY_PYTHON)" scripts/install.py $(PYTHON)

run: install  ## Everything on this machine, from an embedded Postgres to recommendations; Ctrl-C ends it
	@exec $(BIN)/nextpick up $(ARGS)

test: install  ## The whole suite, against a Postgres of its own
	@$(BIN)/pytest -q -n auto --dist loadfile $(ARGS)

lint: install  ## Style, types, the workflows, the Dockerfile, Compose's file, and what goes to Kubernetes
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/shellcheck scripts/*.sh .ci/run infra/images/bin/*
	@$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	@$(BIN)/zizmor --offline --quiet .github
	@$(BIN)/hadolint Dockerfile
	@$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yaml
	@$(BIN)/kubernetes-validate --strict --quiet infra/k8s/nextpick.yaml

openapi: install  ## Write docs/openapi.json anew, after a change of what the API takes or gives
	@$(BIN)/python -m serving.openapi docs/openapi.json

bench: install  ## Every benchmark that needs no more than this clone; each ends with one line of JSON
	@set -e; for script in $(filter-out $(addprefix benchmarks/,harness.py datasets.py engines.py),$(wildcard benchmarks/*.py)); do \
		echo "== $$script"; $(BIN)/python -m $$(basename $$(dirname $$script)).$$(basename $$script .py); done

backup: install  ## Databases, models and snapshots in one file: TO=FILE, else beside the clone, with the date
	@$(BIN)/nextpick backup $(or $(TO),../$(notdir $(CURDIR))-$(shell date -u +%Y%m%dT%H%M%SZ).tar)

restore: install  ## Put a backup back: FROM=FILE; ARGS=--over replaces what is here
	@test -n "$(FROM)" || { echo "make restore: which backup? FROM=FILE" >&2; exit 1; }
	@$(BIN)/nextpick restore $(FROM) $(ARGS)

clean: install  ## Forget every bit of data; .venv stays
	@$(BIN)/nextpick clean

ci-tools:  ## The Debian tools some tests want: chromium, prometheus, alertmanager, wrk
	@sh scripts/ci_tools.sh
