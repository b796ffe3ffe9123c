"""Which new passwords are accepted: the same rule for every way to set one."""

SHORTEST_PASSWORD = 8
"""As NIST SP 800-63B has it. Together with the limits on attempts, too long to be guessed."""
LONGEST_PASSWORD = 1024


def refuse_password(password: str) -> str | None:
    """Returns why a new password is refused, or None if it is accepted."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        return f"a password must have {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters"
    return None
