"""`identity/`: which versions of the identity API there are, and where (`http-api.md` §7.1)."""

from typing import Any

from astakos.http.messages import Answer, Request
from astakos.http.serialization import to_json
from astakos.http.service import Service

VERSION = "v2.0"
UPDATED = "2014-04-17T00:00:00Z"
MEDIA_TYPES = [{"base": "application/json", "type": "application/vnd.openstack.identity-v2.0+json"}]
DESCRIPTION = {"rel": "describedby", "type": "text/html", "href": "https://docs.openstack.org/"}


async def versions(service: Service, _request: Request) -> Answer:
    """`GET identity/`: the one version there is."""
    return Answer(body=to_json({"versions": {"values": [_version(service.base_url)]}}))


async def version(service: Service, _request: Request) -> Answer:
    """`GET identity/v2.0`: the same in more detail."""
    document = _version(service.base_url)
    document["media_types"] = MEDIA_TYPES
    document["links"].append(DESCRIPTION)
    return Answer(body=to_json({"version": document}))


def _version(base_url: str) -> dict[str, Any]:
    return {
        "id": VERSION,
        "status": "CURRENT",
        "updated": UPDATED,
        "links": [{"rel": "self", "href": f"{base_url}/identity/{VERSION}/"}],
    }
