"""The texts of mail: templates that an operator can replace.

A template is a file `<kind of event>.txt`; what the members of a project are told is in
`<kind of event>.members.txt`, and what is told of the limit of a key in `<kind of event>.key.txt`. Its first
line is `Subject: …`, the second is empty, and the rest is the text. `$name` stands for a value; nothing in a
template can do anything else.
"""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from string import Template

import msgspec

from astakos.deliveries.readable_text import one_line
from astakos.events.event import Event
from astakos.events.notices import KEY_NOTICES, MEMBER_NOTICES, NOTICES
from astakos.storage.tables.destinations import MEMBERS

SUBJECT = "Subject: "
LONGEST_TEMPLATE = 64 * 1024
LONGEST_SUBJECT = 200
VALUES = frozenset(
    {
        "actor",
        "address",
        "component",
        "data",
        "end_date",
        "key",
        "left",
        "limit",
        "link",
        "message",
        "name",
        "new_address",
        "number",
        "page",
        "percent",
        "project",
        "project_id",
        "reason",
        "resets",
        "resource",
        "time",
        "url",
        "usage",
        "user_id",
    }
)
"""The names that a template can contain; docs/notices.md says what they stand for."""


KEY = "key"
"""What the names of templates end with that are about the limit of a key."""
NAMES = (
    *NOTICES,
    *(f"{kind}.{MEMBERS}" for kind in MEMBER_NOTICES),
    *(f"{kind}.{KEY}" for kind in KEY_NOTICES),
)
"""What templates there are."""


class TemplateError(Exception):
    """A template cannot be used; the message says why."""


class MailTemplate(msgspec.Struct, frozen=True):
    """The subject and the text of a mail, before values are put in."""

    subject: str
    text: str

    def subject_with(self, values: Mapping[str, str]) -> str:
        """Returns the subject, in one line: values come from users, and must not add headers."""
        return one_line(Template(self.subject).substitute(values))[:LONGEST_SUBJECT]

    def text_with(self, values: Mapping[str, str]) -> str:
        """Returns the text."""
        return Template(self.text).substitute(values)


def template_name(event: Event, destination: str) -> str:
    """Returns the name of the template for an event that is mailed to a destination."""
    if destination == MEMBERS:
        return f"{event.kind}.{MEMBERS}"
    if event.kind in KEY_NOTICES and KEY in (event.after or {}):
        return f"{event.kind}.{KEY}"
    return event.kind


def load_templates(folder: Path | None) -> dict[str, MailTemplate]:
    """Returns all templates by name, from a folder as far as it has them.

    Raises:
        TemplateError: a template is malformed, or is for no notice.
    """
    own = files("astakos.deliveries") / "mail_templates"
    found = {name: _parsed((own / f"{name}.txt").read_text("utf-8"), name) for name in NAMES}
    if folder is None:
        return found
    try:
        for file in sorted(folder.glob("*.txt")):
            if file.stem not in NAMES:
                raise TemplateError(f"{file} is for no notice; there are: {', '.join(NAMES)}")
            found[file.stem] = _parsed(_read(file), str(file))
        if not folder.is_dir():
            raise TemplateError(f"{folder} is not a folder")
    except OSError as error:
        raise TemplateError(f"{error.filename or folder} cannot be read: {error.strerror}") from error
    return found


def _read(file: Path) -> str:
    with file.open("rb") as stream:
        content = stream.read(LONGEST_TEMPLATE + 1)
    if len(content) > LONGEST_TEMPLATE:
        raise TemplateError(f"{file} is longer than {LONGEST_TEMPLATE} bytes")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise TemplateError(f"{file} is not in UTF-8") from None


def _parsed(content: str, name: str) -> MailTemplate:
    first, _, rest = content.replace("\r\n", "\n").partition("\n")
    if not first.startswith(SUBJECT) or not rest.startswith("\n"):
        raise TemplateError(f"{name} must start with a line `{SUBJECT}…` and an empty line")
    template = MailTemplate(first.removeprefix(SUBJECT).strip(), rest.removeprefix("\n"))
    for part in (Template(template.subject), Template(template.text)):
        if not part.is_valid():
            raise TemplateError(f"{name} has a $ that no name follows; write $$ for a dollar sign")
        unknown = sorted(set(part.get_identifiers()) - VALUES)
        if unknown:
            known = ", ".join(f"${value}" for value in sorted(VALUES))
            raise TemplateError(f"{name} has ${unknown[0]}, which stands for nothing; there are: {known}")
    return template
