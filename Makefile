# The whole set-up: `make demo` runs the job end to end, `make test` passes the tests. Both need only Python and make.
PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/uv
COMPILE := $(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command "make lock"

.PHONY: help install trainers demo test test-full check format lock bench clean

help:
	@echo "make demo       the whole loop on the sample corpus, through a real Label Studio"
	@echo "make test       all tests; the long randomised ones as a seeded sample"
	@echo "make test-full  all tests, the long ones whole"
	@echo "make trainers   torch, transformers, GLiNER in an environment of their own (1 GB), for docs/training.md"
	@echo "make check      ruff, mypy, generated files in step"
	@echo "make bench      the speed figures, as ratios"
	@echo "make lock       resolve the dependencies anew"

install: .venv/installed

.venv/installed: locks/uv.txt locks/dev.txt pyproject.toml
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" || \
		{ echo "Python 3.11 or later is needed; name one: make PYTHON=python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r locks/uv.txt
	$(UV) pip sync -q --python $(BIN)/python --require-hashes locks/dev.txt
	$(UV) pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

# The trainers that docs/training.md shows, and the engines gliner and gliner2: what needs torch never shares our
# environment. The toolkit itself is there too, with what `preannotate` needs.
trainers: .venv-trainers/installed

.venv-trainers/installed: locks/trainers.txt pyproject.toml
	$(PYTHON) -m venv .venv-trainers
	.venv-trainers/bin/python -m pip install -q --disable-pip-version-check -r locks/trainers.txt
	.venv-trainers/bin/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: install
	@$(BIN)/python scripts/demo.py

# A file's tests stay together, so that they share their server; each process has one of its own.
PYTEST := $(BIN)/python -m pytest -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

test: install
	$(PYTEST)

test-full: install
	CURATION_TEST_FULL=1 $(PYTEST)

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python scripts/json_schemas.py --check

format: install
	$(BIN)/ruff check --fix -q . ; $(BIN)/ruff format -q .

bench: install
	$(BIN)/python scripts/bench/preannotate.py
	$(BIN)/python scripts/bench/startup.py
	$(BIN)/python scripts/bench/labelstudio.py
	$(BIN)/python scripts/bench/studio.py
	$(BIN)/python scripts/bench/release.py

lock: install
	$(COMPILE) --all-extras --group dev pyproject.toml -o locks/dev.txt
	$(COMPILE) locks/uv.in -o locks/uv.txt
	$(COMPILE) locks/studio.in -o curation/labelstudio/studio.lock.txt

clean:
	rm -rf .venv .venv-trainers .mypy_cache .ruff_cache .pytest_cache .hypothesis dist
