"""palate slates export, report."""

from pathlib import Path

import click

from palate.cli.output import json_option, show
from palate.cli.training import moment
from palate.core.home import Home


@click.group()
def slates() -> None:
    """What was answered: for training, and how much answers repeat themselves."""


@slates.command()
@click.option(
    "--out", type=click.Path(path_type=Path), required=True,
    help="A .parquet file, one row for each item shown, or a .jsonl file, one line for each slate.",
)  # fmt: skip
@click.option("--since", metavar="TIME", help="Only what was answered from then on (unix seconds or ISO 8601).")
@json_option
@click.pass_obj
def export(home: Home, out: Path, since: str | None, as_json: bool) -> None:
    """Write the answer log for training: what was shown, where, with which score and features."""
    from palate.jobs.slates import export as run

    told = run(home.require(), out, moment(since))
    show(told, f"{told['rows']:,} rows of {told['slates']:,} slates in {out}", as_json)


@slates.command()
@click.option("--days", type=click.IntRange(1, 3650), default=14, show_default=True, help="Days to look back.")
@json_option
@click.pass_obj
def report(home: Home, days: int, as_json: bool) -> None:
    """How much of the catalogue was aired, how much a listener's days repeat each other, answers by surface."""
    from palate.jobs.slates import report as run

    told = run(home.require(), days)
    share = f"{told['aired_share']:.1%} of {told['items']:,} items"
    lines = [f"aired in {days} days: {told['aired_items']:,}, {share}; {told['answers']:,} answers"]
    for name, one in told["surfaces"].items():
        overlap = "-" if one["overlap"] is None else f"{one['overlap']:.0%}"
        lines.append(
            f"{name}: {one['answers']:,} answers, {one['slates']:,} different; of a day's items {overlap} were shown "
            f"the day before ({one['listener_days']:,} days of listeners)"
        )
    show(told, "\n".join(lines), as_json)


COMMANDS = (slates,)
