# make demo | test | check | check-deploy | bench | quality | screenshots; each sets up what it needs.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
LINT := .venv-lint/bin
MANIFESTS := $(filter-out %/kustomization.yaml,$(wildcard docker/kubernetes/*.yaml)) docker/kubernetes/monitoring/autoscaler.yaml

.PHONY: setup demo test check check-deploy bench quality screenshots soak soak-more clean

setup: $(STAMP)

$(STAMP): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "streamproc needs Python 3.11 or newer; $(PYTHON) is older. Try: make $(MAKECMDGOALS) PYTHON=python3.11"; exit 1; }
	@echo "Setting up .venv; the first time this downloads about 3 GB (torch) and takes a few minutes"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@echo "Compiling for this machine, once: a few minutes"
	$(BIN)/streamproc warm
	@touch $@

demo: setup
	$(BIN)/streamproc up --demo

# Two processes, each with a Kafka of its own; `make test JOBS=4` where there are more cores.
JOBS ?= 2

test: setup
	$(BIN)/python -m pytest -n $(JOBS)

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Tools that want other versions than we do, so in an environment of their own.
.venv-lint/.installed: requirements/lint.txt
	@test -x $(LINT)/python || $(PYTHON) -m venv .venv-lint
	$(LINT)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/lint.txt
	@touch $@

check-deploy: .venv-lint/.installed
	$(LINT)/check-jsonschema --builtin-schema vendor.compose-spec docker/compose.yaml
	$(LINT)/kubernetes-validate --strict --quiet $(MANIFESTS)
	$(LINT)/hadolint --failure-threshold warning docker/Dockerfile

bench: setup
	$(BIN)/python -m benchmarks

quality: setup
	$(BIN)/python -m benchmarks quality

# Hours or minutes: `make soak EVENTS=1000000 TIMES=50` writes docs/soak.md, `make soak-more` hurts in other ways.
EVENTS ?= 1000000
TIMES ?= 50
CHAOS := $(BIN)/streamproc chaos --events $(EVENTS) --times $(TIMES) --rate 4000

soak: setup
	$(CHAOS) --repeat --out docs/soak.md \
	  --fault kill-worker --fault kill-trainer --fault kill-broker --fault kill-refresh

soak-more: setup
	$(CHAOS) --workers 3 --fault kill-worker
	$(CHAOS) --fault storm
	$(CHAOS) --fault flood
	STREAMPROC_USERS__MAX=100000 $(CHAOS) --fault strangers
	STREAMPROC_USERS__MAX=100000 $(CHAOS) --fault strangers --fault kill-worker --fault kill-trainer
	$(CHAOS) --repeat

screenshots: setup
	$(BIN)/python -m tests.screenshots

clean:
	rm -rf .venv .venv-lint .streamproc build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find streamproc models tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
