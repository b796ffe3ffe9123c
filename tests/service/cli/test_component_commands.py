import pytest

from astakos.storage.protocol import Database
from service.caller import COMMISSIONS, TOKENS, Caller
from service.command import astakos, refused
from service.world import COMPUTE_TOKEN, STORAGE_TOKEN

pytestmark = pytest.mark.every_engine


def test_a_component_that_is_added_can_call_at_once(database: Database) -> None:
    options = ("--url", "https://gpu.example.org/v1/", "--type", "accelerator", "--version", "v1")
    added = astakos(
        database, "component", "add", "gpu", *options, "--ui-url", "https://gpu.example.org", "--json"
    )
    assert (added.status, added.errors) == (0, "")
    assert added.document.keys() == {"name", "token"}
    token = added.document["token"]
    assert token not in astakos(database, "dump").output
    listed = astakos(database, "component", "list", "--json").document
    assert listed[-1]["name"] == "gpu"
    assert (listed[-1]["services"], listed[-1]["ui_url"]) == (["gpu"], "https://gpu.example.org")
    (service,) = (s for s in astakos(database, "dump").document["services"] if s["name"] == "gpu")
    assert service == {
        "name": "gpu",
        "type": "accelerator",
        "component": "gpu",
        "endpoints": [{"versionId": "v1", "publicURL": "https://gpu.example.org/v1"}],
    }


def test_without_a_url_its_service_has_no_endpoint(new: Database) -> None:
    text = astakos(new, "component", "add", "gpu").output
    assert text.splitlines()[0].split() == ["name", "gpu"]
    (service,) = astakos(new, "dump").document["services"]
    assert service == {"name": "gpu", "type": "gpu", "component": "gpu"}


@pytest.mark.parametrize("option", ["--url", "--ui-url"])
@pytest.mark.parametrize(
    "url", ["gpu.example.org", "ftp://gpu.example.org", "https://", "https://größe.example"]
)
def test_a_url_that_nobody_could_call_is_a_wrong_use(database: Database, option: str, url: str) -> None:
    done = astakos(database, "component", "add", "gpu", option, url)
    assert (done.status, done.output) == (2, "")
    assert "is not a URL like https://" in done.errors


def test_a_name_that_is_taken_or_empty_is_refused(database: Database) -> None:
    assert "already exists" in refused(database, "component", "add", "compute")
    assert "must not be empty" in refused(database, "component", "add", " ")
    assert "'we ird' is not a valid name" in refused(database, "component", "add", "we ird")
    line = refused(database, "component", "add", "compute_api")
    assert "the service 'compute_api' already belongs to the component 'compute'" in line


def test_all_components_are_listed_without_tokens(database: Database) -> None:
    listed = astakos(database, "component", "list", "--json").document
    assert [component["name"] for component in listed] == ["compute", "storage", "retired", "astakos"]
    table = astakos(database, "component", "list").output
    for text in (
        "compute_api",
        "astakos_account, astakos_identity, astakos_weblogin, astakos_oauth2",
        "https://storage.example.org/ui",
    ):
        assert text in table
    assert COMPUTE_TOKEN not in table


def test_a_new_token_counts_at_once(database: Database, service: Caller) -> None:
    given = astakos(database, "component", "token", "storage", "--json").document
    assert service.get(COMMISSIONS, given["token"]).status == 200
    assert service.get(COMMISSIONS, STORAGE_TOKEN).status == 401
    assert service.get(COMMISSIONS, COMPUTE_TOKEN).status == 200
    assert service("POST", TOKENS).status == 200


def test_a_component_that_is_not_there_is_named(database: Database) -> None:
    assert refused(database, "component", "token", "nobody") == "there is no component 'nobody'"


def test_a_token_alone_is_printed_for_a_variable_of_the_shell(database: Database, service: Caller) -> None:
    for arguments in (("add", "gpu"), ("token", "gpu")):
        done = astakos(database, "component", *arguments, "--token-only")
        assert (done.status, done.errors) == (0, "")
        (token,) = done.output.splitlines()
        assert service.get(COMMISSIONS, token).status == 200
