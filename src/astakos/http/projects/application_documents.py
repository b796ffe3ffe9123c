"""What is answered about an application: its number, and what is probably not meant."""

from collections.abc import Mapping

from astakos.administration.project_changes import Submitted
from astakos.administration.unusable_meters import find_unusable_meters
from astakos.ledger.rules import UNLIMITED
from astakos.projects.project import Capacity
from astakos.storage.protocol import Connection
from astakosclient.answer_types import ProjectApplication


def application_document(
    connection: Connection, submitted: Submitted, asked: Mapping[str, Capacity]
) -> ProjectApplication:
    """Returns the document about an application that was submitted in the same transaction.

    Args:
        connection: Where to read.
        submitted: The application.
        asked: The limits that it asks for.
    """
    document: ProjectApplication = {"id": submitted.project, "application": submitted.application}
    warnings = [
        f"In this project, {one.fault}: set project_capacity and member_capacity of {one.base}, too; "
        f"{UNLIMITED} is unlimited."
        for one in find_unusable_meters(connection, submitted.project, asked)
    ]
    if warnings:
        document["warnings"] = warnings
    return document
