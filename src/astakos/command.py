"""The entry point of the `astakos` command. It is installed even without the command's dependencies."""

import sys

HINT = (
    'the command is not installed here; install it with: pip install "astakos[server]", '
    'or "astakos[cli]" for the client commands only'
)


def main() -> None:
    """Runs the command; if its dependencies are missing, says so in one line."""
    try:
        from astakos.cli import main as command  # noqa: PLC0415 - may be missing
    except ModuleNotFoundError as error:
        sys.exit(f"astakos: {HINT} ({error.name} is missing)")
    command()
