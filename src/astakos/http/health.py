"""`GET healthz` and `GET readyz`: health checks for supervisors and load balancers. They need no token."""

from typing import Literal, TypedDict

from astakos.http.faults import NOT_CARRIED_OUT, OUTCOME_HEADER
from astakos.http.media_types import JSON_TYPE, JSON_UTF8
from astakos.http.openapi.description import Reply, described
from astakos.http.request import Answer, Request
from astakos.http.serialization import to_json
from astakos.service.service import Service


class Alive(TypedDict):
    """The process is alive."""

    alive: Literal[True]


class Ready(TypedDict):
    """The service can handle calls."""

    ready: Literal[True]


class NotReady(TypedDict):
    """The service cannot handle calls now. `missing` says why."""

    ready: Literal[False]
    missing: list[str]


@described("health.healthz", answers={200: Reply(Alive, [JSON_TYPE])})
async def healthz(_service: Service, _request: Request) -> Answer:
    """Checks that the process is alive.

    Does not check the database: an orchestrator must not restart the service because its database is down.
    """
    return Answer(body=to_json({"alive": True}), media_type=JSON_UTF8)


@described(
    "health.readyz",
    answers={200: Reply(Ready, [JSON_TYPE]), 503: Reply(NotReady, [JSON_TYPE], headers=[OUTCOME_HEADER])},
)
async def readyz(service: Service, _request: Request) -> Answer:
    """Checks that the service can handle calls. Returns 503 with the reasons if it cannot."""
    missing = await service.readiness.missing()
    if missing:
        return Answer(503, to_json({"ready": False, "missing": missing}), JSON_UTF8, NOT_CARRIED_OUT)
    return Answer(body=to_json({"ready": True}), media_type=JSON_UTF8)
