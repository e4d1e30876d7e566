"""palate lab runs, copy."""

from dataclasses import asdict
from typing import Any

import click

from palate.cli.output import json_option, note, show
from palate.core.errors import BadInput
from palate.core.home import Home

FOR_PEOPLE = 30


@click.command()
@click.argument("chosen", metavar="[RUN]...", nargs=-1)
@click.option("--where", help="Only runs that meet a condition: \"task=='discover' and ndcg_at_10>.05\".")
@click.option("--sort", help="Names joined by commas; a - before one sorts it downwards. Else the newest first.")
@click.option("--group-by", "by", help="Runs that have the same value under this name stand together.")
@click.option("--columns", default="", help="Names of settings, results or fields to show, joined by commas.")
@click.option("--limit", type=click.IntRange(min=1), help=f"So many at most.  [default: {FOR_PEOPLE}; all with --json]")
@click.option("--job", help="Only runs of this job: train, eval, sweep, ...")
@json_option
@click.pass_obj
def runs(
    home: Home, chosen: tuple[str, ...], where: str | None, sort: str | None, by: str | None, columns: str,
    limit: int | None, job: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Lists runs; shows RUN wholly, or several side by side. A RUN is an id, its beginning, or a name."""
    from palate.lab import listing
    from palate.lab.book import Book

    book = Book(home.require().lab)
    if chosen:
        if where or sort or by or columns or limit or job:
            raise BadInput("name runs or choose them by options, not both; with names only --json goes")
        infos = [book.get(name) for name in chosen]
        text = listing.whole(book, infos[0]) if len(infos) == 1 else listing.comparison(infos)
        show({"runs": [listing.as_json(book, info) for info in infos]}, text, as_json)
        return
    names = [name.strip() for name in columns.split(",") if name.strip()]
    found, wanted = listing.listed(book, where, sort, job, [*names, *([by] if by else [])])
    some = found[: limit or (len(found) if as_json else FOR_PEOPLE)]
    if as_json:
        show({"runs": [listing.as_json(book, info, names) for info in some], "total": len(found)}, "", as_json)
        return
    click.echo(listing.grouped(some, by, wanted) if by else listing.table(some, wanted) if some else "no runs")
    if len(some) < len(found):
        note(f"{len(some)} of {len(found):,} runs; --limit {len(found)} shows all, --where chooses")


@click.command()
@click.argument("chosen", metavar="[RUN]...", nargs=-1)
@click.option("--to", "tracker", type=click.Choice(["trackio", "wandb"]), required=True, help="The tracker.")
@click.option("--where", help="Runs that meet a condition, as in `palate lab runs`.")
@json_option
@click.pass_obj
def copy(home: Home, chosen: tuple[str, ...], tracker: Any, where: str | None, as_json: bool) -> None:
    """Copies runs to a tracker, or what is new of them since they were copied."""
    from palate.core.settings import read_settings
    from palate.lab.book import Book
    from palate.lab.mirror import copy_runs
    from palate.lab.settings import LabSettings

    book = Book(home.require().lab)
    infos = [book.get(name) for name in chosen] + (book.runs(where) if where else [])
    if not infos:
        raise BadInput("no run to copy; name runs, or choose some with --where \"job == 'train'\"")
    copies = copy_runs(book, infos, tracker, LabSettings.read(read_settings(home.settings)))
    lines = [f"{one.run}  {'whole' if one.whole else 'so far'}  {one.called}" for one in copies]
    lines += [f"{one.run}  left out: {why}" for one in copies for why in one.left_out]
    show({"copies": [asdict(one) for one in copies]}, "\n".join(lines), as_json)


COMMANDS = (runs, copy)
