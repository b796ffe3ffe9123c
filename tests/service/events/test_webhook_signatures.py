import base64
import hashlib
import hmac

from astakos.events.webhook_signatures import fingerprint, refuse_key, secret_of, shown_secret, signed_headers

KEY = b"k" * 32
# From the specification of Standard Webhooks.
SECRET = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
MESSAGE = "msg_p5jXN8AQM9LWM0D4loKWxJek"
BODY = b'{"test": 2432232314}'


def test_signatures_are_those_of_standard_webhooks() -> None:
    headers = signed_headers([SECRET], MESSAGE, 1614265330, BODY)
    assert headers == {
        "webhook-id": MESSAGE,
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_while_a_secret_is_replaced_both_sign() -> None:
    old, new = secret_of(KEY, "wh_1", 1), secret_of(KEY, "wh_1", 2)
    first, second = signed_headers([new, old], "evt_1", 5, b"{}")["webhook-signature"].split(" ")
    assert first == f"v1,{base64.b64encode(hmac.digest(new, b'evt_1.5.{}', hashlib.sha256)).decode()}"
    assert second == f"v1,{base64.b64encode(hmac.digest(old, b'evt_1.5.{}', hashlib.sha256)).decode()}"


def test_each_webhook_generation_and_key_has_a_secret_of_its_own() -> None:
    secrets = {
        secret_of(key, name, generation)
        for key in (KEY, b"l" * 32)
        for name in ("wh_1", "wh_2")
        for generation in (1, 2)
    }
    assert len(secrets) == 8
    assert shown_secret(SECRET) == "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    assert fingerprint(KEY) != fingerprint(b"l" * 32)


def test_a_short_key_is_refused() -> None:
    assert refuse_key(KEY) is None
    assert "at least 32 bytes" in str(refuse_key(KEY[:-1]))
