"""What keys are limited to: which calls accept them, from where, and on behalf of which services."""

from astakos.directory.api_keys import (
    CALLS,
    TELLING_WHO,
    ApiKey,
    refuse_address,
    refuse_call,
    refuse_services,
)
from astakos.directory.eligibility import refuse_component
from astakos.directory.network_addresses import IPAddress
from astakos.directory.tokens import token_hash
from astakos.http.faults import NotForKey, Unauthorized
from astakos.http.forwarding import caller_address
from astakos.http.openapi.description import Parameter, as_text
from astakos.http.request import Request
from astakos.service.service import Service

SERVICE = Parameter(
    "Astakos-Service",
    "The name of the service that asks. Keys that are limited to services count only for these.",
    as_text,
    place="header",
)
NOT_FOR_KEYS = "This call does not accept keys. Use the user's token."
BY_INTROSPECTION = (
    "The key is limited to networks. A service must ask about it with POST oauth2/introspect, "
    "and tell the address of its caller."
)


async def require_call(service: Service, request: Request, key: ApiKey) -> None:
    """Requires that a key may make the call that carries it. Notes the use.

    Raises:
        Unauthorized: The key does not count: from here, or for who asks.
        NotForKey: The call does not accept keys, or not this one.
    """
    description = None if request.found is None else request.found.description_of(request.method)
    if description is None or description.name not in CALLS:
        raise NotForKey(NOT_FOR_KEYS)
    if description.name == TELLING_WHO:
        await require_asker(service, request, key)
        return
    refusal = refuse_call(key, description.name)
    if refusal is not None:
        raise NotForKey(refusal)
    require_address(key, caller_address(service.proxies, request))
    service.key_uses.note(key.prefix)


async def require_asker(service: Service, request: Request, key: ApiKey) -> None:
    """Requires that a key counts for the service that asks who holds it. Notes the use.

    Raises:
        Unauthorized: It does not count.
    """
    # The address is that of the service, and not of its caller, which may be anywhere.
    if key.networks is not None:
        raise Unauthorized(BY_INTROSPECTION)
    await require_service(service, request, key)
    service.key_uses.note(key.prefix)


async def require_service(service: Service, request: Request, key: ApiKey) -> None:
    """Requires that a key counts for the service that a request comes from.

    Raises:
        Unauthorized: It does not count.
    """
    if key.services is None:
        return
    refusal = refuse_services(key, await _services_that_ask(service, request))
    if refusal is not None:
        raise Unauthorized(refusal)


def require_address(key: ApiKey, address: IPAddress | None) -> None:
    """Requires that a key may be used from an address; None if it is unknown.

    Raises:
        Unauthorized: It may not.
    """
    refusal = refuse_address(key, address)
    if refusal is not None:
        raise Unauthorized(refusal)


async def _services_that_ask(service: Service, request: Request) -> frozenset[str] | None:
    """Returns the services of the component that a request authenticates, or the one that it names."""
    token = request.token
    component = await service.component_of_token(token_hash(token)) if token else None
    if component is not None and refuse_component(component, service.now()) is None:
        return await service.services_of(component)
    named = SERVICE.of(request)
    return frozenset({named}) if named else None
