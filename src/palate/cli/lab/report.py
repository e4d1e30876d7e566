"""palate lab report."""

from pathlib import Path

import click

from palate.cli.output import json_option, show
from palate.core.home import Home


@click.command()
@click.argument("name", required=False)
@click.argument("more", nargs=-1, metavar="[RUN]...")
@click.option(
    "--runs", multiple=True, metavar="ID...", help="Begin it over these runs: ids, beginnings of ids, or names."
)
@click.option("--where", default="", help="Begin it over the runs that meet a condition now: \"job == 'train'\".")
@click.option("--pdf", is_flag=True, help="Make the PDF too; needs a Chromium, Chrome or Edge.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Copy it there: a folder, or a name ending in .html or .pdf."
)
@json_option
@click.pass_obj
def report(
    home: Home, name: str | None, more: tuple[str, ...], runs: tuple[str, ...], where: str, pdf: bool, out: Path | None,
    as_json: bool,
) -> None:  # fmt: skip
    """A page of text, tables, plots and sounds from chosen runs, in one file; without a NAME: which reports there are.

    The first time, --runs or --where writes a recipe, home/lab/reports/NAME.md: edit it, and run the command again.
    """
    from palate.lab.reports.telling import listed, made, write

    home.require()
    if name is None:
        show(*listed(home.lab), as_json)
        return
    ids = [word for one in (*runs, *more) for word in one.split(",") if word]
    if more and not runs:
        raise click.UsageError(f"what is {more[0]!r}? Say --runs before the ids of runs.")
    show(*made(write(home.lab, name, ids, where, pdf), out), as_json)


COMMANDS = (report,)
