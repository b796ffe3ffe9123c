# Every target makes its own environment first, so each works in a fresh clone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# LiteLLM's proxy has an environment of its own: it pins what it needs.
LITELLM := .venv-litellm
LITELLM_READY := $(LITELLM)/.ready
# So does the documentation, so that the others need no Sphinx.
DOCS := .venv-docs
DOCS_READY := $(DOCS)/.ready
# So do the tools that make releases, and the tests with other versions of what the project depends on.
RELEASE := .venv-release
RELEASE_READY := $(RELEASE)/.ready
LOWEST := .venv-lowest
NEWEST := .venv-newest
# What depends on those versions, and on the version of Python: most of the client, and a path through all of the service.
QUICK := tests/client tests/service/assistant tests/service/cli/test_serve_command.py tests/service/directory \
	tests/service/http/account tests/service/http/openapi tests/service/ledger tests/service/metrics \
	tests/service/pages tests/service/storage

# So does Patroni, which the story of high availability runs.
PATRONI := .venv-patroni
PATRONI_READY := $(PATRONI)/.ready

.PHONY: demo test test-long test-browser browser deploy-tools test-litellm test-high-availability test-containers test-packages test-lowest test-newest coverage lint style types format docs bench proof-gateway release release-trial serve clean

demo: $(READY)
	@$(BIN)/astakos demo

# Tests start hundreds of processes; without byte code, each would compile all of the service.
test: export PYTHONDONTWRITEBYTECODE :=
# Types are checked meanwhile: tests wait for much, and use both processors only together with something else.
test: style
	@types=$$(mktemp); $(MAKE) --no-print-directory types >$$types 2>&1 & checking=$$!; \
	$(BIN)/pytest --short --numprocesses auto --dist worksteal; tested=$$?; \
	wait $$checking; checked=$$?; cat $$types; rm $$types; exit $$((tested || checked))

# All tests in full: make test leaves out what is a longer run of the same. Stories about pages need a browser.
test-long: export PYTHONDONTWRITEBYTECODE :=
test-long: $(READY)
	$(BIN)/pytest --numprocesses auto --dist worksteal --every-browser

# The stories about pages in every kind of browser; make test runs some of them in one, where there is a browser.
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

# Installs what judges the files in deploy/ and the configurations in docs/, and is not a Python package: promtool and
# amtool, which come with Prometheus and Alertmanager, systemd-analyze, nginx and HAProxy.
deploy-tools:
	@(for name in promtool amtool systemd-analyze nginx haproxy; do \
		PATH="$$PATH:/usr/sbin" command -v $$name || exit 1; done) >/dev/null || { \
		[ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null || { \
			echo "promtool, amtool, systemd-analyze, nginx or haproxy is missing."; \
			echo "Install them, or run this as root where apt is."; exit 1; }; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
			prometheus prometheus-alertmanager systemd nginx-light haproxy; }

# Separate from test: what LiteLLM needs takes minutes to install.
test-litellm: export PYTHONDONTWRITEBYTECODE :=
test-litellm: $(READY) $(LITELLM_READY)
	$(BIN)/pytest tests/proxies/through_litellm.py

# Separate from test: installs what the service needs from the package index, as strangers do.
test-packages: $(READY)
	$(BIN)/pytest tests/packages/installing.py

# The lowest versions that pyproject.toml allows; what only the tests need is as new as goes with them.
test-lowest: export PYTHONDONTWRITEBYTECODE :=
test-lowest: $(RELEASE_READY)
	@rm -rf $(LOWEST)
	@$(RELEASE)/bin/uv venv --quiet --python $(PYTHON) $(LOWEST)
	@$(RELEASE)/bin/uv pip compile --quiet --python $(LOWEST)/bin/python --resolution lowest-direct --no-annotate \
		--extra cli --extra httpx2 --extra mcp --extra opentelemetry --extra server \
		--output-file $(LOWEST)/lowest.txt pyproject.toml
	@$(RELEASE)/bin/uv pip install --quiet --python $(LOWEST)/bin/python --constraint $(LOWEST)/lowest.txt --editable '.[dev]'
	$(LOWEST)/bin/pytest --numprocesses auto --dist worksteal $(QUICK)

# The newest versions that there are, whatever constraints.txt pins.
test-newest: export PYTHONDONTWRITEBYTECODE :=
test-newest: $(RELEASE_READY)
	@rm -rf $(NEWEST)
	@$(RELEASE)/bin/uv venv --quiet --python $(PYTHON) $(NEWEST)
	@$(RELEASE)/bin/uv pip install --quiet --python $(NEWEST)/bin/python --editable '.[dev]'
	$(NEWEST)/bin/pytest --numprocesses auto --dist worksteal $(QUICK)

# Separate from test: as root, it makes hosts out of network namespaces, and loses each part under load: ten minutes.
# What is not there is installed from Debian.
test-high-availability: export PYTHONDONTWRITEBYTECODE :=
test-high-availability: $(READY) $(PATRONI_READY)
	@(for name in etcd etcdctl pgbouncer haproxy ip iptables unshare setpriv; do command -v $$name || exit 1; done) \
		>/dev/null || { \
		[ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null || { \
			echo "Install etcd, PgBouncer, HAProxy and iptables, or run this as root where apt is."; exit 1; }; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
			etcd-server etcd-client pgbouncer haproxy iproute2 iptables util-linux; }
	PYTHONPATH=src:tests:. timeout 900 $(BIN)/python -m high_availability --patroni $(PATRONI)/bin/patroni

# Separate from test: as root, it builds the image and runs it in containers: three minutes. What is not there is
# installed from Debian. Where the registry of the base image cannot be reached: make test-containers STORY=--stand-in
test-containers: export PYTHONDONTWRITEBYTECODE :=
test-containers: $(READY)
	@(for name in podman crun conmon mmdebstrap ip iptables unshare; do command -v $$name || exit 1; done) >/dev/null || { \
		[ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null || { \
			echo "Install Podman, crun, mmdebstrap and iptables, or run this as root where apt is."; exit 1; }; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
			podman crun conmon mmdebstrap iproute2 iptables util-linux; }
	PYTHONPATH=src:tests:. timeout 1800 $(BIN)/python -m containers $(STORY)

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

# One site from docs/, into build/docs/html; whatever is wrong with it is an error.
docs: $(DOCS_READY)
	@$(DOCS)/bin/python -m tools.documentation

bench: $(READY)
	$(BIN)/python -m benchmarks

proof-gateway: $(READY) $(LITELLM_READY)
	@$(BIN)/python -m examples.ai_gateway.proof
	@$(BIN)/python -m examples.ai_gateway.proof --through-litellm

# Into dist/; docs/releasing.md says what comes before and after.
release: $(RELEASE_READY)
	@$(RELEASE)/bin/python tools/make_release.py $(RELEASE_OPTIONS)

# The same of whatever is here, to see whether a release could be made.
release-trial: $(RELEASE_READY)
	@$(RELEASE)/bin/python tools/make_release.py --trial

serve: $(READY)
	$(BIN)/astakos serve

clean:
	rm -rf $(VENV) $(LITELLM) $(DOCS) build $(PATRONI) $(RELEASE) $(LOWEST) $(NEWEST) dist .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find src tests benchmarks tools -name __pycache__ -prune -exec rm -rf {} +

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; say which with: make PYTHON=python3.12 ..."; exit 1; }
	@echo "Making $(VENV) with what the project needs (the first time takes a minute) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

$(DOCS_READY): pyproject.toml constraints.txt docs/constraints.txt
	@echo "Making $(DOCS) with what builds the documentation (the first time takes a minute) ..."
	@$(PYTHON) -m venv $(DOCS)
	@$(DOCS)/bin/python -m pip install --quiet --disable-pip-version-check \
		--constraint constraints.txt --constraint docs/constraints.txt --editable '.[docs]'
	@touch $@

$(LITELLM_READY): $(READY) pyproject.toml tests/proxies/litellm_constraints.txt
	@echo "Making $(LITELLM) with LiteLLM's proxy (the first time takes two minutes) ..."
	@$(PYTHON) -m venv $(LITELLM)
	@$(LITELLM)/bin/python -m pip install --quiet --disable-pip-version-check \
		--constraint tests/proxies/litellm_constraints.txt --editable '.[litellm]'
	@touch $@

$(RELEASE_READY): tools/release_requirements.txt
	@echo "Making $(RELEASE) with the tools that make releases ..."
	@$(PYTHON) -m venv $(RELEASE)
	@$(RELEASE)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

$(PATRONI_READY): tests/high_availability/patroni_constraints.txt
	@echo "Making $(PATRONI) with Patroni ..."
	@$(PYTHON) -m venv $(PATRONI)
	@$(PATRONI)/bin/python -m pip install --quiet --disable-pip-version-check \
		--constraint tests/high_availability/patroni_constraints.txt 'patroni[etcd3,psycopg3]' 'psycopg[binary]'
	@touch $@
