"""`identity/`: the versions of the identity API (`http-api.md` §7.1)."""

from typing import Any, NotRequired, TypedDict

from astakos.http.media_types import JSON_TYPE
from astakos.http.openapi.description import Reply, described
from astakos.http.request import Answer, Request
from astakos.http.serialization import to_json
from astakos.service.service import Service

VERSION = "v2.0"
UPDATED = "2014-04-17T00:00:00Z"
MEDIA_TYPES = [{"base": JSON_TYPE, "type": "application/vnd.openstack.identity-v2.0+json"}]
MEDIA_TYPES_3 = [{"base": JSON_TYPE, "type": "application/vnd.openstack.identity-v3+json"}]
DESCRIPTION = {"rel": "describedby", "type": "text/html", "href": "https://docs.openstack.org/"}


class Version(TypedDict):
    """A version of the identity API, with its links."""

    id: str
    status: str
    updated: str
    links: list[dict[str, str]]
    media_types: NotRequired[list[dict[str, str]]]


class VersionAnswer(TypedDict):
    """A version of the identity API."""

    version: Version


class VersionValues(TypedDict):
    """A list of versions."""

    values: list[Version]


class VersionsAnswer(TypedDict):
    """All versions of the identity API."""

    versions: VersionValues


@described("versions.versions", answers={200: Reply(VersionsAnswer)})
async def versions(service: Service, _request: Request) -> Answer:
    """Lists the versions of the identity API."""
    values = [_version(service.base_url), _version_3(service.base_url)]
    return Answer(body=to_json({"versions": {"values": values}}))


@described("versions.version", answers={200: Reply(VersionAnswer)})
async def version(service: Service, _request: Request) -> Answer:
    """Describes version 2.0 of the identity API."""
    document = _version(service.base_url)
    document["media_types"] = MEDIA_TYPES
    document["links"].append(DESCRIPTION)
    return Answer(body=to_json({"version": document}))


@described("versions.version_3", answers={200: Reply(VersionAnswer, [JSON_TYPE])})
async def version_3(service: Service, _request: Request) -> Answer:
    """Describes version 3 of the identity API, which current OpenStack tools use."""
    document = _version_3(service.base_url)
    document["media_types"] = MEDIA_TYPES_3
    return Answer(body=to_json({"version": document}), media_type=JSON_TYPE)


def _version(base_url: str) -> dict[str, Any]:
    return {
        "id": VERSION,
        "status": "CURRENT",
        "updated": UPDATED,
        "links": [{"rel": "self", "href": f"{base_url}/identity/{VERSION}/"}],
    }


def _version_3(base_url: str) -> dict[str, Any]:
    return {
        # A later version would promise more than this service implements.
        "id": "v3.0",
        "status": "stable",
        "updated": "2013-03-06T00:00:00Z",
        "links": [{"rel": "self", "href": f"{base_url}/identity/v3/"}],
    }
