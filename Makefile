# Every target makes its own environment first, so each works in a fresh clone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# LiteLLM's proxy has an environment of its own: it pins what it needs.
LITELLM := .venv-litellm
LITELLM_READY := $(LITELLM)/.ready

.PHONY: demo test test-browser browser deploy-tools test-litellm coverage lint style types format bench proof-gateway serve clean

demo: $(READY)
	@$(BIN)/astakos demo

# Tests start hundreds of processes; without byte code, each would compile all of the service.
test: export PYTHONDONTWRITEBYTECODE :=
# Types are checked meanwhile: tests wait for much, and use both processors only together with something else.
test: style
	@types=$$(mktemp); $(MAKE) --no-print-directory types >$$types 2>&1 & checking=$$!; \
	$(BIN)/pytest --numprocesses auto --dist worksteal; tested=$$?; \
	wait $$checking; checked=$$?; cat $$types; rm $$types; exit $$((tested || checked))

# The stories about pages in every kind of browser; make test runs each in one of them, where there is a browser.
test-browser: export PYTHONDONTWRITEBYTECODE :=
test-browser: $(READY) browser
	$(BIN)/pytest --numprocesses auto --dist worksteal -m browser --every-browser tests/pages

# Installs Debian's Chromium if there is none.
browser:
	@for name in chromium chromium-browser google-chrome; do command -v $$name && break; done >/dev/null || { \
		[ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null || { \
			echo "There is no Chromium. Install it, or run this as root where apt is."; exit 1; }; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
			chromium fonts-dejavu-core; }

# Installs what judges the files in deploy/ and is not a Python package: promtool, which comes with Prometheus, and
# systemd-analyze.
deploy-tools:
	@command -v promtool >/dev/null && command -v systemd-analyze >/dev/null || { \
		[ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null || { \
			echo "promtool or systemd-analyze is missing. Install them, or run this as root where apt is."; exit 1; }; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
			prometheus systemd; }

# Separate from test: what LiteLLM needs takes minutes to install.
test-litellm: export PYTHONDONTWRITEBYTECODE :=
test-litellm: $(READY) $(LITELLM_READY)
	$(BIN)/pytest tests/proxies/through_litellm.py

# Separate from test: on Python 3.11, measuring branches costs more than a third of additional CPU time.
# Without autoload, because our own pytest plugin would import the client before the measurement starts.
coverage: $(READY)
	$(BIN)/pytest --disable-plugin-autoload -p pytest_cov.plugin -p xdist.plugin -p _hypothesis_pytestplugin \
		--numprocesses auto --dist worksteal --cov

lint: style types

style: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(READY)
	$(BIN)/mypy
	$(BIN)/basedpyright --pythonpath $(BIN)/python

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY)
	$(BIN)/python -m benchmarks

proof-gateway: $(READY) $(LITELLM_READY)
	@$(BIN)/python -m examples.ai_gateway.proof
	@$(BIN)/python -m examples.ai_gateway.proof --through-litellm

serve: $(READY)
	$(BIN)/astakos serve

clean:
	rm -rf $(VENV) $(LITELLM) .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find src tests benchmarks tools -name __pycache__ -prune -exec rm -rf {} +

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; say which with: make PYTHON=python3.12 ..."; exit 1; }
	@echo "Making $(VENV) with what the project needs (the first time takes a minute) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

$(LITELLM_READY): $(READY) pyproject.toml tests/proxies/litellm_constraints.txt
	@echo "Making $(LITELLM) with LiteLLM's proxy (the first time takes two minutes) ..."
	@$(PYTHON) -m venv $(LITELLM)
	@$(LITELLM)/bin/python -m pip install --quiet --disable-pip-version-check \
		--constraint tests/proxies/litellm_constraints.txt --editable '.[litellm]'
	@touch $@
