# Needs Python 3.11, 3.12 or 3.13 and nothing else: every command sets up .venv when it has to.
#
#   make demo VIDEO=my.mp4        your own video: a file, a link or a key of the store
#   make test PYTEST_ARGS="-k x"  more arguments for pytest
#   make demo PYTHON=python3.12   make .venv with this Python

.DEFAULT_GOAL := help
.SUFFIXES:
.NOTPARALLEL:

PYTHONS := $(or $(PYTHON),python3 python3.13 python3.12 python3.11 python)
RUN := .venv/bin/python -m
SAMPLE := .demo/sample.mp4
PYTEST_ARGS :=

# The shell reads the name from its environment, so that spaces, quotes and $ in it stay as they are.
export HEATERS_DEMO_VIDEO := $(if $(value VIDEO),$(value VIDEO),$(SAMPLE))

define CREATE_ENVIRONMENT
found=; \
for python in $(PYTHONS); do \
    "$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
        >/dev/null 2>&1 || continue; \
    found=$$python; \
    echo "Creating .venv with $$("$$python" --version)"; \
    "$$python" -m venv --clear .venv && touch $@ && exit 0; \
done; \
if [ -z "$$found" ]; then \
    echo "No Python 3.11, 3.12 or 3.13 among: $(PYTHONS)" >&2; \
    echo "Install one, or name it: make $(or $(MAKECMDGOALS),demo) PYTHON=/path/to/python3.12" >&2; \
else \
    echo "$$found cannot create a virtual environment; its own message stands above." >&2; \
    echo "On Debian and Ubuntu it needs the package python3-venv." >&2; \
fi; \
exit 1
endef

# $(1): what pip installs, $(2): what to call it
define INSTALL
echo "Installing $(2) into .venv, once; this takes a minute or two"; \
.venv/bin/python -m pip --no-input --disable-pip-version-check install -qq \
    --constraint constraints.txt --editable '$(1)' || { \
    echo "The installation failed; pip's own message stands above." >&2; \
    echo "pip needs a network connection to PyPI, or an index of your own in PIP_INDEX_URL." >&2; \
    echo "Then run the same command again." >&2; \
    exit 1; \
}; \
touch $@
endef

.PHONY: help
help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' Makefile

.PHONY: demo
demo: .venv/installed ## Run the pipeline on a sample video, or on VIDEO=my.mp4
	@$(if $(value VIDEO),:,$(RUN) heaters_pipeline.video.sample $(SAMPLE))
	@.venv/bin/heaters process -- "$$HEATERS_DEMO_VIDEO"
	@echo
	@echo "The clips, sprite sheets and key frames lie in ./data (or in your HEATERS_STORE)."
	@echo "make ui      shows the run, its pictures and its tables in the browser"
	@echo "make demo    once more makes nothing: everything is reused"

.PHONY: ui
ui: .venv/installed ## Open the Dagster UI and its daemon on 127.0.0.1:3000
	@.venv/bin/heaters ui

# More workers than CI has processors, since many tests wait for daemons.
PYTEST = $(RUN) pytest -n 3 --dist loadfile -m "not slow"

.PHONY: test
test: lint ## Linters, types, import contracts and all tests
	@$(PYTEST) $(PYTEST_ARGS)

.PHONY: coverage
coverage: .venv/installed-tests ## The tests again, with the lines and branches that none of them reaches
	@$(PYTEST) --cov=heaters_pipeline $(PYTEST_ARGS)

.PHONY: test-slow
test-slow: .venv/installed-tests ## The long form of the fault and load tests
	@$(RUN) pytest -m slow $(PYTEST_ARGS)

.PHONY: lint
lint: .venv/installed-tests ## Linters, formatting, types and import contracts
	@$(RUN) ruff check --quiet
	@$(RUN) ruff format --quiet --check
	@$(RUN) mypy
	@.venv/bin/lint-imports --no-logo

.PHONY: format
format: .venv/installed-tests ## Format the code and mend what the linter can
	@$(RUN) ruff check --fix
	@$(RUN) ruff format

# Python 3.11 decides: its set of versions runs on 3.12 and 3.13 too, the other way round it does not.
.PHONY: constraints
constraints: ## Write constraints.txt anew with the newest versions
	@set -e; \
	folder=$$(mktemp -d); \
	trap 'rm -rf "$$folder"' EXIT; \
	$(or $(PYTHON),python3.11) -m venv "$$folder"; \
	"$$folder/bin/python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { \
	    echo "constraints.txt is made with Python 3.11" >&2; exit 1; }; \
	"$$folder/bin/python" -m pip install -qq --editable '.[test,bench]'; \
	{ \
	    echo "# The exact versions that make and CI install, the same on Python 3.11, 3.12 and 3.13."; \
	    echo "# Written by: make constraints"; \
	    "$$folder/bin/python" -m pip freeze --exclude-editable; \
	} > "$$folder/constraints.txt"; \
	if grep -E '@|://' "$$folder/constraints.txt" >&2; then \
	    echo "these are addresses, not versions; constraints.txt stays as it was" >&2; exit 1; fi; \
	cp "$$folder/constraints.txt" constraints.txt

.PHONY: clean
clean: ## Remove .venv, the sample and all caches; data/ and .dagster/ stay
	@rm -rf .venv .demo build dist *.egg-info htmlcov .coverage .coverage.* \
	    .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find heaters_pipeline heaters_pipeline_tests benchmarks -name __pycache__ -prune -exec rm -rf {} +

.venv/created:
	@$(CREATE_ENVIRONMENT)

.venv/installed: .venv/created pyproject.toml constraints.txt
	@$(call INSTALL,.,the pipeline)

.venv/installed-tests: .venv/installed
	@$(call INSTALL,.[test],the tests' tools)
