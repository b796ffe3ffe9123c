"""Loads entries of `oauth2_clients` and `oauth2_tokens` of a state document."""

from typing import Any

from astakos.administration.document_places import Place
from astakos.administration.document_values import instant_at, secret_at, text_at, web_url_at
from astakos.administration.journal import Journal
from astakos.administration.state_document import OAuth2ClientEntry, OAuth2TokenEntry
from astakos.directory.oauth2_rules import refuse_registered_uri
from astakos.storage.protocol import Connection
from astakos.storage.tables import oauth2, users

SHOWN_DIGITS = 12
"""How much of the hash of a token tells it from others in the audit log."""


def load_client(connection: Connection, entry: OAuth2ClientEntry, place: Place, journal: Journal) -> None:
    """Creates an OAuth2 client, or changes it to match its entry."""
    text_at(entry.identifier, place / "identifier")
    web_url_at(entry.url, place / "url")
    for position, uri in enumerate(entry.redirect_urls):
        refusal = refuse_registered_uri(uri)
        if refusal:
            raise (place / f"redirect_urls[{position}]").error(refusal)
    secret = secret_at(entry.secret, entry.secret_hash, place)
    if secret is None and entry.type == "confidential":
        raise (place / "secret").error("a confidential client needs a secret")
    known = {client.identifier: client for client in oauth2.list_clients(connection)}.get(entry.identifier)
    client = oauth2.Client(
        entry.identifier, entry.name, secret, entry.type, entry.trusted, entry.url, entry.redirect_urls
    )
    oauth2.save_client(connection, client)
    before = None if known is None else _facts(known)
    journal.compare("oauth2_client", before, _facts(client), name=entry.identifier)
    if known is not None and known.secret_hash != secret:
        journal.note("oauth2_client.secret_changed", after={"oauth2_client": entry.identifier})


def load_access_token(
    connection: Connection, entry: OAuth2TokenEntry, place: Place, journal: Journal
) -> None:
    """Stores an access token of an OAuth2 client."""
    hashed = secret_at(entry.access_token, entry.token_hash, place)
    if hashed is None:
        raise (place / "access_token").error("the token is missing")
    if entry.client not in {client.identifier for client in oauth2.list_clients(connection)}:
        raise (place / "client").error(f"there is no OAuth2 client {entry.client!r}")
    if users.find_by_uuid(connection, entry.user) is None:
        raise (place / "user").error(f"there is no user {entry.user!r}")
    expires = instant_at(entry.expires, place / "expires")
    token = oauth2.AccessToken(hashed, entry.client, entry.user, entry.scope, expires)
    known = oauth2.find_token(connection, hashed)
    oauth2.save_token(connection, token)
    before = None if known is None else _facts_of_token(known)
    journal.compare(
        "oauth2_token", before, _facts_of_token(token), name=hashed.hex()[:SHOWN_DIGITS], subject=entry.user
    )


def _facts_of_token(token: oauth2.AccessToken) -> dict[str, Any]:
    return {"client": token.client, "scope": token.scope, "expires": token.expires}


def _facts(client: oauth2.Client) -> dict[str, Any]:
    return {
        "name": client.name,
        "type": client.type,
        "trusted": client.trusted,
        "url": client.url,
        "redirect_urls": list(client.redirect_urls),
    }
