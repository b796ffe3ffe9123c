import os
import re

from astakos.directory.session_secrets import Session, form_proof, is_form_proof, new_secret, session_token


def test_all_that_follows_from_a_secret_differs_and_is_always_the_same() -> None:
    secret, other = new_secret(os.urandom), new_secret(os.urandom)
    derived = [session_token(secret), form_proof(secret), session_token(other), form_proof(other)]
    assert len({secret, other, *derived}) == 6
    assert derived == [session_token(secret), form_proof(secret), session_token(other), form_proof(other)]
    assert all(re.fullmatch("[A-Za-z0-9_-]{43}", text) for text in derived)
    assert Session(secret, "uuid", 1).token == derived[0]


def test_a_form_is_proven_by_the_same_secret_alone() -> None:
    secret = new_secret(os.urandom)
    assert is_form_proof(secret, form_proof(secret))
    for proof in ("", secret, form_proof("another"), form_proof(secret) + "x", "é", "\udc80"):
        assert not is_form_proof(secret, proof)
