"""palate lab importance."""

import click

from palate.cli.output import json_option, show
from palate.core.home import Home


@click.command()
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@click.option(
    "--by", type=click.Choice(["permutation", "gain", "shap"]), default="permutation", show_default=True,
    help="What is measured; docs/rooms/importance.md says where each misleads.",
)  # fmt: skip
@json_option
@click.pass_obj
def importance(home: Home, runs: tuple[str, ...], by: str, as_json: bool) -> None:
    """What the ranker goes by, in one run or side by side in several; without RUN, in the latest that has it."""
    from palate.jobs.importances import as_answer, as_text, compare
    from palate.lab.book import Book

    found = compare(Book(home.require().lab), runs, by)
    show(as_answer(found), as_text(found), as_json)


COMMANDS = (importance,)
