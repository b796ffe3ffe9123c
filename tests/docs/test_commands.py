"""Each command of `astakos` that a page shows exists, with its options, and so does what `curl` asks."""

from pathlib import Path

import pytest

from docs.shown_commands import PAGES, ROOT, calls, commands, is_path, mistake, paths_of_requests


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_what_a_page_tells_people_to_run_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    found = [mistake(words) for command in commands(text) for words in calls(command)]
    assert not [one for one in found if one]
    assert not [path for path in paths_of_requests(text) if not is_path(path)]


def test_commands_are_found_wherever_they_stand() -> None:
    text = "```console\n$ export T=$(astakos user token ada) \\\n && astakos load - | cat\nastakos is\n```\n"
    assert [words for command in commands(text) for words in calls(command)] == [
        ["user", "token", "ada"],
        ["load", "-"],
    ]


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        (["user", "add", "ada@example.org", "--first-name", "Ada"], ""),
        (["user", "ad", "ada@example.org"], "there is no command"),
        (["serve", "--prot", "80"], "--prot"),
        (["serve", "--port=80"], ""),
    ],
)
def test_a_command_that_does_not_exist_is_told(words: list[str], wrong: str) -> None:
    assert wrong in mistake(words)
    assert bool(wrong) == bool(mistake(words))


def test_a_path_that_the_api_lacks_is_told() -> None:
    assert is_path("/account/v1.0/projects/memberships/8")
    assert not is_path("/account/v1.0/project")
