import pytest

from astakos.directory.mail_addresses import refuse_new_address


@pytest.mark.parametrize(
    "address",
    [
        "ada@example.org",
        "o'brien+quota@example.org",
        "zoë@bücher.example",
        "ops@localhost",
        "ada@[IPv6:2001:db8::1]",
        f"{'x' * 64}@{'d' * 185}.org",
    ],
)
def test_users_can_have_what_mail_can_be_sent_to(address: str) -> None:
    assert refuse_new_address(address) is None


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("ada", "an email address like"),
        ("a b@example.org", "an email address like"),
        ('x"><script>@example.org', "without double quotes"),
        ("Ada <ada@example.org>", "an email address like"),
        ("ada@example.org,bob@example.org", "an email address like"),
        ("a\x07@example.org", "control characters"),
        ("a\u202e@example.org", "control characters"),
        (f"{'x' * 400}@example.org", "at most 64 bytes before the @, not 400"),
        (f"{'ë' * 33}@example.org", "at most 64 bytes before the @, not 66"),
        (f"ada@{'d' * 250}.org", "at most 254 bytes, not 258"),
    ],
)
def test_what_no_mail_can_be_sent_to_is_refused(address: str, told: str) -> None:
    refusal = refuse_new_address(address)
    assert refusal is not None
    assert told in refusal
