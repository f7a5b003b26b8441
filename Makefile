# setup: a virtual environment; test: the suite on real engines; check: linters, types, import arrows;
# demo: the tour of examples/demo.py; bench: figures beside the peers'; clean: stop and remove all of it.
SHELL := /bin/sh
BIN := .venv/bin
# How many tests run at once.
WORKERS ?= 3
STATE := /tmp/reconciler-$(shell printf '%s' "$(CURDIR)" | cksum | cut -d' ' -f1)
WITH_ENGINES := $(BIN)/python tests/support/with_engines.py --state
SOURCES := $(shell find specs reconciler providers -not -name '*.pyc' -not -name __pycache__)

.PHONY: setup demo test check bench clean

setup: .venv/complete .venv/installed

.venv/complete: requirements-dev.txt tests/support/prepare_machine.sh
	@sh tests/support/prepare_machine.sh
	@test -x $(BIN)/python || "$$(sh tests/support/find_python.sh)" -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

# The built wheel is what is tested, so the suite never imports from this folder.
.venv/installed: .venv/complete pyproject.toml $(SOURCES)
	@rm -rf .venv/wheel build
	@$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir .venv/wheel .
	@$(BIN)/python -m pip install --quiet --no-deps --no-index --force-reinstall .venv/wheel/*.whl
	@touch $@

test: setup
	RECONCILER_TEST_INSTALLED=1 $(WITH_ENGINES) $(STATE)-test -- \
	    $(BIN)/pytest -n $(WORKERS) --dist loadgroup -q $(PYTEST_ARGS)

# Two at once: the slowest of them, pyright, beside all others.
check: setup
	@$(BIN)/pyright >.venv/pyright.txt 2>&1 & pyright=$$!; \
	failed=; for check in 'ruff check .' 'ruff format --check .' mypy lint-imports; do \
	    echo "== $$check"; $(BIN)/$$check || failed="$$failed [$$check]"; \
	done; echo '== pyright'; wait $$pyright || failed="$$failed [pyright]"; cat .venv/pyright.txt; \
	test -z "$$failed" || { echo "failed:$$failed"; exit 1; }

demo: setup
	$(WITH_ENGINES) $(STATE)-demo --prefer-machine --keep -- $(BIN)/python examples/demo.py

bench: setup
	$(WITH_ENGINES) $(STATE)-bench -- $(BIN)/python tests/bench/measure.py

clean:
	@for name in test demo bench; do python3 tests/support/engines.py stop --state $(STATE)-$$name; done
	rm -rf .venv dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
