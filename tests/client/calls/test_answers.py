"""What a call makes of an answer that is not what it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from astakosclient import AstakosClient, errors
from client.documented_calls import TOKEN, Invoke
from client.peers import answer

if TYPE_CHECKING:
    from client.conftest import PeerFactory


@pytest.mark.parametrize(
    "invoke",
    [
        lambda c: c.get_usernames(TOKEN, []),
        lambda c: c.get_uuid(TOKEN, "ada"),
        lambda c: c.issue_commission(TOKEN, {}),
        lambda c: c.get_pending_commissions(TOKEN),
    ],
)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"\xff\xfe\xff",
        b"17",
        b'{"serial": "7"}',
        b'{"uuid_catalog": []}',
        b"[" * 100_000,
        b"{}",
        b'{"serial": NaN}',
        b"[Infinity]",
        b"[1e400]",
        b'{"serial": 7, "n": -1E400}',
        b'{"uuid_catalog": {}, "displaynames_catalog": {}, "n": -Infinity}',
        '{"serial": 7}'.encode("utf-16"),
        b"\xef\xbb\xbf",
    ],
)
def test_a_success_that_is_not_what_the_call_needs_is_an_invalid_response(
    invoke: Invoke, body: bytes, peer_of: PeerFactory
) -> None:
    peer = peer_of(answer(body=body))
    with AstakosClient(peer.url, retry=2) as client, pytest.raises(errors.InvalidResponse) as failed:
        invoke(client)
    error = failed.value
    assert error.status == 500
    assert error.response == error.details == body.decode("utf-8", "replace")
    assert str(error).startswith(f"{error.method} /account/v1.0/")
    assert len(peer.requests) == 1


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"17"])
def test_an_object_is_needed_where_one_is_promised(body: bytes, peer_of: PeerFactory) -> None:
    peer = peer_of(answer(body=body))
    with AstakosClient(peer.url) as client:
        for invoke in (client.get_quotas, client.get_user_info, client.get_endpoints):
            with pytest.raises(errors.InvalidResponse):
                invoke(TOKEN)


def test_answers_are_read_as_utf_8(peer_of: PeerFactory) -> None:
    peer = peer_of(answer(body='{"uuid_catalog": {"u": "Ωραία"}}'.encode()))
    with AstakosClient(peer.url) as client:
        assert client.get_username(TOKEN, "u") == "Ωραία"


def test_a_byte_order_mark_is_no_part_of_the_json(peer_of: PeerFactory) -> None:
    """A gateway may add one; RFC 8259, section 8.1, allows to ignore it."""
    peer = peer_of(answer(body=b'\xef\xbb\xbf{"serial": 7, "n": 1.5}'))
    with AstakosClient(peer.url) as client:
        assert client.issue_commission(TOKEN, {}) == 7
