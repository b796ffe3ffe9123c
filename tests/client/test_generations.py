"""Which client the arguments of `AstakosClient` make."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from astakosclient import AstakosClient, DocumentedClient, Retry, errors
from astakosclient.v0_16.later_client import LaterClient

URL = "https://accounts.example.com"
TOKEN = "UQpYas7ElzWGD5yCcEXtjw"


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ((URL,), {}),
        ((), {"astakos_url": URL}),
        ((URL, 2), {}),
        ((URL, Retry(2), True, 4, logging.getLogger()), {}),
        ((URL,), {"retry": 2, "use_pool": True, "pool_size": 3, "logger": None}),
    ],
)
def test_a_url_makes_the_documented_client(arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
    client = AstakosClient(*arguments, **options)
    assert type(client) is DocumentedClient
    assert isinstance(client, AstakosClient)
    assert not hasattr(client, "authenticate")


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ((TOKEN, URL), {}),
        ((TOKEN,), {"auth_url": URL}),
        ((), {"token": TOKEN, "auth_url": URL}),
        ((TOKEN, URL, 2, True, 4, logging.getLogger(), {"X-A": "b"}), {}),
        ((TOKEN, URL), {"retry": 2, "use_pool": True, "pool_size": 3, "logger": None, "headers": {}}),
    ],
)
def test_a_token_and_a_url_make_the_later_client(arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
    client: Any = AstakosClient(*arguments, **options)
    assert type(client) is LaterClient
    assert isinstance(client, AstakosClient)
    assert client.token == TOKEN
    assert not hasattr(client, "get_user_info")


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ((), {}),
        ((None,), {}),
        ((None, URL), {}),
        ((TOKEN, None), {}),
        ((TOKEN, "not a url"), {}),
        ((), {"retry": 2}),
        ((TOKEN,), {"auth_url": None}),
        ((), {"astakos_url": URL, "token": TOKEN, "auth_url": URL}),
        ((URL,), {"token": TOKEN}),
        ((TOKEN, URL), {"auth_url": URL}),
        ((TOKEN, URL), {"token": TOKEN}),
        ((), {"token": TOKEN}),
        ((URL,), {"headers": {"X-A": "b"}}),
    ],
)
def test_what_is_for_none_or_for_both_is_refused(arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
    with pytest.raises(errors.BadValue, match="AstakosClient"):
        AstakosClient(*arguments, **options)


class OwnClient(AstakosClient):
    """As old code has made it: without knowing of generations."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.mark = "own"

    def get_quotas(self, *arguments: Any) -> Any:
        return "own quotas", len(arguments)


@pytest.mark.parametrize(
    ("arguments", "generation"), [((URL,), DocumentedClient), ((TOKEN, URL), LaterClient)]
)
def test_a_subclass_becomes_one_of_the_generation(arguments: Any, generation: type[AstakosClient]) -> None:
    client = OwnClient(*arguments)
    assert isinstance(client, OwnClient)
    assert isinstance(client, generation)
    assert client.mark == "own"
    assert client.get_quotas(TOKEN) == ("own quotas", 1)
    assert TOKEN not in repr(client)
    assert type(client).__name__ == "OwnClient"
    assert type(client).__module__ == OwnClient.__module__


def test_the_clients_of_a_subclass_share_a_class() -> None:
    """A class for each would be expensive: services make a client for each request."""
    assert type(OwnClient(URL)) is type(OwnClient(URL))
    assert type(OwnClient(URL)) is not type(OwnClient(TOKEN, URL))


def test_a_subclass_may_have_arguments_of_its_own() -> None:
    """Only its call of the constructor of `AstakosClient` says which generation it wants."""

    class OfOurCloud(AstakosClient):
        def __init__(self, *token: Any) -> None:
            super().__init__(*token, URL)  # type: ignore[call-arg]

    assert isinstance(OfOurCloud(), DocumentedClient)
    assert isinstance(OfOurCloud(TOKEN), LaterClient)
    assert isinstance(OfOurCloud(), OfOurCloud)
