"""`GET account/v1.0/resources`: the registered resources (`http-api.md` §8.4)."""

from astakos.http.openapi.description import Reply, described
from astakos.http.request import Answer, Request
from astakos.http.serialization import to_json
from astakos.service.service import Service
from astakosclient.answer_types import Resource


@described("account.resources", answers={200: Reply(dict[str, Resource])})
async def resources(service: Service, request: Request) -> Answer:
    """Lists the resources that quotas limit."""
    return Answer(body=to_json(request.dialect.resources(await service.resources())))
