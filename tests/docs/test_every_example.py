"""Each page with examples has them run, or is listed here with the reason why not.

What `console` blocks of the others name is still checked, by `test_commands.py`.
"""

import re
from fnmatch import fnmatchcase
from pathlib import Path

from docs.shown_commands import PAGES, ROOT
from docs.test_consoles import GUIDE
from docs.test_guide import PAGES as RUN_AS_GUIDES

PYTHON = re.compile(r"^ *```python$", re.MULTILINE)
CONSOLE = re.compile(r"^ *```console$", re.MULTILINE)
PYTHON_RUN_ELSEWHERE = {"docs/keys.md", "docs/openstack.md"}
"""By `test_keys.py` and `test_openstack.py`."""
CONSOLES_RUN_ELSEWHERE = "docs/runbooks/*.md"
"""By `test_runbooks.py`."""

PYTHON_NOT_RUN = {
    "docs/login.md": "it needs a code that a user's consent in a browser gives; test_login.py goes that way",
    "docs/tls.md": "a certificate of the reader's; tests/client/http1/sync/test_tls.py has one",
}
CONSOLES_NOT_RUN = {
    "CONTRIBUTING.md": "the commands of development run all tests",
    "README.md": "`make demo` and `make test`, which are for a clone; a service that does not end",
    "benchmarks/README.md": "measurements take minutes, and figures are of one machine",
    "docs/administration.md": "users of the reader's; the tests of the commands run each",
    "docs/audit.md": "files at a place of the reader's choice",
    "docs/backup.md": "units of systemd, and servers of PostgreSQL; test_backup_command.py runs the same",
    "docs/compatibility.md": "one setting, which belongs to an installation of the original's age",
    "docs/guide/assistants.md": "servers that do not end, and an assistant",
    "docs/guide/gateways.md": "servers that do not end, and LiteLLM; examples.ai_gateway.proof runs the same",
    "docs/guide/money.md": "one refusal, which tests/service/cli has",
    "docs/guide/services.md": "a service of somebody else's",
    "docs/guide/testing.md": "an installation by pip",
    "docs/guide/tracing.md": "a service that does not end, and a collector of traces",
    "docs/high-availability.md": "a cluster of several machines",
    "docs/keys.md": "requests with secrets that are shown once",
    "docs/ledger.md": "requests to a service with tokens; the tests of the API make them",
    "docs/login.md": "requests with codes and secrets that are shown once",
    "docs/monitoring.md": "an installation of the reader's, and a Prometheus; tests/deploy has both",
    "docs/notices.md": "mail servers and receivers of webhooks",
    "docs/operations.md": "containers, systemd and servers of PostgreSQL",
    "docs/postgresql.md": "a pair of servers of PostgreSQL",
    "docs/projects.md": "requests to a service with tokens; tests/simulation/projects makes them",
    "docs/reference/safe-retries.md": "requests to a service with tokens; test_making.py makes them",
    "docs/releasing.md": "a release, which cannot be taken back",
    "docs/state.md": "two databases, one of them on a server",
    "docs/tls.md": "an nginx with a certificate; test_nginx.py runs its lines",
    "docs/tutorial.md": "a service that does not end; its other blocks run",
    "docs/upgrades.md": "two versions of the service",
    "examples/README.md": "servers that do not end",
    "examples/ai_gateway/README.md": "servers that do not end; tests/examples runs the gateway",
}


def pages_with(block: re.Pattern[str]) -> set[str]:
    return {str(page.relative_to(ROOT)) for page in PAGES if block.search(page.read_text(encoding="utf-8"))}


def names(pages: list[Path]) -> set[str]:
    return {str(page.relative_to(ROOT)) for page in pages}


def test_each_page_with_python_is_run() -> None:
    run = names(RUN_AS_GUIDES) | PYTHON_RUN_ELSEWHERE
    assert pages_with(PYTHON) - run == PYTHON_NOT_RUN.keys()


def test_each_page_with_a_console_is_run_or_says_why_not() -> None:
    others = pages_with(CONSOLE) - names([GUIDE]) - CONSOLES_NOT_RUN.keys()
    assert not {page for page in others if not fnmatchcase(page, CONSOLES_RUN_ELSEWHERE)}
