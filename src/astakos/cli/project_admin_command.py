"""`astakos project admins`: the users who decide about all projects, over HTTP as well."""

import click

from astakos.administration.accounts import find_user
from astakos.administration.state_document import Settings, StateDocument
from astakos.cli.built_documents import apply
from astakos.cli.options import database_option, open_database
from astakos.cli.output import print_rows, table_options
from astakos.storage.tables import settings, users


@click.command()
@click.option("--add", "added", metavar="USER", multiple=True, help="Make this user one of them. Repeatable.")
@click.option(
    "--remove", "removed", metavar="USER", multiple=True, help="Make this user one no longer. Repeatable."
)
@database_option
@table_options
def admins(
    added: tuple[str, ...], removed: tuple[str, ...], database_url: str, as_json: bool, wide: bool
) -> None:
    """List the project administrators; add or remove some.

    They decide about all projects over HTTP, with their own tokens. So do administrators, whom `astakos user
    admins` lists.
    """
    database = open_database(database_url)
    reader = database.reader()
    uuids: list[str] = settings.find(reader, settings.PROJECT_ADMINS, [])
    more = [find_user(reader, name).uuid for name in added]
    less = {find_user(reader, name).uuid for name in removed}
    if more or less:
        uuids = [uuid for uuid in dict.fromkeys([*uuids, *more]) if uuid not in less]
        apply(database, StateDocument(settings=Settings(project_admins=uuids)))
    known = ((uuid, users.find_by_uuid(reader, uuid)) for uuid in uuids)
    rows = [{"email": user and user.email, "uuid": uuid} for uuid, user in known]
    print_rows(rows, ("email", "uuid"), as_json=as_json, wide=wide)
