# make jam   installs what playing needs and starts a jam
# make test  installs what the tests need and runs every check
# make plugin  builds the DAW plug-in and puts it where DAWs look
# make fast  the checks that need no JACK server, no synth and no torch

VENV := .venv
DEV_VENV ?= .venv-dev
BIN := $(DEV_VENV)/bin

.PHONY: jam demo plugin test fast check engine parts tools

jam: $(VENV)/.installed
	$(VENV)/bin/jamlink jam $(ARGS)

demo: $(VENV)/.installed
	$(VENV)/bin/jamlink jam --demo $(ARGS)

plugin: $(VENV)/.installed
	scripts/need cc gcc libc6-dev
	scripts/need lv2_validate lv2-dev
	$(VENV)/bin/jamlink plugin install

$(VENV)/.installed: pyproject.toml
	scripts/venv $(VENV)
	$(VENV)/bin/pip install --quiet -e .
	$(VENV)/bin/python -m jamlink.engine.build
	$(VENV)/bin/python -m jamlink.web.parts
	touch $@

test: tools $(DEV_VENV)/.installed check engine parts
	$(BIN)/python -m pytest -q -n 2 --dist loadgroup -m "not real"
	$(BIN)/python -m pytest -q -m real

fast: $(DEV_VENV)/.installed check engine
	$(BIN)/python -m pytest -q -n 2 -m "not real and not torch"

engine:
	$(BIN)/python -m jamlink.engine.build

parts:
	$(BIN)/python -m jamlink.web.parts
	$(BIN)/python -m jamlink.web.parts --for tests

check:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

tools:
	scripts/need cc gcc libc6-dev
	scripts/need jackd jackd2 libjack-jackd2-0
	scripts/need fluidsynth fluidsynth timgm6mb-soundfont
	scripts/need tmux tmux
	scripts/need chromium chromium
	scripts/need npm npm
ifeq ($(shell uname),Linux)
	scripts/need ardour ardour
	scripts/need Xvfb xvfb
	scripts/need import imagemagick
	scripts/need patchelf patchelf
	scripts/need jalv jalv
	scripts/need lv2_validate lv2-dev
	scripts/need sord_validate sordi
	scripts/need aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu libc6-dev-arm64-cross
	scripts/need qemu-aarch64 qemu-user
endif

$(DEV_VENV)/.installed: pyproject.toml constraints-dev.txt
	scripts/venv $(DEV_VENV)
	$(BIN)/pip install --quiet -c constraints-dev.txt -e ".[dev]"
	touch $@
