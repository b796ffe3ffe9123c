"""Settings that administrators change while the service runs."""

import pytest

from astakos.http.pages import page_kinds
from pages.scene import ADA, ADMINISTRATORS, ROOT
from pages.visitors import Visitor, log_in

SETTINGS = "/ui/admin/settings"


def test_a_setting_is_changed_and_set_back(visitor: Visitor) -> None:
    log_in(visitor, ROOT, SETTINGS)
    visitor.follow("most_keys")
    visitor.fill("Value", "7")
    visitor.press("Save")
    assert visitor.path == SETTINGS
    assert "most_keys is now 7." in visitor.text
    visitor.follow("most_keys")
    visitor.press("Use the default again")
    assert "the default." in visitor.text


def test_a_list_has_a_value_in_each_line(visitor: Visitor) -> None:
    log_in(visitor, ROOT, f"{SETTINGS}/helpdesk")
    visitor.fill("Value", "help@example.org\nnight@example.org\n")
    visitor.press("Save")
    assert "helpdesk is now help@example.org, night@example.org." in visitor.text


def test_a_value_that_cannot_be_says_what_can(visitor: Visitor) -> None:
    log_in(visitor, ROOT, f"{SETTINGS}/helpdesk")
    visitor.fill("Value", "nobody")
    visitor.press("Save")
    assert visitor.status == 422
    assert "helpdesk cannot have 'nobody': it must be an email address like" in visitor.text


def test_an_administrator_is_asked_before_giving_up_their_rights(visitor: Visitor) -> None:
    log_in(visitor, ROOT, f"{SETTINGS}/administrators")
    visitor.fill("Value", "others")
    visitor.press("Save")
    assert visitor.heading == "Change administrators?"
    visitor.follow("Cancel")
    visitor.fill("Value", ADMINISTRATORS)
    visitor.press("Save")
    assert f"administrators is now {ADMINISTRATORS}." in visitor.text


def test_there_is_no_page_of_an_unknown_setting(visitor: Visitor) -> None:
    log_in(visitor, ROOT)
    visitor.open(f"{SETTINGS}/none")
    assert visitor.status == 404


def test_who_has_just_ceased_to_be_an_administrator_changes_nothing(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if the right ended between the check of the request and the transaction of the change.
    monkeypatch.setattr(page_kinds, "_require_administrator", lambda _visit: None)
    log_in(visitor, ADA, f"{SETTINGS}/most_keys")
    visitor.fill("Value", "7")
    visitor.press("Save")
    assert visitor.status == 403
    assert "You are no longer an administrator." in visitor.text
    monkeypatch.undo()
    visitor.open("/ui/overview")
    visitor.unfold("Ada Byron")
    visitor.press("Sign out")
    log_in(visitor, ROOT, f"{SETTINGS}/most_keys")
    assert "is now 7" not in visitor.text
