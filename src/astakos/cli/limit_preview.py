"""Words what a new limit would do to a user."""

from astakos.administration.limit_previews import LimitPreview
from astakos.cli.quantities import shown
from astakos.directory.entities import User
from astakos.ledger.rules import UNLIMITED


def told_preview(user: User, resource: str, scale: int, found: LimitPreview) -> str:
    """Returns what a new limit of a resource would do to a user, in a few lines."""
    before, after, default = (shown(limit, scale) for limit in (found.before, found.after, found.default))
    lines = [
        f"{user.email} may have {before} of {resource} now, and {after} then; the default is {default}.",
        f"They use {shown(found.usage, scale)}, of which {shown(found.pending, scale)} are pending.",
    ]
    if found.after == UNLIMITED:
        lines.append("Nothing would limit them.")
    elif found.room < 0:
        lines.append(
            f"That is {shown(-found.room, scale)} more than the new limit: they keep it, "
            "and get nothing more until they use less."
        )
    else:
        lines.append(f"They could take {shown(found.room, scale)} more.")
    if found.is_suspended:
        lines.append("Their own project is suspended: the limit counts once it is active again.")
    return "\n".join([*lines, "Nothing has changed."])
