# `make demo` and `make test` set up all they need.
VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
WORKERS ?= 2
export OMP_NUM_THREADS ?= 1

.PHONY: demo test test-slow test-package benchmark-env torture fuzz lint docs format results
.PHONY: check-results clean

$(VENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[test,docs]'
	@touch $@

demo: $(VENV)/.ready
	$(BIN)/merit-sk compare --simulated 800 --max-epochs 10 --tasks superclass subclass rhythm --n-repeats 3 --output demo
	rm -f demo/ecg.hea demo/ecg.dat
	$(BIN)/merit-sk simulate demo/ecg AFIB CRBBB --random-state 2
	$(BIN)/merit-sk read demo/ecg --no-picture --html demo/ecg.html

test: $(VENV)/.ready
	$(BIN)/python -m pytest -m 'not slow' -q -n $(WORKERS)

test-package: $(VENV)/.ready
	$(BIN)/python -m pytest tests/test_packaging.py -m slow -q

test-slow: $(VENV)/.ready
	$(BIN)/python -m pytest -m slow -q

# aeon's numba needs an older numpy than constraints.txt has; `make test VENV=.venv-benchmark`.
benchmark-env: .venv-benchmark/.ready

.venv-benchmark/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv-benchmark
	(grep -v '^numpy==' constraints.txt; echo numpy==2.3.5; echo aeon==1.6.0) > .venv-benchmark/constraints.txt
	.venv-benchmark/bin/python -m pip install --quiet --constraint .venv-benchmark/constraints.txt torch
	.venv-benchmark/bin/python -m pip install --quiet --constraint .venv-benchmark/constraints.txt --editable '.[test,docs,benchmark]'
	@touch .venv-benchmark/.ready

# Damaged files, kills, full disks in large numbers: make torture TORTURE='--n 1000000 --kills 1000'.
torture: $(VENV)/.ready
	$(BIN)/python -m tests.torture $(TORTURE)

# Guided by coverage: make fuzz TARGET=edf FUZZ='--runs 100000'; without a name it lists the targets.
fuzz: $(VENV)/.ready
	$(BIN)/python -m pip install --quiet atheris
	$(BIN)/python -m tests.torture.fuzz $(TARGET) $(FUZZ)

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/.ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.ready
	rm -rf docs/generated
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html

# Every figure of the documentation: make results DATA=folder WORK=folder [TABLES="defaults labels"].
results: .venv-benchmark/.ready
	.venv-benchmark/bin/python benchmarks/results.py $(TABLES) --data $(DATA) --work $(WORK)

check-results: $(VENV)/.ready
	$(BIN)/python benchmarks/results.py --check

clean:
	rm -rf $(VENV) .venv-benchmark docs/_build docs/auto_examples docs/generated demo
