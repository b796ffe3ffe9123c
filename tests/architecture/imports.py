"""Which module imports which, read from the source without running it."""

import ast
import functools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

SOURCE = Path(__file__).parents[2] / "src"


class Import(NamedTuple):
    """One module imports another, or some other package."""

    importer: str
    imported: str
    for_types_only: bool
    when_used: bool


@functools.cache
def modules() -> Mapping[str, Path]:
    """All modules of both packages, by name."""
    found: dict[str, Path] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        name = ".".join(path.relative_to(SOURCE).with_suffix("").parts)
        found[name.removesuffix(".__init__")] = path
    return found


@functools.cache
def imports() -> Sequence[Import]:
    """Every import statement of every module."""
    known = modules()
    return [
        Import(importer, imported, for_types_only, when_used)
        for importer, path in known.items()
        for statement, for_types_only, when_used in _statements(
            ast.parse(path.read_text("utf-8")), for_types_only=False, when_used=False
        )
        for imported in _names(statement, known)
    ]


def _statements(
    node: ast.AST, *, for_types_only: bool, when_used: bool
) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool, bool]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            continue
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child, for_types_only, when_used
            continue
        is_typing = isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"
        is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
        yield from _statements(
            child, for_types_only=for_types_only or is_typing, when_used=when_used or is_function
        )


def _names(statement: ast.Import | ast.ImportFrom, known: Mapping[str, Path]) -> Iterator[str]:
    if isinstance(statement, ast.Import):
        yield from (alias.name for alias in statement.names)
        return
    package = statement.module or ""
    for alias in statement.names:
        whole = f"{package}.{alias.name}"
        yield whole if whole in known else package


def package_of(module: str) -> str:
    """The room of a module: the first part of its name below its distribution package."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""
