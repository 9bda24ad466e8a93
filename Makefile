# make run        set up .venv on first use, start the demo application; Ctrl-C ends it
# make test       lint, types, layers, tests
# make test-all   the same, then the tests on every other interpreter at hand from 3.11 to 3.13; those of our own tools and of
#                 web programs on the first one only, of those between the oldest and the newest the engine's and its kin
# make coverage   which lines the tests reach, but for the daemon's, which look at other processes
# make bench      measure against Twisted and a bare uvloop protocol; BENCH='--quick --only echo' and so on
# make conformance  run Twisted's own tests: AREA=web, ONLY=twisted.test.test_task, CHECK=1 (what CI checks), SHOW=1 (name what
#                 does not pass), RECORD=1 (write down what passes now)
# make docs       build the documentation into site/
# make clean      remove all that these have made
PYTHON ?= python3
VENV ?= .venv
# Tests that run at the same time: more than there are processors, for most of the daemon's wait for other processes.
JOBS ?= 4
# Folders of tests to leave out.
SKIP ?=
BENCH ?=
AREA ?=
ONLY ?=
CHECK ?=
SHOW ?=
RECORD ?=
BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: run test test-all lint pytest coverage bench conformance docs clean
.DELETE_ON_ERROR:

run: $(VENV)/.all
	$(BIN)/plait run -n --stale-pidfile=remove -y examples/demo_app.py

test: lint pytest
	PLAIT_ENGINE=asyncio $(BIN)/python -m pytest -q -n $(JOBS) tests/engine tests/transport tests/deferred

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

pytest: $(VENV)/.test
	$(BIN)/python -m pytest -q -n $(JOBS) $(SKIP:%=--ignore=%)

coverage: $(VENV)/.test
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest --ignore=tests/daemon
	PLAIT_ENGINE=asyncio $(BIN)/coverage run -m pytest -q tests/engine tests/transport tests/deferred
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

test-all: test
	@.ci/interpreters $(BIN)/python | while read -r version python; do \
		echo "=== tests on Python $$version ($$python)"; \
		skip="tests/benchmarks tests/conformance tests/web/peers"; \
		case $$version in 3.12) skip="$$skip tests/daemon tests/web tests/as_twisted tests/testing";; esac; \
		$(MAKE) --no-print-directory pytest PYTHON="$$python" VENV=".venv-$$version" SKIP="$$skip" </dev/null || exit 1; \
	done

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks $(BENCH)

conformance: $(VENV)/.conformance
	$(BIN)/python -m conformance $(AREA:%=--area %) $(if $(CHECK),--check) $(if $(SHOW),--show) $(if $(RECORD),--record) $(ONLY)

docs: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "The documentation is in site/index.html"

clean:
	rm -rf .venv .venv-* .conformance build dist site .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage*

# What is installed is a file in .venv named for the extra, so that it is done again when pyproject.toml has changed.
$(VENV)/.%: $(VENV)/.made pyproject.toml
	@echo "Installing Plait with [$*] into $(VENV) ..."
	@$(PIP) -e '.[$*]'
	@touch $@

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; v = sys.version_info; \
	v >= (3, 11) or sys.exit("Plait needs Python 3.11 or later; $(PYTHON) is %d.%d. Name one: make PYTHON=..." % v[:2])'
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@
