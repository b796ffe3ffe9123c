"""Applies the state documents that commands build; their users have not seen them."""

from astakos import clock
from astakos.administration.document_places import PlacedError
from astakos.administration.state_document import StateDocument, StateError
from astakos.storage.protocol import Database


def apply(database: Database, document: StateDocument) -> None:
    """Applies a document in one transaction.

    Raises:
        StateError: it contains an error; the message does not say where, because the user wrote options.
    """
    # Half as long again: commands that only show something start without it.
    from astakos.administration.load import load  # noqa: PLC0415

    try:
        load(database, document, clock.now())
    except PlacedError as error:
        raise StateError(error.words) from error
