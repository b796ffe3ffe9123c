import http.client
import smtplib
import socket
import ssl

import pytest

from astakos.deliveries.failure_wording import LONGEST_REPLY, in_words


def raised_within(cause: OSError) -> smtplib.SMTPServerDisconnected:
    """As smtplib raises it."""
    error = smtplib.SMTPServerDisconnected(f"Connection unexpectedly closed: {cause}")
    error.__context__ = cause
    return error


def not_verified() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "self-signed certificate"
    return error


def tls(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, reason)
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (socket.gaierror(-2, "Name or service not known"), "cannot be resolved: Name or service not known"),
        (UnicodeError("label too long"), "has a name that is not valid"),
        (ConnectionRefusedError(111, "Connection refused"), "refused the connection"),
        (TimeoutError("timed out"), "did not answer in time"),
        (ConnectionResetError(104, "reset"), "closed the connection"),
        (OSError(113, "No route to host"), "cannot be reached: No route to host"),
        (not_verified(), "has a certificate that cannot be verified: self-signed certificate"),
        (tls("WRONG_VERSION_NUMBER"), "did not agree on TLS: wrong version number; check the port"),
        (smtplib.SMTPServerDisconnected("Connection unexpectedly closed"), "closed the connection"),
        (raised_within(TimeoutError("timed out")), "did not answer in time"),
        (smtplib.SMTPConnectError(554, b"no\r\nentry"), "does not talk to this host: 554 no entry"),
        (smtplib.SMTPSenderRefused(550, b"not you", "a@b.c"), "refused the sender a@b.c: 550 not you"),
        (smtplib.SMTPDataError(552, b"too big"), "refused the message: 552 too big"),
        (smtplib.SMTPResponseException(421, b"later"), "answered 421 later"),
        (
            smtplib.SMTPNotSupportedError("STARTTLS extension not supported by server."),
            "does not offer STARTTLS",
        ),
        (
            smtplib.SMTPNotSupportedError("SMTP AUTH extension not supported by server."),
            "does not let users log in",
        ),
        (smtplib.SMTPNotSupportedError("the required SMTPUTF8 capability"), "characters beyond ASCII"),
        (smtplib.SMTPException("No suitable authentication method found."), "offers no way to log in"),
        (http.client.BadStatusLine("220 ready"), "did not answer in HTTP"),
        (http.client.RemoteDisconnected("closed"), "closed the connection"),
    ],
)
def test_each_failure_is_told_in_words(error: Exception, words: str) -> None:
    told = in_words(error)
    assert words in told
    assert type(error).__name__ not in told


def test_what_a_server_answers_to_a_login_is_not_repeated() -> None:
    error = smtplib.SMTPAuthenticationError(535, b"no such user bob with secret")
    assert in_words(error) == "refused the user and password (535)"


def test_long_answers_are_cut_and_shown_in_one_line() -> None:
    told = in_words(smtplib.SMTPDataError(550, b"x\x1b\r\n" * 1000))
    assert len(told) < LONGEST_REPLY + 50
    assert told.isprintable()
