"""What a worker learns of all processes, for the page that shows how the service does."""

import pytest

from astakos.storage.protocol import Database
from service.browser import Browser
from service.command import astakos, serving
from service.world import ALICE, COMPUTE_TOKEN, PASSWORD, member_key, project_key


@pytest.mark.every_engine
def test_a_page_shows_the_figures_of_all_processes(database: Database) -> None:
    astakos(database, "user", "grant-admin", ALICE.email)
    with serving(database, "--workers", "2") as served:
        for _ in range(3):
            served.caller.issued(COMPUTE_TOKEN, (member_key(ALICE), 1), (project_key(), 1))
        browser = Browser(served.caller)
        browser.log_in(ALICE.email, PASSWORD)
        page = browser.send("GET", f"{browser.base_url}/ui/admin/now").content.decode()
    text = " ".join(page.split())
    assert '<dt>Engine</dt><dd><span class="badge badge-good">works</span></dd>' in text
    assert '<dt>Workers</dt><dd><data value="2"' in text
    assert '<dt>Pending commissions</dt><dd><data value="3"' in text
    assert "since the service started" in text
