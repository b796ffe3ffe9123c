"""The arguments that several tools have, with what assistants are told about them."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

LONGEST_NAME = 500

Project = Annotated[
    str | None, Field(max_length=LONGEST_NAME, description="UUID of a project; by default all of them.")
]
ResourceName = Annotated[
    str | None,
    Field(max_length=LONGEST_NAME, description="Name of a resource, for example compute.vm; by default all."),
]
Percent = Annotated[
    float, Field(strict=True, gt=0, le=1000, description="How much of the limit is used, in percent.")
]
Instant = Annotated[
    str | None,
    Field(max_length=100, description="ISO 8601 with a time zone, for example 2030-01-31T12:00:00+00:00."),
]
Outcome = Annotated[
    Literal["ACCEPT", "REJECT", "EXPIRED"] | None, Field(description="Only with this outcome; default all.")
]
Cursor = Annotated[
    str | None, Field(max_length=LONGEST_NAME, description="The `next_cursor` of the page before.")
]
HistoryLimit = Annotated[int, Field(strict=True, ge=1, le=200, description="How many entries at most.")]
RefusalLimit = Annotated[int, Field(strict=True, ge=1, le=100, description="How many at most.")]
Serial = Annotated[int, Field(strict=True, ge=1, description="The serial of a pending commission.")]


def _no_address(text: str) -> str:
    if "@" in text:
        raise ValueError("write the UUID of the user, not an email address")
    return text


Uuid = Annotated[str, AfterValidator(_no_address)]
Users = Annotated[
    list[Uuid] | None,
    Field(min_length=1, max_length=100, description="UUIDs of users; by default all users."),
]
