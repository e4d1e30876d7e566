"""palate eval run, report."""

import click

from palate.cli.output import json_option, show
from palate.core.errors import BadInput
from palate.core.home import Home


@click.group(name="eval")
def eval_() -> None:
    """How good the recommendations are, against baselines, with intervals."""


@eval_.command()
@click.option("--windows", type=int, help="How many weeks of the past to look at, four weeks apart.")
@json_option
@click.pass_obj
def run(home: Home, windows: int | None, as_json: bool) -> None:
    """Train on the past, recommend for the week after, compare with what was heard. Prints a table."""
    from palate.jobs.judging import judge

    text, data = judge(home, windows)
    show(data, text, as_json)


@eval_.command()
@json_option
@click.pass_obj
def report(home: Home, as_json: bool) -> None:
    """The last result again."""
    from palate.core.artefacts import read_json

    path = home.require().lab / "eval.json"
    if not path.is_file():
        raise BadInput(f"{home.root} has not been evaluated yet; run: palate eval run")
    kept = read_json(path)
    show(kept["data"], kept["text"], as_json)


COMMANDS = (eval_,)
