# `make demo` and `make test` work on a bare machine with make and Python 3.11 or later; all else lives in .venv/.
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/pip --disable-pip-version-check
PYTHON ?= $(firstword $(foreach p,python3.11 python3.12 python3.13 python3,$(shell \
            $(p) -c 'import sys; assert sys.version_info >= (3, 11)' 2>/dev/null && command -v $(p))))

.DEFAULT_GOAL := help
.PHONY: help install dev demo test metrics lint types imports docs pictures bench bench-stages bench-feed workers torture bench-scale ci clean

help:  ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

install: $(VENV)/.installed  ## hdmatt in .venv/, editable, with the pinned versions
dev: $(VENV)/.installed-dev  ## the same with what tests, checks and docs need

demo: install  ## matte a real photograph into demo-out/
	$(BIN)/hdmatt demo -o demo-out

# As many processes as the machine has cores, at most four: each brings a torch of its own.
test: SELECT := not slow
test: dev  ## the fast tests; all of them: make test SELECT=
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadscope --durations 10 -m "$(SELECT)"

metrics: dev  ## the figures of the evaluation's metrics, in memory and by tiles
	$(BIN)/python -m pytest tests/metrics

lint: dev  ## ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: dev  ## mypy --strict on the core and the built-in plug-ins
	$(BIN)/mypy -p hdmatt_core -p hdmatt_stages -p hdmatt_images

imports: dev  ## the layers of the code
	$(BIN)/lint-imports

docs: dev  ## the documentation, in site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

pictures: demo  ## the documentation's pictures, from what the demo made
	$(BIN)/python docs/generate/pictures.py demo-out docs/assets
	$(BIN)/python docs/generate/procedural.py docs/assets
	$(BIN)/hdmatt explain hdmatt_core/demo/photo.jpg hdmatt_core/demo/trimap.png --at 1020,740 -o docs/assets/explain.jpg --overwrite

bench: dev  ## time and memory of a 24-megapixel photograph
	$(BIN)/python tests/bench/photo.py

bench-stages: dev  ## where the time of a patch goes in the network
	$(BIN)/python tests/bench/stages.py

bench-feed: dev  ## what training's data costs beside a training step: make bench-feed CONFIG=train.yaml
	$(BIN)/python tests/bench/feed.py $(or $(CONFIG),docs/training/hdmatt-s.yaml)

bench-scale: dev  ## memory, work, workers, seams, context and choice on scenes up to a gigapixel; says which bounds are met
	$(BIN)/python tests/bench/scale.py

workers: dev  ## the pipeline with one worker and with two
	$(BIN)/python tests/bench/workers.py

torture: dev  ## kill -9 at twenty random moments of one run; the bits must be equal
	$(BIN)/python tests/bench/torture.py

ci:  ## everything that CI checks
	.ci/run

clean:  ## remove what these commands made
	rm -rf $(VENV) .scratch build dist site demo-out .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

# The stamps carry what they were made from: an unchanged pyproject.toml and constraints.txt install nothing.
$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "hdmatt needs Python 3.11 or later: install it, or name it with 'make PYTHON=/path/to/python'." >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "Python's venv module does not work (on Debian and Ubuntu: apt install python3-venv)." >&2; exit 2; }

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "installing hdmatt and what it needs into $(VENV)/ (torch is large: a minute or more)"
	@$(PIP) install --quiet --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "installing what tests, checks and documentation need"
	@$(PIP) install --quiet --constraint constraints.txt 'pip>=25.1'  # the first that knows --group
	@$(PIP) install --quiet --constraint constraints.txt --editable '.[large]' --group dev
	@touch $@
