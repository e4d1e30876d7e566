"""palate ab assign, report, export, trial."""

from pathlib import Path

import click

from palate.cli.output import json_option, show
from palate.core.home import Home


@click.group()
def ab() -> None:
    """Experiments with listeners, as palate.toml declares them: [experiments.NAME]."""


@ab.command()
@click.argument("experiment")
@click.argument("users", nargs=-1, required=True)
@json_option
@click.pass_obj
def assign(home: Home, experiment: str, users: tuple[str, ...], as_json: bool) -> None:
    """Which variant each user gets; the same answer on every machine."""
    from palate.jobs.experiment import assign as run

    found = run(home, experiment, list(users))
    lines = [f"{user}  {variant or 'not in the experiment'}" for user, variant in found.items()]
    show({"experiment": experiment, "variants": found}, "\n".join(lines), as_json)


@ab.command()
@click.argument("experiment")
@json_option
@click.pass_obj
def report(home: Home, experiment: str, as_json: bool) -> None:
    """How an experiment stands, from exposures and listens; look as often as you like."""
    from palate.evaluation.online.words import table, to_json
    from palate.jobs.experiment import report as run

    judged = run(home, experiment)
    show(to_json(judged), table(judged), as_json)


@ab.command()
@click.argument("experiment")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The jsonl file to write.")
@json_option
@click.pass_obj
def export(home: Home, experiment: str, out: Path, as_json: bool) -> None:
    """Every exposure of an experiment, one JSON object a line."""
    from palate.jobs.experiment import export as run

    lines = run(home, experiment, out)
    show({"experiment": experiment, "exposures": lines, "out": str(out)}, f"{lines:,} exposures in {out}", as_json)


@ab.command()
@click.option("--listeners", type=int, default=20_000, show_default=True, help="How many simulated listeners.")
@click.option("--lift", type=float, default=0.03, show_default=True, help="The planted effect; 0.03 is 3%.")
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed is another world.")
@json_option
def trial(listeners: int, lift: float, seed: int, as_json: bool) -> None:
    """Try it all on simulated listeners, where the truth is known: an A/A, an A/B, and replay. Needs no home."""
    from palate.jobs.trial import text, to_json
    from palate.jobs.trial import trial as run

    found = run(listeners, lift, seed)
    show(to_json(found), text(found), as_json)


COMMANDS = (ab,)
