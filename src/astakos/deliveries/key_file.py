"""Reads the file with the key that the secrets of webhooks are derived from."""

from pathlib import Path

from astakos.events.webhook_signatures import refuse_key

LONGEST_KEY = 4096


class KeyFileError(Exception):
    """The file cannot be used; the message says why."""


def read_key(file: Path) -> bytes:
    """Returns the key, without the end of the line.

    Raises:
        KeyFileError: the file cannot be read, or does not contain a key.
    """
    try:
        with file.open("rb") as stream:
            key = stream.read(LONGEST_KEY).strip()
    except OSError as error:
        raise KeyFileError(f"{file} cannot be read: {error.strerror}") from error
    refusal = refuse_key(key)
    if refusal is not None:
        raise KeyFileError(f"{file} is not a key of webhooks: {refusal}")
    return key
