"""Tables of projects, their members, and those who apply or are invited."""

from sqlalchemy import Index, UniqueConstraint

from astakos.storage.schema.definition.parts import (
    binary,
    flag,
    identifier,
    number,
    partial_index,
    reference,
    table,
    text,
)

# What everybody sees; among system projects, they are few.
PUBLIC = "state = 'active' AND NOT private"
# Those that end by themselves at their end date.
ENDING = "NOT system_project AND state IN ('active', 'suspended')"
# Each user has a system project; the shared ones are few beside them.
SHARED = "NOT system_project"
# Few are within another.
WITHIN = "parent IS NOT NULL"

# `announced_end` is the end date that a notice has told of last. `parent` is the uuid of the project above.
projects = table(
    "projects",
    identifier(),
    text("uuid", unique=True),
    text("name"),
    flag("system_project"),
    text("owner", nullable=True),
    text("state"),
    text("homepage"),
    text("description"),
    text("comments"),
    number("creation_date"),
    number("end_date"),
    text("join_policy"),
    text("leave_policy"),
    number("max_members"),
    flag("private"),
    number("deactivated", nullable=True),
    number("announced_end", nullable=True),
    text("parent", nullable=True),
    Index("projects_by_name", "name"),
    Index("projects_by_owner", "owner"),
    partial_index("projects_by_parent", "parent", where=WITHIN),
    partial_index("projects_by_end_date", "end_date", "id", where=ENDING),
    partial_index("public_projects", "id", where=PUBLIC),
    partial_index("shared_projects", "id", where=SHARED),
    partial_index("shared_projects_by_name", "name", "id", where=SHARED),
)

# `user_id` is the applicant. What is null stays as it is in the project. `resources` is a JSON object, as it
# is only read and written as a whole: `{"<resource>": [<project capacity>, <member capacity>]}`.
project_applications = table(
    "project_applications",
    identifier(),
    reference("project_id", "projects.id"),
    reference("user_id", "users.id"),
    text("state"),
    number("submitted"),
    text("name", nullable=True),
    text("owner", nullable=True),
    text("homepage", nullable=True),
    text("description", nullable=True),
    text("comments", nullable=True),
    number("start_date", nullable=True),
    number("end_date", nullable=True),
    text("join_policy", nullable=True),
    text("leave_policy", nullable=True),
    number("max_members", nullable=True),
    flag("private", nullable=True),
    text("resources"),
    Index("applications_of_project", "project_id"),
    Index("applications_by_applicant", "user_id", "state"),
    Index("applications_by_state", "state", "id"),
)

# `creator` is the uuid of the user who made it, for people. An invitation outlives the account.
project_invitations = table(
    "project_invitations",
    identifier(),
    reference("project_id", "projects.id"),
    binary("secret_hash", unique=True),
    number("max_uses"),
    number("uses"),
    number("created"),
    number("expires"),
    text("creator", nullable=True),
    Index("invitations_of_project", "project_id"),
)

project_resources = table(
    "project_resources",
    reference("project_id", "projects.id", primary_key=True),
    reference("resource_id", "resources.id", primary_key=True),
    number("project_capacity"),
    number("member_capacity"),
)

# `entered` is a JSON object: when the membership entered each of its states.
memberships = table(
    "memberships",
    identifier(),
    reference("user_id", "users.id"),
    reference("project_id", "projects.id"),
    text("state"),
    flag("ever_accepted"),
    text("entered", nullable=True),
    UniqueConstraint("user_id", "project_id"),
    Index("memberships_of_project", "project_id", "id"),
)

# Not in `projects`, whose rows the ledger reads: members come and go without being in its way.
member_counts = table(
    "member_counts",
    reference("project_id", "projects.id", primary_key=True),
    number("members"),
)

deactivations = table(
    "deactivations",
    reference("user_id", "users.id", primary_key=True),
    reference("project_id", "projects.id", primary_key=True),
    text("suspended", primary_key=True),
)
