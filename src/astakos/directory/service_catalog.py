"""The public views of the registry: the service catalog and the menu (`http-api.md` §7.2, §10)."""

from collections.abc import Iterable, Mapping
from typing import Any

from astakos.directory.entities import Component, Service

REGION = "default"
WEBLOGIN_SERVICE = "astakos_weblogin"
OWN_COMPONENT = "astakos"
OWN_SERVICES = (
    ("astakos_account", "account", "account", "v1.0"),
    ("astakos_identity", "identity", "identity", "v2.0"),
    ("astakos_weblogin", "astakos_weblogin", "weblogin", ""),
    ("astakos_oauth2", "astakos_auth", "oauth2", ""),
)
"""Name, type, prefix, and version of this program's own services."""


def service_catalog(services: Iterable[Service]) -> list[dict[str, Any]]:
    """Returns the service catalog: all registered services, the same for every caller."""
    return [
        {
            "name": service.name,
            "type": service.type,
            "endpoints_links": [],
            "endpoints": [_endpoint(service, endpoint) for endpoint in service.endpoints],
        }
        for service in services
    ]


def _endpoint(service: Service, stored: Mapping[str, str]) -> dict[str, Any]:
    endpoint: dict[str, Any] = {**stored, "SNF:uiURL": service.component.ui_url, "region": REGION}
    if service.name == WEBLOGIN_SERVICE:
        endpoint["SNF:webloginURL"] = stored.get("publicURL")
    return endpoint


def own_endpoint(base_url: str, prefix: str, version: str) -> dict[str, str]:
    """Returns the endpoint of one of this program's own services."""
    public_url = "/".join(part for part in (base_url, prefix, version) if part)
    return {"versionId": version, "publicURL": public_url, "SNF:exposeVersion": "True"}


def menu(components: Iterable[Component]) -> list[dict[str, Any]]:
    """Returns the menu entries of the components, in menu order."""
    entries = [_menu_entry(component) for component in components]
    return sorted(entries, key=lambda entry: entry["order"])


def _menu_entry(component: Component) -> dict[str, Any]:
    title = component.name.title()
    defaults: dict[str, Any] = {
        "name": component.name,
        "url": component.ui_url,
        "order": 1000,
        "verbose_name": title,
        "cloudbar": {"show": True, "title": title},
        "dashboard": {"show": True, "order": 1000, "description": ""},
    }
    for key, value in component.menu.items():
        default = defaults.get(key)
        defaults[key] = (
            {**default, **value} if isinstance(default, dict) and isinstance(value, dict) else value
        )
    return defaults


def refuse_menu(entry: Mapping[str, Any]) -> str | None:
    """Returns why a component's menu entry is invalid; None if it is valid."""
    for key in ("name", "url", "verbose_name"):
        if not isinstance(entry.get(key, ""), str):
            return f"{key!r} must be a text"
    for part in (entry, entry.get("dashboard", {}), entry.get("cloudbar", {})):
        if not isinstance(part, dict):
            return "'dashboard' and 'cloudbar' must be objects"
        order = part.get("order", 0)
        if isinstance(order, bool) or not isinstance(order, int | float):
            return "'order' must be a number"
    return None
