# `make demo` holds a spoken interview; `make test` proves it. Both set up what they need first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Bytecode is compiled once here: without it every start costs two to three times as much.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup demo up test lint types contracts bench soak lock clean
setup: $(STAMP)

$(STAMP): pyproject.toml requirements.txt requirements-build.txt
	$(PYTHON) -c 'import sys; sys.exit("Vivavoce needs Python 3.11 or newer") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.txt -r requirements-build.txt
	$(BIN)/python -m pip install --quiet --no-index --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q src
	touch $(STAMP)

demo: setup
	$(BIN)/viva demo

up: setup
	$(BIN)/viva up

test: setup
	$(BIN)/python -m pytest -n 2 --dist loadscope -rs

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/codespell
types: setup
	$(BIN)/mypy
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
	printf 'hatchling\neditables\n' | uv pip compile --universal --generate-hashes --no-header \
	  --no-emit-index-url --python-version 3.11 - -o requirements-build.txt

clean:
	rm -rf $(VENV) build dist
