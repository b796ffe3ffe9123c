"""What a request can take at most, what it has taken, and what that costs: rules over OpenAI's documents.

A token of a byte-level tokenizer stands for at least one byte, so a prompt has at most as many tokens as its
request has bytes, and at most as many as the model reads at once. Both bounds hold without a tokenizer.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from astakosclient.pricing import PriceTable

SCALE = 6
"""`llm.usd` counts millionths of a dollar."""
MOST_CHOICES = 128
BYTES_PER_TOKEN = 4
TEXTS = ("content", "refusal", "reasoning_content", "arguments", "name")
"""Where the delta of a streamed choice has text that the model has written."""


class Tokens(NamedTuple):
    """Numbers of tokens. `cached` of the input were read from the provider's cache."""

    input: int = 0
    output: int = 0
    cached: int = 0


@dataclass(frozen=True, slots=True)
class Model:
    """A model, its bounds in tokens, and its prices."""

    name: str
    context: int
    most_output: int
    prices: PriceTable
    has_cached_price: bool

    def cost(self, tokens: Tokens) -> int:
        """Return what tokens cost, in millionths of a dollar."""
        cached = tokens.cached if self.has_cached_price else 0
        kinds = {"input": tokens.input - cached, "output": tokens.output}
        return self.prices.quantity(self.name, kinds | ({"cached_input": cached} if cached else {}))


def read_models(path: Path) -> dict[str, Model]:
    """Return the models of a file like `gateway.toml`, by name.

    Raises:
        ValueError, TypeError, KeyError: The file is not such a file.
    """
    models = tomllib.loads(path.read_text(encoding="utf-8"))["models"]
    kinds = ("input", "cached_input", "output")
    table = {name: {kind: model[kind] for kind in kinds if kind in model} for name, model in models.items()}
    prices = PriceTable(table, per=1_000_000, scale=SCALE)
    return {
        name: Model(name, model["context"], model["most_output"], prices, "cached_input" in model)
        for name, model in models.items()
    }


def most_tokens(model: Model, request: Mapping[str, Any], size: int) -> Tokens:
    """Return the most tokens that a request of `size` bytes can take.

    Raises:
        ValueError: The request has a number that is out of range.
    """
    wanted = [_number(request, name, model.most_output) for name in ("max_tokens", "max_completion_tokens")]
    output = max((number for number in wanted if number is not None), default=model.most_output)
    choices = _number(request, "n", MOST_CHOICES) or 1
    return Tokens(min(size, model.context), output * choices)


def _number(request: Mapping[str, Any], name: str, most: int) -> int | None:
    number = request.get(name)
    if number is None:
        return None
    if type(number) is not int or not 1 <= number <= most:
        raise ValueError(f"{name} must be a whole number from 1 to {most}, not {number!r}")
    return number


def reported_usage(document: Mapping[str, Any]) -> Tokens | None:
    """Return what a document of the provider says was used; None if it does not say so."""
    usage = document.get("usage")
    if not isinstance(usage, dict):
        return None
    details = usage.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else None
    output = usage.get("completion_tokens")
    numbers = (usage.get("prompt_tokens"), 0 if output is None else output, 0 if cached is None else cached)
    known = [number for number in numbers if type(number) is int and number >= 0]
    if len(known) < len(numbers):
        return None
    return Tokens(known[0], known[1], min(known[0], known[2]))


def counted_prompt(request: Mapping[str, Any]) -> int:
    """Return about how many tokens a prompt has, where the provider does not say it."""
    parts = (request.get("messages"), request.get("tools"), request.get("input"))
    return sum(_counted(text) for part in parts for text in _leaves(part))


def counted_output(document: Mapping[str, Any]) -> int:
    """Return about how many tokens an answer or a piece of a stream has, where the provider does not say."""
    choices = document.get("choices")
    written = [
        choice.get("delta") or choice.get("message")
        for choice in (choices if isinstance(choices, list) else [])
        if isinstance(choice, dict)
    ]
    return sum(_counted(text) for text in _leaves(written, TEXTS))


def _counted(text: str | int) -> int:
    """Count four bytes as a token, and less as one: providers stream about one token in a piece.

    Put your model's tokenizer here.
    """
    return 1 if isinstance(text, int) else max(1, len(text.encode("utf-8", "replace")) // BYTES_PER_TOKEN)


def _leaves(value: object, keys: tuple[str, ...] | None = None) -> Iterator[str | int]:
    """Yield the texts and numbers in a document; with `keys`, only those below one of them."""
    waiting = [(value, keys is None)]
    while waiting:
        one, is_below = waiting.pop()
        if isinstance(one, dict):
            waiting += [(inner, is_below or (keys is not None and key in keys)) for key, inner in one.items()]
        elif isinstance(one, list):
            waiting += [(inner, is_below) for inner in one]
        elif is_below and type(one) in (str, int) and one != "":
            yield one  # type: ignore[misc]
