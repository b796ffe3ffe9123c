"""The form of keys, and what they are limited to."""

import os
import re
from ipaddress import ip_address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from astakos.directory.api_keys import (
    CALLS,
    FORM,
    OF_PROJECTS,
    ApiKey,
    is_key,
    new_key,
    new_prefix,
    prefix_of,
    refuse_address,
    refuse_call,
    refuse_services,
    unknown_call,
)


def key(**limits: object) -> ApiKey:
    return ApiKey(1, "astk_abcdefgh", "a key", **limits)  # type: ignore[arg-type]


@given(st.binary(min_size=40, max_size=40))
@example(bytes(40))
@example(b"\xff" * 40)
def test_a_key_has_the_form_that_scanners_look_for(random: bytes) -> None:
    prefix = new_prefix(lambda count: random[:count])
    text = new_key(prefix, lambda count: random[-count:])
    assert re.fullmatch(r"astk_[a-z2-9]{8}_[0-9A-Za-z]{49}", text)
    assert len(text) == 63
    assert text.startswith(f"{prefix}_")
    assert is_key(text)


@given(st.data())
def test_a_mistyped_character_is_found_by_the_checksum(data: st.DataObject) -> None:
    text = new_key("astk_abcdefgh", lambda count: b"k" * count)
    place = data.draw(st.integers(5, len(text) - 1))
    other = data.draw(st.sampled_from("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"))
    assert is_key(text[:place] + other + text[place + 1 :]) == (other == text[place])


@given(st.text() | st.from_regex(FORM))
def test_other_texts_are_no_keys(text: str) -> None:
    assert not is_key(text)


def test_no_two_keys_are_alike() -> None:
    keys = {new_key(new_prefix(os.urandom), os.urandom) for _ in range(1000)}
    assert len(keys) == len({one.split("_")[1] for one in keys}) == 1000


@pytest.mark.parametrize(
    ("text", "prefix"),
    [
        ("astk_abcdefgh", "astk_abcdefgh"),
        ("abcdefgh", "astk_abcdefgh"),
        ("", None),
        ("astk_", None),
        ("astk_abcdefghi", None),
        ("astk_ABCDEFGH", None),
        ("../keys", None),
    ],
)
def test_a_prefix_can_be_named_without_its_mark(text: str, prefix: str | None) -> None:
    assert prefix_of(text) == prefix


def test_without_limits_a_key_counts_everywhere() -> None:
    assert refuse_address(key(), None) is None
    assert refuse_services(key(), None) is None
    assert all(refuse_call(key(), call) is None for call in CALLS)


def test_an_address_must_be_in_one_of_the_networks() -> None:
    limited = key(networks=("192.0.2.0/24", "2001:db8::/32", "198.51.100.7"))
    for inside in ("192.0.2.9", "2001:db8::1", "198.51.100.7"):
        assert refuse_address(limited, ip_address(inside)) is None
    for outside in ("192.0.3.1", "2001:db9::1", "198.51.100.8"):
        assert refuse_address(limited, ip_address(outside)) is not None
    assert refuse_address(limited, None) is not None


def test_one_of_the_services_must_ask() -> None:
    limited = key(services=("compute", "image"))
    assert refuse_services(limited, {"image", "volume"}) is None
    assert refuse_services(limited, {"volume"}) == "The key is only for the services compute, image."
    assert refuse_services(limited, frozenset()) is not None
    assert "does not say who asks" in (refuse_services(limited, None) or "")


def test_a_call_must_be_named_or_its_area() -> None:
    limited = key(calls=("quotas", "projects.show_project"))
    assert refuse_call(limited, "quotas.periods") is None
    assert refuse_call(limited, "projects.show_project") is None
    assert refuse_call(limited, "projects.list_projects") is not None
    assert refuse_call(key(calls=()), "quotas.quotas") is not None
    # Services ask by this one who holds the key, which its services decide about.
    assert refuse_call(key(calls=()), "account.authenticate") is None


def test_the_key_of_a_project_reaches_nothing_else() -> None:
    for call in CALLS:
        assert (refuse_call(key(project="p"), call) is None) == (call in OF_PROJECTS)
    assert OF_PROJECTS < CALLS


def test_names_that_no_call_has_are_told_with_those_that_there_are() -> None:
    assert unknown_call(["quotas", "quotas.periods"]) is None
    assert "the areas are account," in (unknown_call(["nope"]) or "")
    assert "in quotas there are quotas.grants, quotas.key_quotas, quotas.periods, quotas.quotas" in (
        unknown_call(["quotas.nope"]) or ""
    )
    assert "keys.list_keys" in (unknown_call(["keys.make_key"]) or "")
