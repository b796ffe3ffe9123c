import pytest

from astakos.administration.accounts import find_user
from astakos.administration.client_access import end_client_access
from astakos.administration.state_document import StateError
from astakos.events.event import OPERATOR
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import oauth2, sessions
from astakos.storage.tables.oauth2 import AccessToken, Client
from service.installation import last_event
from service.world import ALICE, BOB, LOADED

pytestmark = pytest.mark.every_engine
CLIENTS = ("drive", "notes")


def test_a_client_acts_for_a_user_until_it_expires_or_is_revoked(database: Database) -> None:
    def issue(connection: Connection) -> None:
        alice = find_user(connection, ALICE.uuid).id
        sessions.begin(connection, alice, b"secret", b"token", LOADED, LOADED + 100)
        (session,) = sessions.list_of_user(connection, alice, LOADED)
        for number, name in enumerate(CLIENTS):
            oauth2.save_client(connection, Client(name, name.title(), None, "public", False, None, []))
            for user in (ALICE.uuid, BOB.uuid):
                for expires in (LOADED, LOADED + 5):
                    hashed = f"{name} {user} {expires}".encode()
                    within = session.id if (name, user) == ("notes", ALICE.uuid) else None
                    token = AccessToken(hashed, name, user, "x", expires + number, within)
                    oauth2.save_token(connection, token)

    def acting(user: str, now: int) -> list[tuple[str, int]]:
        return database.read(
            lambda connection: [
                (one.name, one.expires)
                for one in oauth2.list_acting_for(connection, find_user(connection, user).id, now)
                if one.identifier in CLIENTS
            ]
        )

    def revoke(client: str) -> None:
        database.change(
            lambda connection: end_client_access(
                connection, OPERATOR, find_user(connection, ALICE.uuid), client, LOADED
            )
        )

    database.change(issue)
    assert acting(ALICE.uuid, LOADED) == [("Drive", LOADED + 5), ("Notes", LOADED + 6)]
    assert acting(ALICE.uuid, LOADED + 6) == [("Notes", LOADED + 6)]
    revoke("drive")
    assert last_event(database)[2] == "oauth2_token.revoked"
    assert acting(ALICE.uuid, LOADED) == [("Notes", LOADED + 6)]
    assert len(acting(BOB.uuid, LOADED)) == 2
    for client in ("drive", "nobody", "\0"):
        with pytest.raises(StateError):
            revoke(client)
