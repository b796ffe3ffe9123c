"""Generates the asynchronous and the bound methods of the client from those that are written by hand.

The asynchronous client and the forms that are bound to a token have the same methods as the documented one,
with real signatures and docstrings. Nobody should write those four times, so this does::

    python tools/generate_methods.py            # writes them
    python tools/generate_methods.py --check    # says which are out of date, and fails
"""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "src" / "astakosclient"
NOTICE = "Made by tools/generate_methods.py from {source}; change it there.\n"

AWAITED = re.compile(r"self\.(_client\.)?_run\(|self\._(names|uuids)\.(one|several)\(")
METHOD = re.compile(r"^    def .*?(?=^    def |^    # |\Z)", re.MULTILINE | re.DOTALL)


def made_asynchronous(source: str) -> str:
    """The methods that talk to the service, awaited."""

    def method(text: str) -> str:
        if not AWAITED.search(text):
            return text
        text = AWAITED.sub(r"await \g<0>", text.replace("    def ", "    async def ", 1))
        return re.sub(r"^( {16})((?:\w+ = )?)client\.", r"\1\2await client.", text, flags=re.MULTILINE)

    source = METHOD.sub(lambda match: method(match[0]), source)
    for before, after in (
        ("Threads may share it.", "Tasks may share it."),
        ("    users.get_username", "    await users.get_username"),
        ("with client.commission", "async with client.commission"),
        ("answer = ask_the_model", "answer = await ask_the_model"),
        ("a ``with`` block", "an ``async with`` block"),
        ("the with block", "the async with block"),
        ("a `with` block", "an `async with` block"),
        ("__enter__", "__aenter__"),
        ("__exit__", "__aexit__"),
        ("astakosclient.core.synchronous", "astakosclient.core.asynchronous"),
        ("astakosclient.lookups.coalescing ", "astakosclient.lookups.async_coalescing "),
        ("import lookups", "import async_lookups"),
        ("lookups.Lookups(", "async_lookups.Lookups("),
        ("astakosclient.lookups.lookups ", "astakosclient.lookups.async_lookups "),
        ("astakosclient.commission ", "astakosclient.async_commission "),
        ("Synchronous", "Asynchronous"),
        ("class Calls", "class AsyncCalls"),
        ("class BoundCalls", "class AsyncBoundCalls"),
        (", synchronous.", ", asynchronous."),
    ):
        source = source.replace(before, after)
    return re.sub(r"(?<![`\w])(Commission|Lookups|Rounds)(?=[(:\n])", r"Async\1", source)


def bound_to_a_token(source: str) -> str:
    """The methods without their first argument, which the client knows."""
    source = re.sub(r"\n {8}token: str \| None,(?=\n)", "", source)
    source = re.sub(r"self, token: str \| None", "self", source)
    source = re.sub(r"\n {12}token: a [^\n]*(?=\n)", "", source)
    source = re.sub(r"\n\n {8}Args:(?=\n(\n| {8}\w| {8}\"))", "", source)
    source = re.sub(r"(?<=\()token(?=[,)])|(?<=self, )token(?=,)", "self._token", source)
    source = re.sub(r"^( {16})token(?=, )", r"\1self._token", source, flags=re.MULTILINE)
    source = re.sub(r"(client\.\w+\()self\._token(?:, )?", r"\1", source)
    source = source.replace("class Calls", "class BoundCalls")
    source = source.replace("\n    # Users\n", "\n    _token: str | None\n\n    # Users\n", 1)
    source = source.replace("a method each: the token first", "a method each, the token bound to the client")
    return source.replace("A token is a user's own, or a service's for ``service_…``", NOTE)


NOTE = "The token is a user's own, or a service's for ``service_…``"


def with_notice(source: str, origin: str) -> str:
    """The module with another docstring's end: who has made it."""
    opening, _, rest = source.partition('"""\n')
    first = opening.split("\n")[0].removesuffix('"""')
    return f'{first}\n\n{NOTICE.format(source=origin)}"""\n{rest}'


Transformation = Callable[[str], str]

GENERATED: dict[str, tuple[str, tuple[Transformation, ...]]] = {
    "methods/async_methods.py": ("methods/documented_methods.py", (made_asynchronous,)),
    "methods/bound_methods.py": ("methods/documented_methods.py", (bound_to_a_token,)),
    "methods/async_bound_methods.py": (
        "methods/documented_methods.py",
        (bound_to_a_token, made_asynchronous),
    ),
    "async_commission.py": ("commission.py", (made_asynchronous,)),
    "lookups/async_lookups.py": ("lookups/lookups.py", (made_asynchronous,)),
}


def generated_modules() -> Iterator[tuple[Path, str]]:
    """Each module that is made, and what should be in it."""
    for name, (source, transformations) in GENERATED.items():
        text = (PACKAGE / source).read_text()
        for transformation in transformations:
            text = transformation(text)
        yield PACKAGE / name, formatted(with_notice(text, source), name)


def formatted(text: str, name: str) -> str:
    """As the formatter would leave it, imports sorted."""
    for action in (("check", "--quiet", "--fix", "--select", "I"), ("format",)):
        command = [sys.executable, "-m", "ruff", *action, "--stdin-filename", str(PACKAGE / name), "-"]
        ruff = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
        text = ruff.stdout
    return text


def main() -> int:
    """Write them, or check them."""
    checking = sys.argv[1:] == ["--check"]
    out_of_date = [
        (path, text) for path, text in generated_modules() if not path.exists() or path.read_text() != text
    ]
    for path, text in out_of_date:
        if not checking:
            path.write_text(text)
        print(f"{path.name} {'is out of date' if checking else 'written'}")
    return int(checking and bool(out_of_date))


if __name__ == "__main__":
    sys.exit(main())
