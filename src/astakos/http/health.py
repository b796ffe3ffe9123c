"""`GET healthz` and `GET readyz`: for those who start, watch and balance services, without a token."""

from typing import Literal, TypedDict

from astakos.http.media_types import JSON_TYPE, JSON_UTF8
from astakos.http.openapi.description import Reply, described
from astakos.http.request import Answer, Request
from astakos.http.serialization import to_json
from astakos.service.service import Service


class Alive(TypedDict):
    """The process answers."""

    alive: Literal[True]


class Ready(TypedDict):
    """Calls can be answered."""

    ready: Literal[True]


class NotReady(TypedDict):
    """Calls can not be answered now, for what is missing."""

    ready: Literal[False]
    missing: list[str]


@described("health.healthz", answers={200: Reply(Alive, [JSON_TYPE])})
async def healthz(_service: Service, _request: Request) -> Answer:
    """The process answers; nothing else is looked at, or a database that fails would have it killed."""
    return Answer(body=to_json({"alive": True}), media_type=JSON_UTF8)


@described("health.readyz", answers={200: Reply(Ready, [JSON_TYPE]), 503: Reply(NotReady, [JSON_TYPE])})
async def readyz(service: Service, _request: Request) -> Answer:
    """200 if calls can be answered now, else 503 with what is missing."""
    missing = await service.readiness.missing()
    if missing:
        return Answer(503, to_json({"ready": False, "missing": missing}), JSON_UTF8)
    return Answer(body=to_json({"ready": True}), media_type=JSON_UTF8)
