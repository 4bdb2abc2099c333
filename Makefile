# Two commands are enough: `make run` and `make test`. Each sets up what is missing and can be repeated.
# What was installed is stamped inside the thing itself (.venv/.installed and the like), so removing
# that removes the stamp. Debian packages have no stamp: asking dpkg takes no time.

SHELL := /bin/sh
MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:

VENV := .venv
BIN := $(VENV)/bin
# npm and node come with the Python environment, so Debian's older ones are never used.
NPM := PATH="$(CURDIR)/$(BIN):$$PATH" NODE_USE_SYSTEM_CA=1 npm --prefix web --no-audit --no-fund --no-update-notifier
WEB_SOURCES := $(shell find web -mindepth 1 \( -name node_modules -o -name dist -o -name tests \) -prune \
	-o -type f ! -name '*.md' -print 2>/dev/null)
# Python that makes the environment; empty: the first usable of python3.11, python3, …
PYTHON ?=
export PYTHON
# Compiled modules are kept whatever the machine's habit is: without them each process compiles them anew, and a
# server takes twice as long to start.
unexport PYTHONDONTWRITEBYTECODE
# More arguments for pytest, such as TEST_ARGS="tests/domain -k deadline"
TEST_ARGS ?=
# Options of tests.faults and tests.fuzz, such as FAULT_ARGS="--seed 7 --kills 20" or FUZZ_ARGS="--seed 7"
FAULT_ARGS ?=
FUZZ_ARGS ?=
# Options of tests.month, such as MONTH_ARGS="--cases 800 --kills 50"
MONTH_ARGS ?=
# Options of tests.journeys.field, such as FIELD_ARGS="--times 9 --without-lighthouse"
FIELD_ARGS ?=
# Options of docs/pictures.py, such as PICTURE_ARGS="--url http://127.0.0.1:8001"
PICTURE_ARGS ?=

.PHONY: help
help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: packages $(VENV)/.installed web/dist/.built ## Install what is missing and build the pages

.PHONY: run
run: setup ## Run the main job on the demo subdistrict and serve it on http://127.0.0.1:8000
	$(BIN)/gridmgmt demo run

.PHONY: serve
serve: setup ## Serve without playing the demo
	$(BIN)/gridmgmt serve

.PHONY: test
test: packages-for-tests setup ## Run every test; a skipped one fails
	$(NPM) test
	.ci/run-pytest $(TEST_ARGS)

.PHONY: check
check: $(VENV)/.installed web/node_modules/.installed ## Format, lint, types and import contracts
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	@echo "$(BIN)/mypy, beside it npm run check"
	@$(BIN)/mypy & types=$$!; $(NPM) run check && wait $$types
	$(BIN)/lint-imports

.PHONY: bench
bench: setup ## Measure against the peers; results go to bench/results/
	$(BIN)/python -m bench

.PHONY: bench-peers
bench-peers: setup ## Install the partitioners that bench/partition.py compares with
	UV_PYTHON_DOWNLOADS=never VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --no-deps -r requirements-bench.lock

.PHONY: evidence
evidence: packages-for-tests setup ## Damage, kill, cut and fill up evidence photos at the full counts
	$(BIN)/python -m bench.evidence

.PHONY: field
field: packages-for-tests setup ## 50 reports, 100 photos, a cut line, a killed page; results in bench/results/
	$(BIN)/python -m bench.field_outbox

.PHONY: tamper
tamper: packages-for-tests setup ## Forge a sealed audit log a thousand times and see that each one is found
	$(BIN)/python -m tests.tampering --count 1000

.PHONY: faults
faults: packages-for-tests setup ## Kill, cut and fill up an installation under load (about 20 minutes); results in bench/results/
	$(BIN)/python -m tests.faults $(FAULT_ARGS)

.PHONY: month
month: packages-for-tests setup ## A month of the loop with 50 workers killed (some minutes); results in bench/results/
	$(BIN)/python -m tests.month $(MONTH_ARGS)

.PHONY: field-quality
field-quality: packages-for-tests setup ## Bytes, speed, axe, tap targets and Lighthouse of the phone's page; results in bench/results/
	$(BIN)/python -m tests.journeys.field $(FIELD_ARGS)

.PHONY: fuzz
fuzz: packages-for-tests setup ## Ask the whole API what nobody should (about 15 minutes); results in bench/results/
	$(BIN)/python -m tests.fuzz fuzz $(FUZZ_ARGS)

.PHONY: races
races: packages-for-tests setup ## 10,000 reports, each sent several times at once; results in bench/results/
	$(BIN)/python -m tests.fuzz races $(FUZZ_ARGS)

.PHONY: docs
docs: $(VENV)/.installed web/node_modules/.installed ## Regenerate the reference pages and the pages' types
	$(BIN)/python docs/generate.py
	$(NPM) run api

.PHONY: pictures
pictures: packages-for-tests setup ## Take the docs' screenshots from a demo server that runs (PICTURE_ARGS=--url ...)
	$(BIN)/python docs/pictures.py $(PICTURE_ARGS)
	$(BIN)/python docs/plan_files.py
	$(BIN)/python docs/desk_picture.py
	$(BIN)/python docs/partition.py

.PHONY: notebooks
notebooks: setup ## Open the planners' notebooks in JupyterLab
	$(BIN)/jupyter lab $$([ "$$(id -u)" != 0 ] || echo --allow-root) --notebook-dir=notebooks

.PHONY: web
web: web/dist/.built ## Build the pages

.PHONY: lock
lock: $(VENV)/.installed ## Resolve the Python requirements anew (LOCK_ARGS=--upgrade for newer versions)
	UV_PYTHON_DOWNLOADS=never $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
		--custom-compile-command "make lock" $(LOCK_ARGS) --extra dev --extra notebooks pyproject.toml -o requirements-dev.lock
	UV_PYTHON_DOWNLOADS=never $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
		--custom-compile-command "make lock" $(LOCK_ARGS) -c requirements-dev.lock pyproject.toml -o requirements.lock
	UV_PYTHON_DOWNLOADS=never $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
		--custom-compile-command "make lock" $(LOCK_ARGS) -c requirements-dev.lock --extra bench-peers pyproject.toml \
		-o requirements-bench.lock

.PHONY: clean
clean: ## Remove all that was built or installed here; the data stay
	-test ! -x $(BIN)/python || $(BIN)/python -c \
		"from gridmgmt.storage.embedded import test_cluster; test_cluster().destroy()"
	rm -rf $(VENV) web/node_modules web/dist build artifacts *.egg-info
	rm -rf .pytest_cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: packages packages-for-tests
packages:
	@.ci/install-packages run
packages-for-tests:
	@.ci/install-packages test

$(VENV)/.installed: requirements-dev.lock pyproject.toml .ci/make-venv | packages
	.ci/make-venv
	@touch $@

web/node_modules/.installed: web/package.json web/package-lock.json | $(VENV)/.installed
	$(NPM) ci
	@touch $@

web/dist/.built: web/node_modules/.installed $(WEB_SOURCES)
	$(NPM) run build
	@touch $@
