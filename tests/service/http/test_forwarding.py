import logging

import pytest

from astakos.directory.trusted_proxies import TrustedProxies
from astakos.storage.protocol import Database
from service.installation import running

FORWARDED = {"X-Forwarded-For": "198.51.100.1"}


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


@pytest.mark.parametrize("name", ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Protocol"])
def test_headers_from_elsewhere_are_warned_about_once(
    database: Database, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    with running(database, proxies=TrustedProxies(["10.0.0.0/8"])) as caller:
        for _ in range(3):
            assert caller("GET", "/healthz", headers={name: "https"}).status == 200
    (warning,) = warnings(caplog)
    assert "127.0.0.1, which is not a trusted proxy" in warning
    assert "--trusted-proxy 127.0.0.1" in warning


def test_headers_of_a_trusted_proxy_are_no_reason_to_warn(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with running(database) as caller:
        for _ in range(2):
            assert caller("GET", "/healthz", headers=FORWARDED).status == 200
        assert caller("GET", "/healthz").status == 200
    assert warnings(caplog) == []
