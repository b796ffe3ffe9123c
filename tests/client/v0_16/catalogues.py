"""Service catalogues as clients of the later generation get them."""

from __future__ import annotations

from typing import Any

ACCOUNT_URL = "https://accounts.example.org/astakos/account/v1.0"
UI_URL = "https://accounts.example.org/astakos/ui"
OAUTH2_URL = "https://accounts.example.org/astakos/oauth2"


def service(name: str, **endpoint: Any) -> dict[str, Any]:
    return {"name": name, "type": name, "endpoints_links": [], "endpoints": [endpoint]}


def catalogue(
    account: object = ACCOUNT_URL, ui: object = UI_URL, oauth2: object = OAUTH2_URL
) -> dict[str, Any]:
    """A catalogue that names these; None for what it does not name."""
    services = [service("compute_api", versionId="v1.0", publicURL="https://compute.example.org")]
    if account is not None:
        services.append(
            service("astakos_account", **{"versionId": "v1.0", "publicURL": account, "SNF:uiURL": ui})
        )
    if oauth2 is not None:
        services.append(service("astakos_oauth2", versionId="", publicURL=oauth2))
    return {"access": {"serviceCatalog": services}}
