"""palate lab: runs, ui, sweep, importance, profile, report, listen."""

import click

from palate.cli.lab import importance, listen, profile, report, runs, sweep, ui


@click.group()
def lab() -> None:
    """Every training and judging as a run: list, compare, sweep, profile, report, listen."""


for module in (ui, runs, sweep, importance, profile, report, listen):
    for command in module.COMMANDS:
        lab.add_command(command)

COMMANDS = (lab,)
