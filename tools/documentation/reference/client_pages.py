"""Pages about what the client library offers to those who call it, from its docstrings."""

from collections.abc import Iterator, Mapping
from typing import Any

import griffe
from tools.documentation.markdown import page
from tools.documentation.reference.docstrings import Fact, facts_of, prose_of, summary_of
from tools.documentation.reference.python_source import (
    annotation_of,
    modules_in,
    own_members,
    signature_of,
    target_of,
)

FOR_CALLERS = (
    "astakosclient",
    "astakosclient.errors",
    "astakosclient.answer_types",
    "astakosclient.pricing",
    "astakosclient.middleware",
    "astakosclient.telemetry",
    "astakosclient.adapters",
    "astakosclient.language_models",
    "astakosclient.litellm",
    "astakosclient.testing",
)
"""The modules that programs import; the first offers what most need."""
MANY = 12
"""A class with more members than this has a page of its own."""
FIELDS = {
    "parameters": "param",
    "attributes": "ivar",
    "raises": "raises",
    "returns": "returns",
    "warns": "raises",
}


def client_pages(modules: Any) -> Mapping[str, str]:
    """Returns the pages by name, with `index` as the first.

    Args:
        modules: Both packages.
    """
    pages = _Pages(modules)
    entries: list[str] = []
    for name in FOR_CALLERS:
        module = modules[name]
        entries.append(f"- [`{name}`]({name}.md): {summary_of(module.docstring)}")
        entries += [f"  {one}" for one in pages.add(module)]
    words = (
        "What a program can use of `astakosclient`, from its docstrings. [The calls](../calls.md) lists the"
        " methods of a client on one page."
    )
    return {"index": page("# The client library", words, "\n".join(entries)), **pages.written}


class _Pages:
    """The pages, and the names under which callers know what is on them."""

    def __init__(self, modules: Any) -> None:
        self.written: dict[str, str] = {}
        self._modules = modules
        self._public: dict[str, str] = {}
        for name in FOR_CALLERS:
            for place, found in _places(modules[name]):
                self._public.setdefault(found.path, place)

    def add(self, module: Any) -> list[str]:
        """Writes the page of a module and those of its large classes; returns a list of these."""
        large: list[str] = []
        section = ""
        texts = [f"```{{py:module}} {module.path}\n```", self._documented(module)]
        for place, found in _places(module):
            owner, _, name = place.rpartition(".")
            if owner not in (section, module.path):
                section = owner
                inner = self._modules[owner]
                texts += [f"## `{owner}`", f"```{{py:module}} {owner}\n```", self._documented(inner)]
            if self._public[found.path] != place:
                texts.append(f"{{py:obj}}`{self._public[found.path]}`: {summary_of(found.docstring)}")
            elif found.is_class and len(list(_members(found))) > MANY:
                current = f"```{{py:currentmodule}} {owner}\n```"
                self.written[place] = page(f"# `{place}`", current, self._described(found, name))
                large.append(f"- [`{name}`]({place}.md): {summary_of(found.docstring)}")
            else:
                texts.append(self._described(found, name))
        self.written[module.path] = page(f"# `{module.path}`", *texts[:2], "\n".join(large), *texts[2:])
        return large

    def _described(self, found: Any, name: str, depth: int = 0) -> str:
        """Returns the description of a class, a function or an attribute, for Sphinx's index of Python."""
        options: list[str] = []
        parts = [self._documented(found)]
        signature = name
        if found.is_class:
            kind = "exception" if _is_exception(found) else "class"
            signature += signature_of(found, self._annotation)
            init = target_of(found.all_members["__init__"]) if "__init__" in found.all_members else None
            parts.append(self._documented(init) if init is not None else "")
            parts += [self._described(member, member.name, depth + 1) for member in _members(found)]
        elif found.is_function:
            kind = "method" if depth else "function"
            signature += signature_of(found, self._annotation)
            signature += f" -> {self._annotation(found.returns)}" if found.returns else ""
            options = [
                f":{label}:" for label in ("classmethod", "staticmethod", "async") if label in found.labels
            ]
        else:
            kind = ("property" if "property" in found.labels else "attribute") if depth else "data"
            options = [f":type: {self._annotation(found.annotation)}"] if found.annotation is not None else []
        fence = "`" * (9 - 2 * depth)
        head = "".join(f"{line}\n" for line in (f"{fence}{{py:{kind}}} {signature}", *options))
        return f"{head}\n{page(*parts)}{fence}"

    def _documented(self, found: Any) -> str:
        """Returns a docstring, in which names are links."""

        def reference(name: str) -> str:
            return f"{{py:obj}}`{name} <{self._resolved(found, name)}>`"

        fields = [
            f":{f'{FIELDS[fact.kind]} {self._field_name(found, fact)}'.strip()}: "
            + ("As a warning: " if fact.kind == "warns" else "")
            + fact.text.replace("\n", "\n    ")
            for fact in facts_of(found.docstring, reference)
        ]
        return page(prose_of(found.docstring, reference), "\n".join(fields)).strip()

    def _field_name(self, found: Any, fact: Fact) -> str:
        return self._resolved(found, fact.name) if fact.kind in ("raises", "warns") else fact.name

    def _resolved(self, scope: Any, name: str) -> str:
        """Returns the public name of what a name in the text of a docstring means, or the name."""
        try:
            known = self._known(scope.resolve(name))
        except griffe.NameResolutionError:
            known = ""
        # A docstring may name what its module reaches through another one.
        package = f"{scope.package.path if scope.is_module else scope.module.path}".rpartition(".")[0]
        alike = [
            one for one in self._public.values() if one.startswith(f"{package}.") and one.endswith(f".{name}")
        ]
        return known or (alike[0] if len(alike) == 1 else name)

    def _annotation(self, found: Any) -> str:
        """Returns a type, with the public names of what is documented."""
        if isinstance(found, str):
            return annotation_of(found)
        parts = (
            part if isinstance(part, str) else self._known(part.canonical_path) or part.name
            for part in found.iterate(flat=True)
        )
        return annotation_of("".join(parts))

    def _known(self, path: str) -> str:
        """Returns the public name of what has a path; empty if it is not on the pages."""
        try:
            found = target_of(self._modules[path])
        except KeyError:
            return ""
        return self._public.get(found.path, "") if found is not None else ""


def _places(module: Any) -> Iterator[tuple[str, Any]]:
    """Yields what callers find in a module or package, with the names by which they do."""
    if module.exports:
        offered = [(str(name), target_of(module.members[str(name)])) for name in module.exports]
        found = [(name, one) for name, one in offered if one is not None and not one.is_module]
    else:
        found = [(member.name, member) for member in own_members(module)]
    for name, one in found:
        yield f"{module.path}.{name}", one
    shown = {one.path for _, one in found}
    for inner in modules_in(module) if module.path != FOR_CALLERS[0] else ():
        for member in own_members(inner):
            if member.path not in shown:
                yield member.path, member


def _members(found: Any) -> Iterator[Any]:
    """Yields the public members of a class, its own ones, then those that it inherits."""
    told = {fact.name for fact in facts_of(found.docstring) if fact.kind == "attributes"}
    for member in (*found.members.values(), *found.inherited_members.values()):
        one = target_of(member)
        if one is None or member.name.startswith("_") or member.name in told:
            continue
        is_field = one.is_attribute and one.annotation is not None and "class-attribute" in one.labels
        if one.has_docstring or is_field:
            yield one


def _is_exception(found: Any) -> bool:
    ancestors = [str(base) for one in (found, *found.mro()) for base in one.bases]
    return any(base.endswith(("Error", "Exception", "Warning")) for base in ancestors)
