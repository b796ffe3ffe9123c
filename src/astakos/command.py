"""The entry point of the command `astakos`, which the client alone installs as well."""

import sys

HINT = (
    'the command is not installed here; install it with: pip install "astakosclient[server]", '
    'or "astakosclient[cli]" for the client\'s side alone'
)


def main() -> None:
    """Run the command, or say in one line what it lacks."""
    try:
        from astakos.cli import main as command  # noqa: PLC0415 - it is what may be missing
    except ModuleNotFoundError as error:
        sys.exit(f"astakos: {HINT} ({error.name} is missing)")
    command()
