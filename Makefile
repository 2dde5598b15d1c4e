# Every target is complete on a fresh Debian machine that has python3, venv and make.
PYTHON ?= python3
BASE   := .venv/.base
DEV    := .venv-dev/.dev
# Fuzzing needs compiled instrumentation that exists for one Python at a time; it lives apart.
FUZZ   := .venv-fuzz/.fuzz
PIP_INSTALL = -m pip install --quiet --disable-pip-version-check --require-hashes

.PHONY: demo test check bench fuzz soak lock clean
.DEFAULT_GOAL := demo

demo: $(BASE) ## the main job, on a simulated day of a town hall
	.venv/bin/tocsin demo

test: $(DEV) ## every test but the long ones
	.venv-dev/bin/python -m pytest -n 3 --dist worksteal

check: $(DEV) ## static checks: style, types, imports, dependencies
	.venv-dev/bin/ruff check
	.venv-dev/bin/ruff format --check
	.venv-dev/bin/mypy
	.venv-dev/bin/lint-imports
	.venv-dev/bin/deptry src

bench: $(DEV) ## the figures of benchmarks/RESULTS.md, as JSON lines
	.venv-dev/bin/python -m benchmarks

fuzz: $(FUZZ) ## every parser under a coverage-guided fuzzer; findings are kept as seeds
	.venv-fuzz/bin/python -m tests.fuzz --seconds $(or $(SECONDS_EACH),60)

soak: $(DEV) ## everything that the issues' "Must show" names, in full
	.venv-dev/bin/python -m pytest -n 3 --dist worksteal -m "soak or not soak" --soak
	.venv-dev/bin/python -m benchmarks --full

lock: ## pin every dependency with its hashes anew
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python -m pip install --quiet uv
	$(call compile,--group build,base)
	$(call compile,--group build --group test --group check -c requirements/base.txt,dev)
	$(call compile,--group build --group test --group fuzz -c requirements/dev.txt,fuzz)

compile = .venv-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --no-annotate pyproject.toml $(1) -o requirements/$(2).txt

$(BASE): requirements/base.txt pyproject.toml
	$(call install,.venv,base)

$(DEV): requirements/dev.txt pyproject.toml
	$(call install,.venv-dev,dev)

$(FUZZ): requirements/fuzz.txt pyproject.toml
	$(call install,.venv-fuzz,fuzz)

define install
$(PYTHON) -m venv $(1)
$(1)/bin/python $(PIP_INSTALL) -r requirements/$(2).txt
$(1)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
touch $@
endef

clean:
	rm -rf .venv .venv-dev .venv-fuzz .venv-lock
