"""Tables of users, their groups, and what they tell administrators."""

from sqlalchemy import Index

from astakos.storage.schema.definition.parts import (
    flag,
    identifier,
    number,
    own_token,
    partial_index,
    reference,
    table,
    text,
)

users = table(
    "users",
    identifier(),
    text("uuid", unique=True),
    text("username", unique=True),
    text("email"),
    text("first_name"),
    text("last_name"),
    flag("is_active"),
    flag("email_verified"),
    flag("moderated"),
    flag("is_rejected"),
    flag("has_signed_terms"),
    text("default_project", nullable=True),
    text("password_hash", nullable=True),
    *own_token(),
    # Users whose default project is not their own; they are few.
    partial_index("users_by_default_project", "default_project", where="default_project <> uuid"),
    # Those whom administrators decide about; they are few.
    partial_index("users_not_active", "id", where="NOT is_active"),
)

groups = table("groups", identifier(), text("name", unique=True))

user_groups = table(
    "user_groups",
    reference("user_id", "users.id", primary_key=True),
    reference("group_id", "groups.id", primary_key=True),
    Index("members_of_group", "group_id"),
)

# Separate from `users`, because that table is read on every call.
user_records = table(
    "user_records",
    reference("user_id", "users.id", primary_key=True),
    number("date_joined", nullable=True),
    number("verified_at", nullable=True),
    number("moderated_at", nullable=True),
    text("deactivated_reason", nullable=True),
    text("rejected_reason", nullable=True),
    text("accepted_policy", nullable=True),
    text("affiliation", nullable=True),
    text("metadata"),
)

feedback = table(
    "feedback",
    identifier(),
    reference("user_id", "users.id"),
    number("time"),
    text("message"),
    text("data"),
    Index("feedback_of_user", "user_id", "time"),
)
