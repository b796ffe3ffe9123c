"""`GET account/v1.0/keys/<prefix>/quotas`: what a key may use, and what it has used (`docs/keys.md`)."""

from astakos.clock import to_iso
from astakos.directory.api_keys import ApiKey, prefix_of
from astakos.directory.entities import User
from astakos.http.faults import ItemNotFound
from astakos.http.openapi.description import Reply, described
from astakos.http.request import Answer, Request
from astakos.http.serialization import to_json
from astakos.ledger.rules import UNLIMITED
from astakos.service.service import Service
from astakos.storage.protocol import Connection
from astakos.storage.tables import api_keys, key_holdings
from astakos.storage.tables.key_holdings import KeyQuota
from astakosclient import answer_types


@described("quotas.key_quotas", answers={200: Reply(answer_types.KeyQuotas)}, faults=[ItemNotFound])
async def key_quotas(service: Service, request: Request, user: User) -> Answer:
    """Lists what one of the caller's keys may use and uses, of the resources for which it has had limits.

    The key of a project can only ask about itself.
    """
    prefix, now = prefix_of(request.parameter), service.now()

    def read(connection: Connection) -> bytes:
        key = find_own_key(connection, user, prefix)
        found = key_holdings.quotas_of(connection, user.uuid, key.prefix, now)
        return to_json({quota.resource: _document(quota) for quota in found})

    return Answer(body=await service.read(read))


def find_own_key(connection: Connection, user: User, prefix: str | None) -> ApiKey:
    """Finds a key of the caller. The key of a project can only ask about itself.

    Raises:
        ItemNotFound: there is no such key, or it is not for the caller to see.
    """
    asks_for_another = user.key is not None and user.key.project and user.key.prefix != prefix
    owned = None if prefix is None or asks_for_another else api_keys.find(connection, prefix)
    if owned is None or owned.user != user.uuid:
        raise ItemNotFound("There is no such key.")
    return owned.key


def _document(quota: KeyQuota) -> answer_types.KeyQuota:
    holding, period = quota.holding, quota.period
    document: answer_types.KeyQuota = {
        "limit": None if holding.limit == UNLIMITED else holding.limit,
        "usage": holding.usage_max,
        "pending": holding.pending,
    }
    if period is not None:
        document["period"] = period.words
        document["resets"] = None if period.resets is None else to_iso(period.resets)
    return document
