"""What a request can take at most, what it has taken, and what that costs: rules over OpenAI's documents.

A token of a byte-level tokenizer stands for at least one byte, so a prompt of text has at most as many tokens
as its request has bytes. Any prompt has at most as many as the model reads at once. Both bounds hold without
a tokenizer.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple, Self

from astakosclient.language_models.refusals import Refused
from astakosclient.pricing import PriceTable

SCALE = 6
"""`llm.usd` counts millionths of a dollar."""
KINDS = ("input", "output", "cached_input")
"""What tokens can have a price of their own."""
MOST_CHOICES = 128
BYTES_PER_TOKEN = 4
TEXT_PARTS = ("text", "refusal")
"""Parts of a message that take no more tokens than they have bytes."""
TEXTS = ("content", "refusal", "reasoning_content", "arguments", "name")
"""Where the delta of a streamed choice has text that the model has written."""


class Tokens(NamedTuple):
    """Numbers of tokens. `cached` of the input were read from the provider's cache."""

    input: int = 0
    output: int = 0
    cached: int = 0


def require_whole(name: str, number: object, *, at_least: int) -> None:
    """Requires a whole number.

    Raises:
        TypeError, ValueError: It is none, or it is too low.
    """
    if type(number) is not int:
        raise TypeError(f"{name} must be a whole number, not {number!r}")
    if number < at_least:
        raise ValueError(f"{name} must be at least {at_least}, not {number}")


def require_tokens(name: str, tokens: object) -> None:
    """Requires numbers of tokens, from 0.

    Raises:
        TypeError, ValueError: They are none.
    """
    if not isinstance(tokens, Tokens):
        raise TypeError(f"{name} must be Tokens(input, output), not {tokens!r}")
    for kind, number in tokens._asdict().items():
        require_whole(f"{name}.{kind}", number, at_least=0)


@dataclass(frozen=True, slots=True)
class Model:
    """A model, its bounds in tokens, and its prices."""

    name: str
    context: int
    most_output: int
    prices: PriceTable
    has_cached_price: bool

    @classmethod
    def priced(
        cls,
        name: str,
        prices: Mapping[str, str | Decimal | int],
        *,
        context: int,
        most_output: int,
        per: int = 1_000_000,
    ) -> Self:
        """Returns a model.

        Args:
            name: Its name.
            prices: What `per` tokens of each kind cost, in dollars: `input`, `output` (a model without
                output needs none) and, if it has a price of its own, `cached_input`.
            context: The most tokens that a prompt can have.
            most_output: The most tokens that one choice of an answer can have; 0 for embeddings.
            per: How many tokens the prices are for.

        Raises:
            ValueError, TypeError: A price is missing, not exact, or not from 0, there are prices of other
                kinds, or a bound is no whole number.
        """
        require_whole("context", context, at_least=1)
        require_whole("most_output", most_output, at_least=0)
        unknown = sorted(map(repr, prices.keys() - set(KINDS)))
        if unknown:
            raise ValueError(f"prices of {name!r}: {', '.join(unknown)}; there are only {', '.join(KINDS)}")
        missing = [kind for kind in ("input", "output")[: 2 if most_output else 1] if kind not in prices]
        if missing:
            raise ValueError(
                f'prices of {name!r}: {" and ".join(missing)} is missing; write "0" if it is free'
            )
        table = PriceTable({name: {"output": "0", **prices}}, per=per, scale=SCALE)
        return cls(name, context, most_output, table, "cached_input" in prices)

    def cost(self, tokens: Tokens) -> int:
        """Returns what tokens cost, in millionths of a dollar."""
        cached = tokens.cached if self.has_cached_price else 0
        kinds = {"input": tokens.input - cached, "output": tokens.output}
        return self.prices.quantity(self.name, kinds | ({"cached_input": cached} if cached else {}))


def require_form(request: Mapping[str, Any], model: Model, *, embeds: bool) -> None:
    """Requires that a request asks its kind of model for what the model can do, before anything is reserved.

    Args:
        request: The request.
        model: The model that it asks.
        embeds: Whether it asks for embeddings, and not for an answer to messages.

    Raises:
        Refused: The model is of the other kind, `messages` or `input` is missing or not of its type, or
            `stream` is not a boolean: what a provider takes for true here must not be false.
    """
    require_boolean_stream(request)
    if embeds and model.most_output:
        raise Refused(400, f"The model {model.name} has no embeddings; it answers messages.", "wrong_model")
    if not (embeds or model.most_output):
        raise Refused(400, f"The model {model.name} answers no messages; it has embeddings.", "wrong_model")
    if embeds:
        if not _is_text_or_list(request.get("input")):
            raise Refused(400, "input must be a text, or a list that is not empty.", "invalid_value")
        if request.get("stream"):
            raise Refused(400, "Embeddings have no stream.", "invalid_value")
        return
    messages = request.get("messages")
    if not (isinstance(messages, list) and messages and all(isinstance(each, dict) for each in messages)):
        raise Refused(400, "messages must be a list of objects that is not empty.", "invalid_value")


def require_boolean_stream(request: Mapping[str, Any]) -> None:
    """Requires that `stream` is a boolean, if it is there.

    Raises:
        Refused: It is something else.
    """
    if not isinstance(request.get("stream"), bool | None):
        raise Refused(400, "stream must be true or false.", "invalid_value")


def most_tokens(model: Model, request: Mapping[str, Any], size: int) -> Tokens:
    """Returns the most tokens that a request of `size` bytes can take.

    Raises:
        Refused: The request has a number that is out of range, or one that its model cannot have.
    """
    wanted = [_number(request, name, model.most_output) for name in ("max_tokens", "max_completion_tokens")]
    output = max((number for number in wanted if number is not None), default=model.most_output)
    choices = _number(request, "n", MOST_CHOICES) or 1
    prompt = min(size, model.context) if _is_all_text(request) else model.context
    return Tokens(prompt, output * choices)


def _is_all_text(request: Mapping[str, Any]) -> bool:
    """Returns whether a prompt is text and nothing else: no images, no files, nothing that is looked up."""
    contents = [message.get("content") for message in _objects(request.get("messages"))]
    parts = [part for content in contents if isinstance(content, list) for part in _objects(content)]
    tools = _objects(request.get("tools"))
    return (
        all(part.get("type") in TEXT_PARTS for part in parts)
        and all(tool.get("type") == "function" for tool in tools)
        and request.get("web_search_options") is None
    )


def _is_text_or_list(value: object) -> bool:
    return isinstance(value, str | list) and bool(value)


def _objects(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _number(request: Mapping[str, Any], name: str, most: int) -> int | None:
    number = request.get(name)
    if number is None:
        return None
    if most == 0:
        raise Refused(400, f"{name} is not for this model, which writes no text.", "invalid_value")
    if type(number) is not int or not 1 <= number <= most:
        raise Refused(400, f"{name} must be a whole number from 1 to {most}.", "invalid_value")
    return number


def reported_usage(document: Mapping[str, Any]) -> Tokens | None:
    """Returns what a document of the provider says was used; None if it does not say so."""
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


class StreamedTokens:
    """What a stream has taken: counted piece by piece, and as its provider reports it.

    Attributes:
        counted: What has been counted so far.
    """

    def __init__(self, prompt: int) -> None:
        """Begins with the tokens of the prompt, as they were counted."""
        self.counted = Tokens(prompt)
        self._reported: Tokens | None = None

    def read(self, document: Mapping[str, Any]) -> bool:
        """Reads a piece, and returns whether the model has written something in it."""
        self._reported = reported_usage(document) or self._reported
        number = counted_output(document)
        self.counted = self.counted._replace(output=self.counted.output + number)
        return number > 0

    @property
    def so_far(self) -> Tokens:
        """What a stream has taken that ends here; some providers report what there was before, too."""
        if self._reported is None:
            return self.counted
        return self._reported._replace(output=max(self._reported.output, self.counted.output))

    @property
    def at_end(self) -> Tokens:
        """What a stream has taken that is complete."""
        return self._reported or self.counted


def counted_prompt(request: Mapping[str, Any]) -> int:
    """Returns about how many tokens a prompt has, where the provider does not say it."""
    parts = (request.get("messages"), request.get("tools"), request.get("input"))
    return sum(_counted(text) for part in parts for text in _leaves(part))


def counted_output(document: Mapping[str, Any]) -> int:
    """Returns about how many tokens an answer or a piece of a stream has, where the provider does not say."""
    choices = document.get("choices")
    written = [
        choice.get("delta") or choice.get("message")
        for choice in (choices if isinstance(choices, list) else [])
        if isinstance(choice, dict)
    ]
    return sum(_counted(text) for text in _leaves(written, TEXTS))


def _counted(text: str | int) -> int:
    """Counts four bytes as a token, and less as one: providers stream about one token in a piece.

    Put your model's tokenizer here.
    """
    return 1 if isinstance(text, int) else max(1, len(text.encode("utf-8", "replace")) // BYTES_PER_TOKEN)


def _leaves(value: object, keys: tuple[str, ...] | None = None) -> Iterator[str | int]:
    """Yields the texts and numbers in a document; with `keys`, only those below one of them."""
    waiting = [(value, keys is None)]
    while waiting:
        one, is_below = waiting.pop()
        if isinstance(one, dict):
            waiting += [(inner, is_below or (keys is not None and key in keys)) for key, inner in one.items()]
        elif isinstance(one, list):
            waiting += [(inner, is_below) for inner in one]
        elif is_below and type(one) in (str, int) and one != "":
            yield one  # type: ignore[misc]
