# `make demo` and `make test` set up all they need.
VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
export OMP_NUM_THREADS ?= 1

.PHONY: demo test test-slow test-package lint docs format clean

$(VENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[test,docs]'
	@touch $@

demo: $(VENV)/.ready
	$(BIN)/python -m merit_sk.evaluation --simulated 800 --max-epochs 10 --output demo
	$(BIN)/python -m merit_sk demo/ecg --simulate AFIB CRBBB

test: $(VENV)/.ready
	$(BIN)/python -m pytest -m 'not slow' -q

test-package: $(VENV)/.ready
	$(BIN)/python -m pytest tests/test_packaging.py -m slow -q

test-slow: $(VENV)/.ready
	$(BIN)/python -m pytest -m slow -q

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/.ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.ready
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html

clean:
	rm -rf $(VENV) docs/_build docs/auto_examples docs/generated demo
