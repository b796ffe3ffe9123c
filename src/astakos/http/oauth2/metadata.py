"""`.well-known/oauth-authorization-server`: what an OAuth2 client can know in advance (RFC 8414)."""

from typing import TypedDict

from astakos.http.media_types import JSON_TYPE
from astakos.http.oauth2.client_credentials import as_json
from astakos.http.openapi.description import Reply, described
from astakos.http.request import Answer, Request
from astakos.service.service import Service

BASIC, NONE = "client_secret_basic", "none"


class AuthorizationServer(TypedDict):
    """The service as an authorization server."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    introspection_endpoint: str
    revocation_endpoint: str
    response_types_supported: list[str]
    response_modes_supported: list[str]
    grant_types_supported: list[str]
    code_challenge_methods_supported: list[str]
    token_endpoint_auth_methods_supported: list[str]
    introspection_endpoint_auth_methods_supported: list[str]
    revocation_endpoint_auth_methods_supported: list[str]
    authorization_response_iss_parameter_supported: bool
    service_documentation: str


@described("oauth2_metadata.metadata", answers={200: Reply(AuthorizationServer, [JSON_TYPE])})
async def metadata(service: Service, _request: Request) -> Answer:
    """Describes the OAuth2 calls (RFC 8414).

    If the base URL has a path, the standard has this at the root of the host, with the path at the end:
    `/.well-known/oauth-authorization-server/<path>`. The service answers there as well.
    """
    base = service.base_url
    document: AuthorizationServer = {
        "issuer": base,
        "authorization_endpoint": f"{base}/oauth2/auth",
        "token_endpoint": f"{base}/oauth2/token",
        "introspection_endpoint": f"{base}/oauth2/introspect",
        "revocation_endpoint": f"{base}/oauth2/revoke",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": [BASIC, NONE],
        "introspection_endpoint_auth_methods_supported": [BASIC],
        "revocation_endpoint_auth_methods_supported": [BASIC, NONE],
        "authorization_response_iss_parameter_supported": True,
        "service_documentation": f"{base}/docs",
    }
    return as_json(document)
