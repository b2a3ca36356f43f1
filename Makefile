# Needs Python 3.11 or newer, make, and a package index. `make help` says what there is.

# The first of these that will do.
PYTHON  ?= python3 python3.14 python3.13 python3.12 python3.11
VENV    ?= .venv
MINUTES ?= 1
DAYS    ?= 7
SEED    ?= 1
BIN      = $(VENV)/bin

# What is compiled is kept, whatever the environment says: each worker and each process of the tests would do it anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test test-long test-exhaustive lint tools fuzz chaos chaos-kafka crash soak simulate bench bench-picture mutants mutation audit lock clean
.DEFAULT_GOAL := help

help: ## list these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

demo: $(VENV)/.built ## poll simulated vendors to standard output
	@$(BIN)/poller demo

test: $(VENV)/.built ## run the tests, but for the few that take long
	$(BIN)/python -m pytest

test-long: $(VENV)/.built ## run those that take long: brokers that come and go, a package in an environment of its own
	$(BIN)/python -m pytest -m "long and not exhaustive" -n auto --dist loadfile

test-exhaustive: $(VENV)/.built ## run all of what the others draw from, or ask of one vendor: many minutes
	$(BIN)/python -m pytest -m exhaustive -n 2 --dist loadfile

lint: $(VENV)/.built ## check style, types and import contracts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

tools: $(VENV)/.tools ## install what the tests of the chart, the image and the page use (200 MB)

$(VENV)/.tools: $(VENV)/.built requirements-tools.lock
	$(PIP) --require-hashes -r requirements-tools.lock
	touch $@

chaos: $(VENV)/.built ## kill a poller again and again and count what is lost: MINUTES=1 SEED=1
	$(BIN)/python -m tests.chaos.files --minutes $(MINUTES) --seed $(SEED)

chaos-kafka: $(VENV)/.built ## the same with three replicas on a real Kafka (java, mvn): MINUTES=1 SEED=1; CONTROL=1 must fail
	$(BIN)/python -m tests.chaos.replicas --minutes $(MINUTES) --seed $(SEED) $(if $(CONTROL),--control)

crash: $(VENV)/.built ## crash at every write and request of a page, a token's and a file's rotation, a gap, a rebalance
	$(BIN)/python -m tests.chaos.everywhere

soak: $(VENV)/.built ## poll under load, and see that memory, descriptors, threads and tasks stay flat (Linux): MINUTES=30
	$(BIN)/python -m tests.chaos.soak --minutes $(MINUTES)

simulate: $(VENV)/.built ## let days pass within minutes, with outages, kills and restarts: DAYS=7 SEED=1
	PYTHONHASHSEED=0 $(BIN)/python -m tests.simulation.week --days $(DAYS) --seed $(SEED)

fuzz: $(VENV)/.built ## feed mutated documents to all that reads what is not ours: MINUTES=1 SEED=1
	$(BIN)/python -m tests.fuzz --minutes $(MINUTES) --seed $(SEED)

bench: $(VENV)/.built ## measure speed, goal and result side by side (Linux): CELL=name for one; docs/performance.md
	$(BIN)/python -m tests.bench $(CELL)

bench-picture: $(VENV)/.built ## draw what make bench measured last, and write its table, into docs/
	$(BIN)/python -m tests.bench.picture

simulate-failover: $(VENV)/.built ## compute the fail-over of 100,000 sources from measured figures; docs/scale.md
	$(BIN)/python -m tests.bench.failover

mutants: $(VENV)/.built ## break the code on purpose, one way at a time, and see the tests fail
	$(BIN)/python -m tests.laws.mutants

mutation: $(VENV)-mutation/.built ## change a module in every small way and see its tests fail: OF=poller/events/seen.py EVERY=1
	@$(VENV)-mutation/bin/python -m tests.mutation $(OF) $(if $(TESTS),--tests $(TESTS)) $(if $(EVERY),--every $(EVERY))

$(VENV)-mutation/.built: requirements-mutation.lock $(VENV)/.built
	$(BIN)/python -m venv --clear $(VENV)-mutation
	$(PIP_MUTATION) --require-hashes -r requirements-mutation.lock
	touch $@

# Each lock is looked up in the Python Packaging Advisory Database (https://github.com/pypa/advisory-database).
audit: $(VENV)-audit/.built ## ask whether a locked package has known weaknesses (needs the internet)
	@for lock in requirements*.lock tests/sources/servers/requirements.lock; do \
	  echo "$$lock"; $(VENV)-audit/bin/pip-audit --strict --disable-pip --progress-spinner off -r $$lock || failed=1; \
	done; if [ "$$failed" ]; then echo >&2 "$(NOT_AUDITED)"; exit 1; fi

NOT_AUDITED = make audit: what failed is named above. Upgrade what has a weakness: remove its lock, make lock. Where all \
  is \"not found on PyPI\", https://pypi.org/pypi/pip/json cannot be had from here: run it where it can.

$(VENV)-audit/.built: requirements-audit.lock $(VENV)/.built
	$(BIN)/python -m venv --clear $(VENV)-audit
	$(PIP_AUDIT) --require-hashes -r requirements-audit.lock
	touch $@

# What is locked stays as long as it satisfies pyproject.toml: to upgrade, remove the lock files first.
lock: ## write the lock files (needs uv)
	$(COMPILE) -o requirements.lock
	$(COMPILE) --group dev --constraint requirements.lock -o requirements-dev.lock
	$(COMPILE_GROUP) build --constraint requirements-dev.lock -o requirements-build.lock
	$(COMPILE_GROUP) servers -o tests/sources/servers/requirements.lock
	$(COMPILE) --group dev --group tools --constraint requirements-dev.lock -o requirements-tools.lock
	$(COMPILE_GROUP) audit -o requirements-audit.lock
	$(COMPILE) --group dev --group mutation --constraint requirements-dev.lock -o requirements-mutation.lock

LOCKING = --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --custom-compile-command 'make lock'
COMPILE = uv pip compile pyproject.toml $(LOCKING)
COMPILE_GROUP = uv pip compile $(LOCKING) --group

clean: ## remove what was built; keep state, events and rejects
	rm -rf .venv* dist build .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Talks on stderr: the stdout of `make demo` belongs to the events. The build backend comes out of the lock, too.
$(VENV)/.built: requirements-dev.lock pyproject.toml
	@exec >&2; for python in $(PYTHON); do \
	  if $$python -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "building $(VENV) with $$($$python --version)"; \
	    $$python -m venv --clear $(VENV) && \
	    $(PIP) --require-hashes -r requirements-dev.lock && \
	    $(PIP) --no-deps --no-build-isolation --no-index -e . && \
	    $(BIN)/python -m pip check && \
	    touch $@; exit; \
	  fi; \
	done; \
	echo "poller needs Python 3.11 or newer with venv (Debian, Ubuntu: apt install python3-venv); none of these will do: $(PYTHON)"; \
	echo "Name another one: make PYTHON=/path/to/python3"; exit 1

# Python compiles what is used, when it is used: to compile all packages at once is two fifths of an installation.
INSTALL = -m pip install --quiet --disable-pip-version-check --no-input --no-compile
PIP_MUTATION = $(VENV)-mutation/bin/python $(INSTALL)
PIP_AUDIT = $(VENV)-audit/bin/python $(INSTALL)
PIP = $(BIN)/python $(INSTALL)
