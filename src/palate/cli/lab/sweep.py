"""palate lab sweep."""

import re
from typing import Any

import click

from palate.cli.output import json_option, show
from palate.core.errors import BadInput
from palate.core.home import Home

UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def seconds_of(text: str) -> float:
    """90s, 20m, 1.5h, 1d, or a number of seconds; BadInput for anything else."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", text.strip())
    if found is None or not float(found[1]):
        raise BadInput(f"--budget {text!r} is no length of time; write for example 20m, 2h or 90s")
    return float(found[1]) * UNITS[found[2]]


def told(result: dict[str, Any]) -> str:
    """A sweep's result for people."""
    today = result["today"]["objective"]
    lines = [
        f"{result['trials']} trials ({result['pruned']} pruned, {result['failed']} given up) in "
        f"{result['seconds'] / 60:.1f} min; {result['metric']}",
        f"best: {result['best']['objective']:.5f}, trial {result['best']['trial']}"
        + ("" if today is None else f"; today's settings: {today:.5f}"),
    ]
    lines += [f"  {name} = {value}  (today {result['today']['values'][name]})" for name, value in _values(result)]
    shares = [f"{name} {share:.0%}" for name, share in result["importances"].items()]
    lines += [f"what matters: {', '.join(shares)}"] if shares else []
    lines += ["", "on windows that the search never saw:", result["table"]] if result["evidence"] else []
    lines += ["", result["verdict"]]
    if result["proposed"]:
        lines += [f"adopt: palate lab sweep --adopt {result['sweep']}   ({result['folder']}/proposal.toml)"]
    return "\n".join(lines)


def _values(result: dict[str, Any]) -> list[tuple[str, Any]]:
    return list(result["best"]["values"].items())


@click.command()
@click.argument("target", required=False)
@click.option("--trials", type=click.IntRange(1), default=40, show_default=True, help="How many in all.")
@click.option("--budget", metavar="TIME", help="How long in all, e.g. 20m; trials in work then are finished.")
@click.option("--workers", type=click.IntRange(1), help="Processes, each on one core; as many as cores if not given.")
@click.option("--name", default="", help="Another sweep of the same target.  [default: the target]")
@click.option("--where", multiple=True, metavar="KEY=LO:HI", help="Narrow a range, or fix it: KEY=VALUE. Repeatable.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of what is tried.")
@click.option("--held-out", type=click.IntRange(1), default=2, show_default=True, help="Windows kept for the evidence.")
@click.option("--adopt", metavar="NAME", help="Write what this sweep proposes into palate.toml; nothing else is done.")
@json_option
@click.pass_obj
def sweep(
    home: Home, /, target: str | None, budget: str | None, adopt: str | None, as_json: bool, **asked: Any
) -> None:
    """Search for better settings of TARGET: embeddings.items, embeddings.users or ranking. Without it, list sweeps.

    Trials are judged on earlier windows; the best has to win on later ones to be proposed. The same command goes on
    with a sweep that was stopped.
    """
    if adopt is not None:
        from palate.jobs.sweeping import adopt as write

        values, path = write(home, adopt)
        lines = [f"{name} = {value}" for name, value in values.items()]
        text = "\n".join([f"written into {path}:", *lines, "next: palate train"])
        show({"adopted": values, "file": str(path)}, text, as_json)
    elif target is None:
        from palate.lab.sweeps.reading import listed, table

        found = listed(home.require().lab)
        show({"sweeps": found}, table(found), as_json)
    else:
        from palate.jobs.sweeping import Asked
        from palate.jobs.sweeping import sweep as run

        seconds = float("inf") if budget is None else seconds_of(budget)
        result = run(home, Asked(target, budget_seconds=seconds, **asked))
        show(result, told(result), as_json)


COMMANDS: tuple[click.Command, ...] = (sweep,)
