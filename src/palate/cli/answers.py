"""palate recommend, embed, similar, search, explain."""

from pathlib import Path
from typing import Any

import click

from palate.cli.output import json_option, note, show
from palate.cli.training import moment
from palate.core.home import Home

OUT = click.option("--out", type=click.Path(path_type=Path), required=True, help="The parquet file to write.")
AT = click.option(
    "--at", metavar="TIME", help="As of this time (unix seconds or ISO 8601); default: after the last listen."
)
N = click.option("--n", type=int, default=20, show_default=True, help="How many items, at most 1000.")


@click.command()
@click.option("--users", type=click.Path(path_type=Path), required=True, help="A text file with one user id a line.")
@click.option("--n", type=int, default=100, show_default=True, help="How many items for each listener, at most 1000.")
@AT
@click.option("--surface", default="for_you", show_default=True, help="Whose recipe to follow.")
@click.option("--exclude-heard", is_flag=True, help="Only what the listener never played.")
@OUT
@json_option
@click.pass_obj
def recommend(
    home: Home, users: Path, n: int, at: str | None, surface: str, exclude_heard: bool, out: Path, as_json: bool
) -> None:
    """Recommendations for many listeners, as parquet: user_id, rank, item_id, score, source, reason."""
    from palate.jobs.batch import read_users
    from palate.jobs.batch import recommend as run

    answer = run(home.require(), read_users(users), n, moment(at), surface, exclude_heard, out)
    _warn(answer)
    strangers = f", {answer['strangers']:,} of them strangers" if answer["strangers"] else ""
    show(answer, f"{answer['rows']:,} rows for {answer['users']:,} listeners{strangers} in {out}", as_json)


@click.command()
@click.argument("what", type=click.Choice(["users", "items"]))
@click.option("--space", "label", metavar="LABEL", help="Of this version, as in taste@6; default: the live one.")
@AT
@OUT
@json_option
@click.pass_obj
def embed(home: Home, what: str, label: str | None, at: str | None, out: Path, as_json: bool) -> None:
    """All vectors of one kind, as parquet: user_id or item_id, vector. A score is their dot product."""
    from palate.jobs.batch import embed as run

    answer = run(home.require(), what, moment(at), out, label)
    _warn(answer)
    show(answer, f"{answer[what]:,} vectors of {answer['space']}, {answer['dim']} dimensions, in {out}", as_json)


def _warn(answer: dict[str, Any]) -> None:
    if answer["space_learnt_later"]:
        note(
            f"note: {answer['space']} has learnt from listens after --at; for an honest test: palate train --until TIME"
        )


@click.command()
@click.argument("item")
@N
@json_option
@click.pass_obj
def similar(home: Home, item: str, n: int, as_json: bool) -> None:
    """What goes with an item."""
    from palate.jobs.online import open_live

    _show_slate(open_live(home).similar(item, n), as_json)


@click.command()
@click.argument("words", nargs=-1, required=True)
@N
@json_option
@click.pass_obj
def search(home: Home, words: tuple[str, ...], n: int, as_json: bool) -> None:
    """Find items by words of their title or artists; the last word may be unfinished."""
    from palate.store.items import ItemStore
    from palate.surfaces.live import checked

    with ItemStore(home.require().online / "items") as items:
        found = [items.get(int(row)) for row in items.search(" ".join(words), checked(n))]
    answer = [{"item_id": str(one.item_id), "kind": one.kind.value, "title": one.title} for one in found]
    lines = [f"{one.item_id}  {one.label}" for one in found]
    show({"items": answer}, "\n".join(lines) or "nothing found", as_json)


@click.command()
@click.argument("user")
@click.argument("item")
@json_option
@click.pass_obj
def explain(home: Home, user: str, item: str, as_json: bool) -> None:
    """Why an item is, or is not, in a listener's for_you: each stage of the request path with its numbers."""
    from palate.jobs.online import open_live
    from palate.surfaces.explanation import explanation

    answer = explanation(open_live(home), user, item)
    lines = [f"{name}: {value}" for name, value in answer.items() if name != "features"]
    lines += [f"  {name} = {value}" for name, value in answer["features"].items()]
    show(answer, "\n".join(lines), as_json)


def _show_slate(slate: Any, as_json: bool) -> None:
    from dataclasses import asdict

    lines = [
        f"{rank:>3}  {one.item_id}  {one.title or ''}\n     {one.reason}"
        for rank, one in enumerate(slate.items, start=1)
    ]
    show(asdict(slate), "\n".join(lines) or "nothing to answer with", as_json)


COMMANDS = (recommend, embed, similar, search, explain)
