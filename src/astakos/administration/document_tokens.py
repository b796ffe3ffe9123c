"""Reads the token that an entry of a state document describes."""

from astakos.administration.document_places import Place
from astakos.administration.state_document import ComponentEntry, UserEntry


def token_at(
    declared: bytes | None, held: bytes | None, entry: ComponentEntry | UserEntry, place: Place
) -> bytes | None:
    """Returns the hash of the token that an entry describes; None if it leaves the token as it is."""
    if declared is not None:
        return declared
    for key in ("token_created", "token_expires"):
        if getattr(entry, key) is not None:
            if held is None:
                raise (place / key).error("there is no token yet; give `token` or `token_hash` as well")
            return held
    return None
