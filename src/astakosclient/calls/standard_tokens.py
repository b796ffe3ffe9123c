"""Builds the calls about tokens that are standards: introspection (RFC 7662) and revocation (RFC 7009)."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, NamedTuple

from astakosclient.calls import answers, faults
from astakosclient.calls.call import FORM, Call, form, given, text
from astakosclient.errors import BadValue

if TYPE_CHECKING:
    from astakosclient.answer_types import Introspection

INTROSPECT = "oauth2/introspect"
REVOKE = "oauth2/revoke"


class ClientCredentials(NamedTuple):
    """The identifier and the secret of an OAuth2 client; None for the secret of a public client."""

    identifier: str
    secret: str | None

    def __repr__(self) -> str:
        """Returns the class and the identifier, without the secret."""
        return f"<ClientCredentials of {self.identifier}>"

    @property
    def encoded(self) -> str:
        """The credentials of the scheme Basic.

        Raises:
            BadValue: one of them cannot be encoded.
        """
        credentials = f"{given('client_id', self.identifier)}:{given('client_secret', self.secret)}"
        try:
            return base64.b64encode(credentials.encode()).decode("ascii")
        except UnicodeEncodeError:
            raise BadValue("client_id or client_secret is not valid text") from None


def introspect_token(
    token: str | None, subject: str, address: str | None, client: ClientCredentials | None = None
) -> Call[Introspection]:
    """Builds the call that tells a component or an OAuth2 client whose a token is, if it is valid."""
    fields = {"token": text("subject", subject)}
    if address is not None:
        fields["address"] = text("address", address)
    encoded = "" if client is None else client.encoded
    return Call(
        name="introspect_token",
        method="POST",
        path=INTROSPECT,
        token=token if client is None else None,
        headers=_authorization(encoded),
        body=form(fields),
        content_type=FORM,
        secrets=_secrets(subject, client, encoded),
        read=answers.mapping,
        explain=faults.explain_oauth2,
    )


def revoke_token(token: str | None, subject: str, client: ClientCredentials | None = None) -> Call[None]:
    """Builds the call that ends a token of a user, or of an OAuth2 client."""
    fields = {"token": text("subject", subject)}
    encoded = ""
    if client is not None:
        if client.secret is None:
            fields["client_id"] = text("client_id", client.identifier)
        else:
            encoded = client.encoded
    return Call(
        name="revoke_token",
        method="POST",
        path=REVOKE,
        token=token if client is None else None,
        headers=_authorization(encoded),
        body=form(fields),
        content_type=FORM,
        secrets=_secrets(subject, client, encoded),
        read=answers.nothing,
        explain=faults.explain_oauth2,
    )


def _authorization(encoded: str) -> tuple[tuple[str, str], ...]:
    return (("Authorization", f"Basic {encoded}"),) if encoded else ()


def _secrets(subject: str, client: ClientCredentials | None, encoded: str) -> tuple[str, ...]:
    return (subject, encoded, (client.secret if client else None) or "")
