"""Docstrings become Markdown that says the same."""

from types import SimpleNamespace

import pytest
from tools.documentation.reference.docstrings import (
    Fact,
    UnknownSectionError,
    facts_of,
    prose_of,
    summary_of,
)


def docstring(*sections: tuple[str, object]) -> SimpleNamespace:
    """As griffe parses them."""
    return SimpleNamespace(
        parsed=[SimpleNamespace(kind=SimpleNamespace(value=kind), value=value) for kind, value in sections]
    )


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("Takes *args and **more.", r"Takes \*args and \*\*more."),
        ("A *threshold* is <n> percent.", r"A *threshold* is \<n> percent."),
        ("``a_b`` and `a b`", "`a_b` and `a b`"),
        ("See `Name`.", "See [Name]."),
        ("# not a heading", r"\# not a heading"),
        (
            "Call it:\n\n.. code-block:: python\n\n    call(*args)\n\nThen go.",
            "Call it:\n\n```python\ncall(*args)\n```\n\nThen go.",
        ),
        ("The tree::\n\n    a\n    +- b <c>\n", "The tree:\n\n```text\na\n+- b <c>\n```"),
    ],
)
def test_text_keeps_its_meaning(text: str, markdown: str) -> None:
    assert prose_of(docstring(("text", text)), lambda name: f"[{name}]") == markdown


def test_sections_become_facts_in_their_order() -> None:
    found = docstring(
        ("text", "Does it.\n\nMore of it."),
        ("parameters", [SimpleNamespace(name="token", annotation=None, description="whose `it` is.")]),
        ("raises", [SimpleNamespace(annotation="BadValue", description="it is bad.")]),
    )
    assert list(facts_of(found)) == [
        Fact("parameters", "token", "whose `it` is."),
        Fact("raises", "BadValue", "it is bad."),
    ]
    assert summary_of(found) == "Does it."


def test_a_section_that_would_not_be_shown_is_refused() -> None:
    with pytest.raises(UnknownSectionError):
        list(facts_of(docstring(("yields", []))))
