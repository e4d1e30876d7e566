"""palate lab profile."""

import click

from palate.cli.output import json_option, show
from palate.core.errors import BadInput
from palate.core.home import Home


def sizes(text: str) -> list[int]:
    """Batch sizes joined by commas."""
    try:
        return [int(one) for one in text.split(",")]
    except ValueError as error:
        raise BadInput(f"--batch {text!r} is not a list of sizes; write for example 1,8,64,512") from error


@click.command()
@click.argument("label", default="live")
@click.option("--batch", default="1,8,64,512", show_default=True, help="Batch sizes, joined by commas.")
@click.option("--seconds", type=float, default=2.0, show_default=True, help="For each model and batch size.")
@json_option
@click.pass_obj
def profile(home: Home, label: str, batch: str, seconds: float, as_json: bool) -> None:
    """What each model of a space costs to run: latency, throughput, CPU and memory over batch sizes.

    LABEL is a published space such as taste@7; by default the live one. Budgets stand in palate.toml: [budgets].
    """
    from palate.core.settings import read_settings
    from palate.jobs.profiling import Budgets, as_answer, as_text, profile_space

    budgets = Budgets.read(read_settings(home.require().settings))
    found = profile_space(home, label, seconds, sizes(batch))
    show(as_answer(found, budgets), as_text(found, budgets), as_json)


COMMANDS = (profile,)
