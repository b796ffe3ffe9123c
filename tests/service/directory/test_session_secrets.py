import os
import re

from astakos.directory.session_secrets import Session, form_proof, is_form_proof, new_secret, session_token


def test_all_that_follows_from_a_secret_differs_and_is_always_the_same() -> None:
    secret, other = new_secret(os.urandom), new_secret(os.urandom)
    derived = [session_token(secret), form_proof(secret), session_token(other), form_proof(other)]
    derived += [form_proof(secret, other), form_proof(other, secret)]
    assert len({secret, other, *derived}) == 8
    assert derived[:2] == [session_token(secret), form_proof(secret)]
    assert derived[4] == form_proof(secret, other)
    assert all(re.fullmatch("[A-Za-z0-9_-]{43}", text) for text in derived)
    assert Session(secret, "uuid", 1).token == derived[0]


def test_a_form_is_proven_by_the_same_secrets_alone() -> None:
    browser, session = new_secret(os.urandom), new_secret(os.urandom)
    assert is_form_proof(form_proof(browser), browser)
    assert is_form_proof(form_proof(browser, session), browser, session)
    wrong = ["", browser, session, form_proof(browser), form_proof(session), form_proof("another", session)]
    for proof in (*wrong, form_proof(browser, session) + "x", "é", "\udc80"):
        assert not is_form_proof(proof, browser, session)
