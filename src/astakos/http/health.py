"""`GET healthz` and `GET readyz`: for those who start, watch and balance services, without a token."""

from astakos.http.messages import Answer, Request
from astakos.http.serialization import to_json
from astakos.http.service import Service

JSON_TYPE = "application/json; charset=UTF-8"


async def healthz(_service: Service, _request: Request) -> Answer:
    """The process answers; nothing else is looked at, or a database that fails would have it killed."""
    return Answer(body=to_json({"alive": True}), media_type=JSON_TYPE)


async def readyz(service: Service, _request: Request) -> Answer:
    """200 if calls can be answered now, else 503 with what is missing."""
    missing = await service.readiness.missing()
    if missing:
        return Answer(503, to_json({"ready": False, "missing": missing}), JSON_TYPE)
    return Answer(body=to_json({"ready": True}), media_type=JSON_TYPE)
