# `make demo` holds a spoken interview; `make test` proves it. Both set up what they need first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Bytecode is compiled once here: without it every start costs two to three times as much.
unexport PYTHONDONTWRITEBYTECODE

# Folders with npm packages of their own. Node itself is in the lock (hatch_build.py).
NODE_FOLDERS := web tests/conformance/node
NODE_STAMPS := $(NODE_FOLDERS:%=%/node_modules/.installed)
PAGES := src/vivavoce/static/index.html

.PHONY: setup demo up test peers lint types contracts bench soak lock clean node web screenshots
setup: $(STAMP)

$(STAMP): pyproject.toml requirements.txt requirements-build.txt
	$(PYTHON) -c 'import sys; sys.exit("Vivavoce needs Python 3.11 or newer") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.txt -r requirements-build.txt
	$(BIN)/python -m pip install --quiet --no-index --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q src
	touch $(STAMP)

node: $(NODE_STAMPS)

%/node_modules/.installed: %/package.json %/package-lock.json $(STAMP)
	$(BIN)/python hatch_build.py --in $* ci
	touch $@

web: $(PAGES)

$(PAGES): $(NODE_STAMPS) $(shell find web -type f \( -path '*/src/*' -o -path '*/public/*' -o -name '*.html' -o -name '*.json' -o -name '*.config.ts' \) -not -path '*/node_modules/*' -not -path '*/dist/*')
	$(BIN)/python hatch_build.py run build
	touch $@

demo: setup
	$(BIN)/viva demo

up: setup web
	$(BIN)/viva up

test: setup node web
	$(BIN)/python -m pytest -n 3 --dist loadscope --no-loadscope-reorder -rs

# Every page in every state, for people to look at.
screenshots: setup web
	PYTHONPATH=tests $(BIN)/python -m screenshots $(if $(ONLY),--only $(ONLY))

# Frameworks whose packages contradict ours, in an environment of their own.
PEERS := .venv-peers
peers: setup $(PEERS)/.installed
	$(BIN)/python -m pytest -rs -m peers tests/conformance

$(PEERS)/.installed: requirements-peers.txt
	test -x $(PEERS)/bin/python || $(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --require-hashes -r requirements-peers.txt
	touch $@

lint: setup node
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/codespell
	$(BIN)/python hatch_build.py run lint

types: setup node
	$(BIN)/mypy
	$(BIN)/python hatch_build.py run types

contracts: setup
	$(BIN)/lint-imports

bench: setup
	$(BIN)/python -m bench $(if $(ONLY),--only $(ONLY))

soak: setup
	$(BIN)/python -m bench.soak $(if $(ONLY),--only $(ONLY))

# Locks carry hashes and no addresses, so that any index or mirror can serve them.
lock:
	uv pip compile --universal --generate-hashes --no-header --no-emit-index-url --python-version 3.11 \
	  --all-extras --group dev pyproject.toml -o requirements.txt
	printf 'hatchling\neditables\nnodejs-wheel-binaries\n' | uv pip compile --universal --generate-hashes --no-header \
	  --no-emit-index-url --python-version 3.11 - -o requirements-build.txt
	uv pip compile --universal --generate-hashes --no-header --no-emit-index-url --python-version 3.11 \
	  requirements-peers.in -o requirements-peers.txt

clean:
	rm -rf $(VENV) $(PEERS) tests/conformance/node/node_modules build dist src/vivavoce/static web/node_modules web/*/dist
