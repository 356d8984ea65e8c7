# make serve     start the daemon (ARGS="--port 7000" passes options on)
# make chat      join it from another terminal (ARGS="--nick alice")
# make test      all that CI runs: ruff, mypy, the import contracts, pytest with a floor for its coverage
#                (PYTEST="tests/irc -x" narrows it, without the floor)
# make lint      the same without pytest
# make compiled  compile modules of the daemon into chatroom/_compiled; it needs a C compiler, and Python's headers (on
#                Debian: gcc and python3-dev). make serve, and the daemons that tests start, use them until a source changes
# make test-compiled
#                compile them, and run the tests of the wire, the rules and the verbs with them
# make test-compiled-quick
#                the quicker half of these, which CI runs
# make format    apply ruff's fixes, then its format
# make protocol  write what the code says of itself: docs/protocol.md, the keys in docs/full-screen.md, the reference
#                of commands and settings in docs/ and man/
# make docs      build the site of the documentation into build/site; a dead link or heading fails
# make pictures  draw the full screen of the client into docs/, from a chat on a real server (the PNG needs chromium)
# make bench     measure the daemon beside ngIRCd and InspIRCd, where they are installed, into bench/results.md;
#                make bench-quick prints less of it within two minutes (ARGS="--only room-100-w1" narrows either)
# make bench-abuse
#                what users notice of an attack on the daemon, and on InspIRCd, into bench/abuse.md
# make bench-held
#                hold 5,000 connections for ten minutes, and draw bench/held.svg (HELD_CONNECTIONS, HELD_MINUTES)
# make bench-cluster
#                what three nodes cost beside one daemon; it only prints (ARGS="--runs 3")
# make bench-client
#                measure the terminal client against its bounds; it wants a quiet machine (ARGS="--runs 1" is quicker)
# make audit     ask for known vulnerabilities of the versions in constraints.txt; it needs the network
# make clean     remove the environment and what was built

PYTHON ?= $(firstword $(foreach name,python3 python3.13 python3.12 python3.11,$(shell \
	command -v $(name) >/dev/null 2>&1 && $(name) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(name))))
BIN := .venv/bin
PYTEST ?= tests
# The floor of the coverage (pyproject.toml) is that of all tests together.
COVERAGE := $(if $(filter-out tests,$(PYTEST)),,--cov=chatroom --cov-report=)

# The build back end is pinned too; newer pips want the second name for that.
export PIP_CONSTRAINT := constraints.txt
export PIP_BUILD_CONSTRAINT := constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore
unexport PYTHONPATH PYTHONHOME
# Otherwise each process that the tests start compiles all of our modules anew, and each worker all of the tests.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: serve chat test lint compiled test-compiled test-compiled-quick format protocol docs pictures bench bench-quick bench-abuse bench-cluster bench-client bench-held audit clean FORCE

serve: .venv/run.stamp
	@exec $(BIN)/chatroomctl serve $(ARGS)

chat: .venv/run.stamp
	@exec $(BIN)/chatroom $(ARGS)

# In a new checkout each worker would compile all tests: one process does it for all of them, beside the linters.
test: .venv/test.stamp
	@test -d tests/__pycache__ || $(BIN)/pytest -qq --collect-only $(PYTEST) >/dev/null 2>&1 & \
	$(MAKE) --no-print-directory lint; code=$$?; wait; exit $$code
	$(BIN)/pytest -n 4 --dist worksteal $(COVERAGE) $(PYTEST)

lint: .venv/test.stamp
	$(BIN)/ruff check --quiet
	$(BIN)/ruff format --check --quiet
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

compiled: .venv/compiled.stamp
	$(BIN)/python hatch_build.py

# The end-to-end tests are those of a daemon with these modules.
COMPILED_TESTS := TEST_COMPILED=1 $(BIN)/pytest -n 4 --dist worksteal tests/e2e/test_compiled_daemon.py tests/irc

test-compiled: .venv/test.stamp compiled
	$(COMPILED_TESTS) --ignore=tests/chat/cluster tests/chat tests/commands

test-compiled-quick: .venv/test.stamp compiled
	$(COMPILED_TESTS) tests/commands/talking tests/commands/connecting

format: .venv/test.stamp
	$(BIN)/ruff check --fix-only --quiet
	$(BIN)/ruff format

protocol: .venv/test.stamp
	PYTHONPATH=tests $(BIN)/python -m harness.protocol_page
	PYTHONPATH=tests $(BIN)/python -m harness.keys_page
	PYTHONPATH=tests $(BIN)/python -m harness.manual_pages

docs: .venv/docs.stamp
	$(BIN)/python -m sphinx -W --keep-going --quiet --fresh-env -b html -c docs/site . build/site
	@echo "The site is build/site/index.html"

pictures: .venv/test.stamp
	PYTHONPATH=tests $(BIN)/python -m harness.screen_picture

bench: .venv/bench.stamp bench/build/load
	$(BIN)/python bench/run.py $(ARGS)

bench-quick: .venv/run.stamp bench/build/load
	$(BIN)/python bench/run.py --quick $(ARGS)

bench-abuse: .venv/run.stamp bench/build/load
	$(BIN)/python bench/abuse.py $(ARGS)

bench-cluster: .venv/test.stamp bench/build/load
	$(BIN)/python bench/cluster.py $(ARGS)

bench-client: .venv/run.stamp
	$(BIN)/python bench/client_screen.py $(ARGS)

bench-held: .venv/test.stamp .venv/bench.stamp
	@mkdir -p bench/build
	HELD_FIGURES=bench/build/held.json $(BIN)/pytest -q -s -m soak tests/e2e/test_held_load.py
	$(BIN)/python bench/held.py bench/build/held.json bench/held.svg

# pip-audit is in an environment of its own, so that it judges only what chatroom needs, and as pinned.
audit: .venv/audit.stamp
	.venv/audit/bin/pip-audit --strict --no-deps --disable-pip --requirement constraints.txt $(ARGS)

bench/build/load: FORCE
	@$(MAKE) --no-print-directory -C bench/generator

clean:
	rm -rf .venv chatroom/_compiled .mypy_cache .ruff_cache .pytest_cache .coverage .hypothesis .import_linter_cache dist build bench/build

# A stamp is older than the files that tell what to install when these have changed.
.venv/run.stamp: pyproject.toml constraints.txt .venv/made.stamp
	@echo "Installing chatroom into .venv"
	@$(BIN)/python -m pip install --quiet --editable .
	@touch $@

.venv/test.stamp: pyproject.toml constraints.txt .venv/made.stamp
	@echo "Installing chatroom and its test tools into .venv"
	@$(BIN)/python -m pip install --quiet --editable '.[test]'
	@touch .venv/run.stamp $@

.venv/bench.stamp: pyproject.toml constraints.txt .venv/made.stamp
	@echo "Installing chatroom and what draws the bench's pictures into .venv"
	@$(BIN)/python -m pip install --quiet --editable '.[bench]'
	@touch .venv/run.stamp $@

.venv/compiled.stamp: pyproject.toml constraints.txt .venv/made.stamp
	@echo "Installing chatroom and its compiler into .venv"
	@$(BIN)/python -m pip install --quiet --editable '.[compiled]'
	@touch .venv/run.stamp $@

.venv/docs.stamp: pyproject.toml constraints.txt .venv/made.stamp
	@echo "Installing what builds the site into .venv"
	@$(BIN)/python -m pip install --quiet --editable '.[docs]'
	@touch .venv/run.stamp $@

.venv/audit.stamp: .venv/made.stamp
	@$(PYTHON) -m venv .venv/audit
	@env -u PIP_CONSTRAINT .venv/audit/bin/python -m pip install --quiet pip-audit
	@touch $@

# Made anew where it was made elsewhere (its scripts hold their path) or has lost its interpreter to an upgrade.
.venv/made.stamp:
	@test -n "$(PYTHON)" || { echo "chatroom needs Python 3.11 or newer: make PYTHON=/path/to/python3" >&2; exit 1; }
	@rm -rf .venv
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo "cannot make .venv (on Debian: apt install python3-venv)" >&2; exit 1; }
	@echo "$(CURDIR)" > $@

ifneq ($(shell test -x .venv/bin/python && cat .venv/made.stamp 2>/dev/null),$(CURDIR))
.venv/made.stamp: FORCE
endif
FORCE:
