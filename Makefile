# `make` lists what there is to do. Everything is set up in .venv by the first target that needs it.

PYTHON ?= python3
VENV ?= .venv
# cc, unless the caller says otherwise: the compiler that this Python was built with may not be here.
export CC

.DELETE_ON_ERROR: # an interrupted set-up starts again

# Whatever is newer than a stamp is installed again: so a changed line of C is compiled before it is used.
SOURCES := pyproject.toml setup.py src/statekeep/__init__.py $(filter-out csrc/test_%,$(wildcard csrc/*.[ch] csrc/*.py))
PRODUCT := $(VENV)/.product
TOOLS := $(VENV)/.tools
RUN := $(VENV)/bin/

PIP := $(RUN)python -m pip --disable-pip-version-check --quiet

.PHONY: help
help:
	@echo "make demo    the loan story on a real daemon, in a directory of its own"
	@echo "make test    the tests; for a part of them: $(RUN)pytest tests/routing"
	@echo "make proofs  the claim under its provers; a skip names the one that is missing"
	@echo "make check   lint, types and contracts between the rooms"
	@echo "make bench   figures of this machine beside those of peers; bench-full: also at a million actors, 20 minutes"
	@echo "make figures puts the last figures into tests/bench/README.md"
	@echo "make manual  the manual pages and the reference, from what the programs are made of"
	@echo "make install PREFIX=/usr    the daemon, its manual and its units for the whole system; DESTDIR= stages it"
	@echo "make clean   remove what these commands made"
	@echo "To choose the interpreter on the first run: make PYTHON=python3.12 demo"

.PHONY: demo
demo: $(PRODUCT)
	@$(RUN)statekeep demo

.PHONY: test
test: $(TOOLS)
	$(RUN)python -m pytest --numprocesses auto --dist worksteal

.PHONY: proofs
proofs: $(TOOLS)
	$(RUN)python -m pytest -m proofs -rs

.PHONY: check lint types contracts
check: lint types contracts

lint: $(TOOLS)
	$(RUN)ruff check
	$(RUN)ruff format --check

types: $(TOOLS)
	$(RUN)mypy
	$(RUN)pyright --pythonpath $(RUN)python

contracts: $(TOOLS)
	$(RUN)lint-imports --no-logo

.PHONY: manual
manual: $(PRODUCT)
	$(RUN)python docs/make.py

# $(call measure,<script and its arguments>)
measure = @echo "== $(1)"; $(RUN)python -m tests.bench.bench_$(1)

.PHONY: bench bench-full figures
bench: $(TOOLS)
	$(call measure,peers 1)
	$(call measure,wire 1)
	$(call measure,deploy)
	$(call measure,routing)
	$(call measure,machines)
	$(call measure,statecharts)
	$(call measure,growth)
	$(call measure,commands)
	$(call measure,evaluator 1000 1000000)

bench-full: bench
	$(call measure,evaluator 10000000)
	$(call measure,watch 1)
	$(call measure,million 1000)
	$(call measure,million 1000000)

figures: $(TOOLS)
	$(RUN)python -m tests.bench.figures

# An environment of its own below PREFIX, with what StateKeep needs, and links to its commands: the system's Python is
# left alone. DESTDIR is where a package is put together; nothing that is installed remembers it.
PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
LIBRARY := $(PREFIX)/lib/statekeep
STAGED = $(DESTDIR)$(PREFIX)
# install that makes the directories, and leaves what it installs readable.
PUT := install -D -m 644
# $(call completion,<shell>,<where its scripts are, below share/>)
completion = install -d $(STAGED)/share/$(dir $(2)) && $(DESTDIR)$(LIBRARY)/bin/python \
    -c "from statekeep.tui.cli import main; raise SystemExit(main(['completion', '$(1)']))" > $(STAGED)/share/$(2)

.PHONY: install
install: $(VENV)/bin/python
	@$(PIP) wheel --no-deps --wheel-dir build/wheel .
	$(PYTHON) -m venv --clear --without-pip $(DESTDIR)$(LIBRARY)
	@$(PIP) --python $(DESTDIR)$(LIBRARY)/bin/python install --no-compile \
	    "$$(ls -t build/wheel/statekeep-*.whl | head -n 1)[all]"
	@grep -rlIF "$(DESTDIR)$(LIBRARY)" $(DESTDIR)$(LIBRARY)/bin $(DESTDIR)$(LIBRARY)/pyvenv.cfg | \
	    xargs --no-run-if-empty sed -i 's,$(DESTDIR)$(LIBRARY),$(LIBRARY),g'
	@$(PYTHON) -m compileall -q $(if $(DESTDIR),-s $(DESTDIR) -p /) $(DESTDIR)$(LIBRARY)/lib
	install -d $(STAGED)/bin
	ln -sf ../lib/statekeep/bin/statekeep ../lib/statekeep/bin/statekeepd $(STAGED)/bin/
	@for page in $(wildcard docs/man/*.*); do $(PUT) -t $(STAGED)/share/man/man$${page##*.} $$page || exit; done
	@$(call completion,bash,bash-completion/completions/statekeep)
	@$(call completion,zsh,zsh/site-functions/_statekeep)
	@$(call completion,fish,fish/vendor_completions.d/statekeep.fish)
	@for unit in systemd/system/* systemd/user/* systemd/sysusers.d/* systemd/tmpfiles.d/*; do \
	    case $$unit in *.d/*) to=lib/$${unit#systemd/};; *) to=lib/$$unit;; esac; \
	    $(PUT) $$unit $(STAGED)/$$to && sed -i 's,=/usr/bin/,=$(PREFIX)/bin/,' $(STAGED)/$$to || exit; done
	@test -e $(DESTDIR)$(SYSCONFDIR)/statekeep/statekeep.toml || \
	    $(PUT) systemd/statekeep.toml $(DESTDIR)$(SYSCONFDIR)/statekeep/statekeep.toml
	$(PUT) README.md $(STAGED)/share/doc/statekeep/README.md
	$(PUT) LICENSE $(STAGED)/share/doc/statekeep/copyright

.PHONY: clean
clean:
	rm -rf $(VENV) build dist src/*.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find csrc daemon protocol tui src tests -name __pycache__ -prune -exec rm -r {} +
	find daemon -name '_evaluator*.so' -delete

# $(call need,<a command that succeeds if it is there>,<what is missing and how to get it; no commas>)
need = @$(1) >/dev/null 2>&1 || { echo "make: $(2)" >&2; exit 1; }
PYTHON_H = "$$($(PYTHON) -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h"

$(VENV)/bin/python:
	$(call need,command -v $(PYTHON),$(PYTHON) is not installed. Debian: apt-get install python3-venv python3-dev)
	$(call need,$(PYTHON) -c 'import sys; sys.exit(sys.hexversion < 0x030b0000)',StateKeep needs Python 3.11 or newer; \
	$(PYTHON) is $$($(PYTHON) -V 2>&1). To choose another one: make PYTHON=python3.12 ...)
	$(call need,$(PYTHON) -c 'import ensurepip; import venv',$(PYTHON) cannot make environments. Debian: apt-get install python3-venv)
	$(call need,command -v $(CC),there is no C compiler $(CC). Debian: apt-get install gcc libc6-dev)
	$(call need,test -e $(PYTHON_H),Python.h of $(PYTHON) is not installed. Debian: apt-get install python3-dev)
	@echo "Making an environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(PRODUCT): $(VENV)/bin/python $(SOURCES)
	@echo "Compiling the evaluator and installing StateKeep with what it needs into $(VENV)"
	@$(PIP) install --editable '.[all]'
	@touch $@

$(TOOLS): $(PRODUCT)
	@echo "Installing the tools of development into $(VENV)"
	@$(PIP) install --upgrade 'pip>=25.1' # the first that knows dependency groups
	@$(PIP) install --group dev
	@touch $@
