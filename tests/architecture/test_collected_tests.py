"""Every process that runs tests collects the same ones: what names them is the same each time."""

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[1]


def made_while_collecting(tree: ast.AST) -> Iterator[ast.Call]:
    """The calls of a module outside the bodies of functions; decorators are outside."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            for decorator in child.decorator_list:
                yield from made_while_collecting(ast.Expr(decorator))
        elif not isinstance(child, ast.Lambda):
            if isinstance(child, ast.Call):
                yield child
            yield from made_while_collecting(child)


def test_what_is_compressed_while_collecting_does_not_tell_the_time() -> None:
    compressed, found = 0, []
    for path in sorted(TESTS.rglob("*.py")):
        for call in made_while_collecting(ast.parse(path.read_bytes())):
            if ast.unparse(call.func) == "gzip.compress":
                compressed += 1
                if all(keyword.arg != "mtime" for keyword in call.keywords):
                    found.append(f"{path.relative_to(TESTS)}:{call.lineno}: give mtime=0")
    assert compressed
    assert found == []
