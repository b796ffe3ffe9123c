"""Reads the packages with griffe, which does not import them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import griffe

PACKAGES = ("astakosclient", "astakos")
DOCSTRING_OPTIONS = {"returns_multiple_items": False, "returns_named_value": False, "warnings": False}


def read_packages(source: Path) -> Any:
    """Returns both packages, by name; names that one takes from the other are resolved."""
    modules = griffe.ModulesCollection()
    for package in PACKAGES:
        griffe.load(
            package,
            search_paths=[source],
            docstring_parser="google",
            docstring_options=DOCSTRING_OPTIONS,
            modules_collection=modules,
        )
    return modules


def target_of(member: Any) -> Any:
    """Returns what a name stands for; None if that is in another library."""
    try:
        return member.final_target if member.is_alias else member
    except griffe.AliasResolutionError:
        return None


def modules_in(package: Any) -> Iterator[Any]:
    """Yields the modules of a package, without packages, in the order of their names."""
    for name, module in sorted(package.modules.items()):
        if not module.is_alias and not module.is_init_module and not name.startswith("_"):
            yield module


def packages_in(package: Any) -> Iterator[Any]:
    """Yields a package and all packages in it."""
    yield package
    for _, member in sorted(package.modules.items()):
        if not member.is_alias and member.is_init_module:
            yield from packages_in(member)


def own_members(found: Any) -> Iterator[Any]:
    """Yields the public members that a module defines itself and says something of."""
    for member in found.members.values():
        if not (member.is_alias or member.is_module or member.name.startswith("_")) and member.has_docstring:
            yield member


def signature_of(found: Any, written: Callable[[Any], str] | None = None) -> str:
    """Returns the parameters of a function or a class, in parentheses; empty if a class has none.

    Args:
        found: The function or class.
        written: Writes types; `annotation_of` by default.
    """
    type_of = written or annotation_of
    shown: list[str] = []
    parameters = list(found.parameters)
    if parameters and parameters[0].name in ("self", "cls"):
        parameters = parameters[1:]
    kinds = [str(one.kind.value) for one in parameters]
    for at, (kind, one) in enumerate(zip(kinds, parameters, strict=True)):
        if kind == "keyword-only" and not {"keyword-only", "variadic positional"} & set(kinds[:at]):
            shown.append("*")
        stars = {"variadic positional": "*", "variadic keyword": "**"}.get(kind, "")
        annotation = f": {type_of(one.annotation)}" if one.annotation is not None else ""
        equals = " = " if annotation else "="
        default = f"{equals}{one.default}" if one.default is not None and not stars else ""
        shown.append(f"{stars}{one.name}{annotation}{default}")
        if kind == "positional-only" and "positional-only" not in kinds[at + 1 :]:
            shown.append("/")
    return f"({' '.join(', '.join(shown).split())})" if shown or found.is_function else ""


def annotation_of(found: Any) -> str:
    """Returns a type as it is written, in one line and without quotes."""
    return " ".join(str(found).replace('"', "").split())
