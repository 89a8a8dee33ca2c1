# Needs Python 3.11, 3.12 or 3.13 and nothing else: every command sets up .venv when it has to.
#
#   make demo VIDEO=my.mp4        your own video: a file, a link or a key of the store
#   make test PYTEST_ARGS="-k x"  more arguments for pytest
#   make demo PYTHON=python3.12   make .venv with this Python
#   make demo VENV=.venv-3.12     work with an environment of another name

.DEFAULT_GOAL := help
.SUFFIXES:
.NOTPARALLEL:

PYTHONS := $(or $(PYTHON),python3 python3.13 python3.12 python3.11 python)
VENV := .venv
RUN := $(VENV)/bin/python -m
SAMPLE := .demo/sample.mp4
PYTEST_ARGS :=
READERS := .venv-readers
READERS_ARGS :=
SOAK_ARGS :=
PLAYERS := .players

# Else each program that the tests start would compile the package anew.
unexport PYTHONDONTWRITEBYTECODE

# The shell reads the name from its environment, so that spaces, quotes and $ in it stay as they are.
export HEATERS_DEMO_VIDEO := $(if $(value VIDEO),$(value VIDEO),$(SAMPLE))

define CREATE_ENVIRONMENT
found=; \
for python in $(PYTHONS); do \
    "$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
        >/dev/null 2>&1 || continue; \
    found=$$python; \
    echo "Creating $(VENV) with $$("$$python" --version)"; \
    "$$python" -m venv --clear $(VENV) && touch $@ && exit 0; \
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

# $(1): what pip installs, $(2): what to call it, $(3): the files that say that it was done
define INSTALL
echo "Installing $(2) into $(VENV), once; this takes a minute or two"; \
$(RUN) pip --no-input --disable-pip-version-check install -qq \
    --constraint constraints.txt --editable '$(1)' || { \
    echo "The installation failed; pip's own message stands above." >&2; \
    echo "pip needs a network connection to PyPI, or an index of your own in PIP_INDEX_URL." >&2; \
    echo "Then run the same command again." >&2; \
    exit 1; \
}; \
touch $(3)
endef

.PHONY: help
help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' Makefile

.PHONY: demo
demo: $(VENV)/installed ## Run the pipeline on a sample video, or on VIDEO=my.mp4
	@$(if $(value VIDEO),:,$(RUN) heaters_pipeline.video.sample $(SAMPLE))
	@$(VENV)/bin/heaters process -- "$$HEATERS_DEMO_VIDEO"
	@echo
	@echo "The clips, sprite sheets and key frames lie in ./data (or in your HEATERS_STORE)."
	@echo "make ui      shows the run, its pictures and its tables in the browser"
	@echo "make demo    once more makes nothing: everything is reused"

.PHONY: ui
ui: $(VENV)/installed ## Open the Dagster UI and its daemon on 127.0.0.1:3000
	@$(VENV)/bin/heaters ui

# More workers than CI has processors, since many tests wait for daemons. They get one file after
# the other, in the order that conftest.py gives them.
PYTEST = $(RUN) pytest -n 3 --dist loadfile --no-loadscope-reorder -m "not slow"

.PHONY: test
test: lint pytest ## Linters, types, import contracts and all tests

.PHONY: pytest
pytest: $(VENV)/installed-tests ## The tests alone
	@$(PYTEST) $(PYTEST_ARGS)

.PHONY: test-pythons
test-pythons: ## The tests on Python 3.12 and 3.13, each in .venv-3.12 and .venv-3.13
	@set -e; for version in 3.12 3.13; do \
	    $(MAKE) --no-print-directory pytest VENV=.venv-$$version PYTHON=python$$version; done

.PHONY: coverage
coverage: $(VENV)/installed-tests ## The tests again, with the lines and branches that none of them reaches
	@$(PYTEST) --cov=heaters_pipeline $(PYTEST_ARGS)

.PHONY: test-slow
test-slow: $(VENV)/installed-tests ## The long form of the fault and load tests
	@$(RUN) pytest -m slow $(PYTEST_ARGS)

.PHONY: soak
soak: $(VENV)/installed-tests ## Let a fleet work while its workers are killed: 2 hours, or SOAK_ARGS="--minutes 10"
	@$(RUN) benchmarks.soak $(SOAK_ARGS)

.PHONY: readers
readers: $(VENV)/installed-tests $(READERS)/installed ## Read clips with every player and loader; READERS_ARGS="--mode copy --quick"
	@$(RUN) benchmarks.readers --python $(READERS)/bin/python $(READERS_ARGS)

.PHONY: players
players: $(PLAYERS)/installed ## Install what tests of web pages need: players, axe-core; needs npm

.PHONY: lint
lint: $(VENV)/installed-tests ## Linters, formatting, types and import contracts
	@$(RUN) ruff check --quiet
	@$(RUN) ruff format --quiet --check
	@$(RUN) mypy
	@$(VENV)/bin/lint-imports --no-logo

.PHONY: format
format: $(VENV)/installed-tests ## Format the code and mend what the linter can
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
	    "$$folder/bin/python" -m pip freeze --all --exclude pip --exclude-editable; \
	} > "$$folder/constraints.txt"; \
	if grep -E '@|://' "$$folder/constraints.txt" >&2; then \
	    echo "these are addresses, not versions; constraints.txt stays as it was" >&2; exit 1; fi; \
	cp "$$folder/constraints.txt" constraints.txt

# A commit gives one wheel, wherever it is built: all files have the time of the commit and the
# permissions that everyone may read, and nothing is there that an earlier build left.
.PHONY: build
build: $(VENV)/installed-tests ## Write a wheel into dist/
	@rm -rf build dist
	@set -e; \
	folder=$$(mktemp -d); \
	trap 'rm -rf "$$folder"' EXIT; \
	cp -R heaters_pipeline pyproject.toml README.md LICENSE "$$folder"; \
	find "$$folder" -name __pycache__ -prune -exec rm -rf {} +; \
	chmod -R u=rwX,go=rX "$$folder"; \
	umask 022; \
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct 2>/dev/null || echo 315532800) \
	    $(RUN) build --wheel --no-isolation --outdir dist "$$folder"

.PHONY: clean
clean: ## Remove .venv, the sample and all caches; data/ and .dagster/ stay
	@rm -rf .venv .venv-3.* $(READERS) .demo build dist *.egg-info htmlcov .coverage .coverage.* \
	    .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find heaters_pipeline heaters_pipeline_tests benchmarks -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/created:
	@$(CREATE_ENVIRONMENT)

$(VENV)/installed: $(VENV)/created pyproject.toml constraints.txt
	@$(call INSTALL,.,the pipeline,$@)

# In one go where nothing is installed yet: pip then resolves once.
$(VENV)/installed-tests: $(VENV)/created pyproject.toml constraints.txt
	@$(call INSTALL,.[test],the pipeline and the tests' tools,$(VENV)/installed $@)

# An environment of their own, since they ask for other versions than the pipeline does. decord2 has the
# name of decord, and so a folder of its own.
$(READERS)/installed: $(VENV)/created benchmarks/readers/requirements.txt
	@echo "Installing the readers of benchmarks/readers into $(READERS), once"
	@$(RUN) venv --clear $(READERS)
	@$(READERS)/bin/python -m pip --no-input --disable-pip-version-check install -qq \
	    --requirement benchmarks/readers/requirements.txt
	@$(READERS)/bin/python -m pip --no-input --disable-pip-version-check install -qq --no-deps \
	    --target $(READERS)/decord2 decord2==3.4.0
	@touch $@

$(PLAYERS)/installed: heaters_pipeline_tests/players/package.json
	@echo "Installing the players of heaters_pipeline_tests/players into $(PLAYERS), once"
	@mkdir -p $(PLAYERS)
	@cp heaters_pipeline_tests/players/package.json $(PLAYERS)/
	@npm install --prefix $(PLAYERS) --ignore-scripts --no-package-lock --no-audit --no-fund \
	    --omit=optional --loglevel=error
	@touch $@
