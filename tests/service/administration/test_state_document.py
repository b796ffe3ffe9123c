import gzip
from pathlib import Path

import pytest

from astakos.administration.state_document import StateError, read_document, write_document
from service.world import world


def test_a_document_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(write_document(world()))
    assert read_document(path.read_bytes(), str(path)) == world()


def test_defaults_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text("{}")
    assert write_document(read_document(path.read_bytes(), str(path))) == b'{\n  "settings": {}\n}\n'


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty; see whether what should write it has failed"),
        (b"\n", "is empty"),
        (gzip.compress(b"{}", mtime=0), "is compressed; load what gunzip makes of it"),
        (b"nonsense", "is not JSON"),
        (b'{"users": [', "is not JSON"),
        (b'{"users": [{"email": "\xff"}]}', "is not JSON"),
        (b'{"components": [{"name": "x", "menu": ' + b'{"a": ' * 100_000, "is not JSON"),
        (b"[]", "Expected `object`"),
        (b'{"user": []}', "unknown field `user`"),
        (b'{"users": [], "users": []}', "an object has the key 'users' twice"),
        (b'{"users": [{"uuid": "x", "email": "e", "email": "f"}]}', "an object has the key 'email' twice"),
        (b'{"components": [{"name": "x", "menu": {"order": 1, "order": 2}}]}', "the key 'order' twice"),
        (b'{"users": {}}', "$.users"),
        (b'{"users": [{"uuid": "x"}]}', "missing required field `email` - at `$.users[0]`"),
        (b'{"users": [{"uuid": "x", "email": 1}]}', "$.users[0].email"),
        (b'{"users": [{"uuid": "x", "email": "e", "token": null, "tokens": ""}]}', "`tokens`"),
        (b'{"resources": [{"name": "x", "service": "s", "system_default": 1.5}]}', "system_default"),
        (b'{"projects": [{"uuid": "x", "name": "n", "end_date": "e", "state": "paused"}]}', "'paused'"),
        (b'{"settings": {"groups": "staff"}}', "$.settings.groups"),
        (b'{"settings": {"compatibility": "0.15"}}', "allowed: 0.14, newest - at `$.settings.compatibility`"),
        (b'{"user": []}', "unknown field `user`; allowed: base_url, settings, components"),
        (
            b'{"projects": [{"uuid": "", "name": "", "end_date": "", "members": [{"user":"","state":""}]}]}',
            "''; allowed: requested, accepted, leave_requested, suspended, rejected, cancelled, removed",
        ),
        (
            b'{"projects": [{"uuid": "x", "name": "n", "end_date": "e", "resources": {"r": {"limit": 1}}}]}',
            "allowed: project_capacity, member_capacity - at",
        ),
        (b'{"oauth2_clients": [{"identifier": "x", "type": "secret"}]}', "allowed: confidential, public"),
    ],
)
def test_what_is_no_document_is_refused_by_file_and_place(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(content)
    with pytest.raises(StateError) as caught:
        read_document(path.read_bytes(), str(path))
    assert str(caught.value).startswith(str(path))
    assert reason in str(caught.value)
