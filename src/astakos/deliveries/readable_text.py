"""Makes text that others wrote readable: without characters that hide, reorder or forge what is shown."""

import unicodedata

LINE_BREAKS = str.maketrans(dict.fromkeys("\r\v\f\x85\u2028\u2029", "\n"))
HIDDEN = frozenset({"Cc", "Cf", "Cs"})
"""The categories of control characters, of characters that only change how others are shown, among them those
that reverse the direction of text, and of halves of characters."""
JOINERS = "\u200c\u200d"
"""Hidden as well, but Persian, languages of India and emoji need them. They neither reorder nor break."""


def readable(text: str) -> str:
    """Returns a text without hidden characters but line breaks, which are `\\n`, and tabs."""
    lines = text.replace("\r\n", "\n").translate(LINE_BREAKS)
    return "".join(char for char in lines if char in "\n\t" or not _is_hidden(char))


def one_line(text: str) -> str:
    """Returns a text as one line; breaks and other white space become single spaces."""
    return " ".join(readable(text).split())


def _is_hidden(char: str) -> bool:
    return unicodedata.category(char) in HIDDEN and char not in JOINERS
