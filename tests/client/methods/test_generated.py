"""The faces of the client: one description, real signatures everywhere."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from astakosclient.methods.async_bound_methods import AsyncBoundCalls
from astakosclient.methods.async_methods import AsyncCalls
from astakosclient.methods.bound_methods import BoundCalls
from astakosclient.methods.documented_methods import Calls
from astakosclient.methods.project_methods import ProjectCalls
from astakosclient.v0_16.project_client import ProjectClient

GENERATOR = Path(__file__).parents[3] / "tools" / "generate_methods.py"
WITHOUT_A_TOKEN = {"get_services", "get_resources"}
NOT_A_CALL = {"commission", "lookups"}
"""What they return is awaited."""
METHODS = [name for face in (Calls, ProjectCalls) for name in vars(face) if not name.startswith("_")]


def parameters(face: type, name: str) -> list[Any]:
    return list(inspect.signature(getattr(face, name)).parameters.values())


def test_what_is_generated_is_current() -> None:
    checked = subprocess.run(
        [sys.executable, str(GENERATOR), "--check"], capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout) == (0, "")


@pytest.mark.parametrize("face", [AsyncCalls, BoundCalls, AsyncBoundCalls])
def test_every_face_has_every_method_with_its_documentation(face: type) -> None:
    for name in METHODS:
        documentation = getattr(face, name).__doc__
        first_line = documentation.split("\n")[0].replace("an ``async with``", "a ``with``")
        assert first_line == getattr(Calls, name).__doc__.split("\n")[0]
        assert "self._" not in documentation


@pytest.mark.parametrize("name", METHODS)
def test_the_faces_differ_by_the_token_and_by_being_awaited(name: str) -> None:
    own = parameters(Calls, name)
    assert parameters(AsyncCalls, name) == own
    without_token = own if name in WITHOUT_A_TOKEN else [own[0], *own[2:]]
    assert parameters(BoundCalls, name) == parameters(AsyncBoundCalls, name) == without_token
    for face in (AsyncCalls, AsyncBoundCalls):
        assert inspect.iscoroutinefunction(getattr(face, name)) == (name not in NOT_A_CALL)


@pytest.mark.parametrize("name", [name for name in vars(ProjectCalls) if not name.startswith("_")])
def test_the_client_of_0_16_has_the_same_calls_about_projects(name: str) -> None:
    assert parameters(ProjectClient, name) == parameters(BoundCalls, name)
    assert getattr(ProjectClient, name).__doc__ == getattr(BoundCalls, name).__doc__
