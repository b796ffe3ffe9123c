"""One voice in docstrings: those that begin with a verb have it in the third person."""

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

from architecture.imports import modules

TOLD_TO_MODELS = ("astakos.assistant.service_tools", "astakos.assistant.user_tools")
"""Public methods here are tools. Their docstrings, and those of commands, are help for callers."""

NO_VERBS = {"as", "its"}


class Beginning(NamedTuple):
    """Where a docstring is, and its first word."""

    place: str
    word: str


def test_docstrings_begin_with_a_verb_in_the_third_person() -> None:
    beginnings = list(_beginnings())
    known = {beginning.word for beginning in beginnings}
    imperatives = {beginning for beginning in beginnings if _third_person(beginning.word) in known - NO_VERBS}
    assert not imperatives


def _beginnings() -> Iterator[Beginning]:
    for name, path in modules().items():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                continue
            first = re.match(r"[A-Za-z]+", ast.get_docstring(node) or "")
            if first and not _is_shown(name, node):
                yield Beginning(f"{name}.{node.name}", first[0].lower())


def _is_shown(module: str, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    is_command = any(
        isinstance(decorator, ast.Call)
        and isinstance(decorator.func, ast.Attribute)
        and decorator.func.attr in ("command", "group")
        for decorator in node.decorator_list
    )
    return is_command or (module in TOLD_TO_MODELS and not node.name.startswith("_"))


def _third_person(verb: str) -> str:
    irregular = {"be": "is", "have": "has"}.get(verb)
    if irregular:
        return irregular
    if re.search(r"[^aeiou]y$", verb):
        return f"{verb[:-1]}ies"
    return f"{verb}es" if re.search(r"(s|x|z|ch|sh|o)$", verb) else f"{verb}s"
