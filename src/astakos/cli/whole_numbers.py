"""Whole numbers on the command line, within what a database can hold."""

import click

ROWS = click.IntRange(1, 1_000_000)
"""How many rows a command prints at most: it holds all of them in memory."""
ROW_NUMBER = click.IntRange(1, 2**63 - 1)
"""The number of something that is stored."""
