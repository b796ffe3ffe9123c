"""What a request can take and has taken: bounds hold for every request, and more never costs less."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from examples.ai_gateway import models
from examples.ai_gateway.models import read_models
from hypothesis import given
from hypothesis import strategies as st

from astakosclient.language_models import estimates
from astakosclient.language_models.estimates import Model, Tokens, most_tokens, reported_usage

MODELS = read_models(Path(models.__file__).with_name("gateway.toml"))
MODEL = MODELS["gpt-example"]
NUMBERS = st.integers(0, 10**6)


@given(st.text(), st.integers(1, MODEL.most_output), st.integers(1, 8))
def test_no_prompt_has_more_tokens_than_its_request_has_bytes(text: str, most: int, choices: int) -> None:
    asked = {"messages": [{"role": "user", "content": text}], "max_tokens": most, "n": choices}
    body = json.dumps(asked).encode()
    bound = most_tokens(MODEL, asked, len(body))
    assert bound.output == most * choices
    # A token of a byte-level tokenizer stands for a byte or more.
    assert bound.input >= min(MODEL.context, len(text.encode("utf-8", "surrogatepass")))
    assert estimates.counted_prompt(asked) <= bound.input


def test_a_request_that_names_no_bound_can_have_all_that_the_model_writes() -> None:
    assert most_tokens(MODEL, {}, 10**9) == Tokens(MODEL.context, MODEL.most_output)
    both = {"max_tokens": 5, "max_completion_tokens": 7}
    assert most_tokens(MODEL, both, 100) == Tokens(100, 7)


@pytest.mark.parametrize(
    "asked",
    [
        {"messages": [{"content": [{"type": "text", "text": "what is it?"}, {"type": "image_url"}]}]},
        {"messages": [{"content": [{"type": "file"}]}]},
        {"messages": [], "tools": [{"type": "web_search"}]},
        {"messages": [], "web_search_options": {}},
    ],
)
def test_what_is_not_text_can_take_all_that_the_model_reads(asked: dict[str, Any]) -> None:
    assert most_tokens(MODEL, asked, 100).input == MODEL.context
    text = {"messages": [{"content": [{"type": "text"}]}, {"content": "x"}], "tools": [{"type": "function"}]}
    assert most_tokens(MODEL, text, 100).input == 100


@given(NUMBERS, NUMBERS, NUMBERS, NUMBERS)
def test_more_tokens_never_cost_less(fewer: int, more: int, output: int, cached: int) -> None:
    low, high = sorted((fewer, more))
    assert MODEL.cost(Tokens(low, output)) <= MODEL.cost(Tokens(high, output))
    assert MODEL.cost(Tokens(high, output, min(high, cached))) <= MODEL.cost(Tokens(high, output))


def test_cached_tokens_cost_their_own_price_where_there_is_one() -> None:
    assert MODEL.cost(Tokens(1000, 0, 400)) == 600 * 25 // 10 + 400 * 25 // 100
    assert MODELS["gpt-example-mini"].cost(Tokens(1000, 0, 400)) == 150


@pytest.mark.parametrize(
    "usage",
    [
        None,
        [],
        {},
        {"prompt_tokens": -1},
        {"prompt_tokens": "5"},
        {"prompt_tokens": 1.5, "completion_tokens": 2},
        {"prompt_tokens": True},
        {"prompt_tokens": 1, "completion_tokens": {}},
    ],
)
def test_usage_that_is_none_is_not_believed(usage: Any) -> None:
    assert reported_usage({"usage": usage}) is None


def test_usage_is_read() -> None:
    details = {"cached_tokens": 3}
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": details}
    assert reported_usage({"usage": usage}) == Tokens(10, 5, 3)
    assert reported_usage({"usage": {"prompt_tokens": 2}}) == Tokens(2)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_whatever_a_provider_sends_can_be_counted(document: Any) -> None:
    for shape in ({"choices": document}, {"choices": [document]}, {"choices": [{"delta": document}]}):
        assert estimates.counted_output(shape) >= 0
        reported_usage({**shape, "usage": document})


def test_what_tools_are_called_with_is_counted() -> None:
    called = {"function": {"name": "look", "arguments": '{"at": "the horizon"}'}}
    piece = {"choices": [{"delta": {"role": "assistant", "tool_calls": [{"index": 0, **called}]}}]}
    assert estimates.counted_output(piece) == 1 + 5


def test_prices_that_are_floats_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "models.toml"
    file.write_text('[models.m]\ninput = 2.5\noutput = "10"\ncontext = 1\nmost_output = 1\n')
    with pytest.raises(TypeError, match="as text"):
        read_models(file)


@pytest.mark.parametrize(
    ("prices", "bounds", "why"),
    [
        ({"input": "1"}, {}, "'m': output is missing"),
        ({"output": "1"}, {}, "'m': input is missing"),
        ({}, {}, "input and output is missing"),
        ({"prompt": "1", "completion": "2"}, {}, "'completion', 'prompt'; there are only input, output"),
        ({"input": "1", "output": "2", "cached": "0"}, {}, "'cached'; there are only"),
        ({"input": "1", "output": "2"}, {"context": 0}, "context must be at least 1, not 0"),
        ({"input": "1", "output": "2"}, {"context": "9"}, "context must be a whole number, not '9'"),
        ({"input": "1", "output": "2"}, {"most_output": -1}, "most_output must be at least 0, not -1"),
        (
            {"input": "1", "output": "2"},
            {"most_output": True},
            "most_output must be a whole number, not True",
        ),
    ],
)
def test_a_model_that_could_not_be_charged_is_refused(
    prices: dict[str, str], bounds: dict[str, Any], why: str
) -> None:
    with pytest.raises((TypeError, ValueError), match=re.escape(why)):
        Model.priced("m", prices, **{"context": 10, "most_output": 5, **bounds})


def test_a_model_without_output_needs_no_price_of_it() -> None:
    model = Model.priced("m", {"input": "2"}, context=10, most_output=0)
    assert model.cost(Tokens(3)) == 6
