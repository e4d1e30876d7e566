"""palate recommend, embed, surface, similar, search."""

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
    from palate.surfaces.ask import Ask
    from palate.surfaces.registry import answer

    _show_slate(answer(open_live(home), "similar", Ask(n=n, seeds=(item,))), as_json)


@click.command()
@click.argument("name")
@click.option("--user", metavar="USER", help="The listener who is answered.")
@N
@click.option("--seed", "seeds", multiple=True, metavar="ITEM", help="Where to start; may be repeated.")
@click.option("--exclude", multiple=True, metavar="ITEM", help="What must not come back; may be repeated.")
@click.option("--unheard", is_flag=True, help="Only what the listener never played.")
@click.option("--with", "others", multiple=True, metavar="USER", help="A further listener; may be repeated.")
@click.option("--words", default="", help="What was typed.")
@click.option("--genre", default="", help="A genre by its name.")
@click.option("--adventure", type=float, default=0.0, help="From -1, play it safe, to 1, surprise me.")
@click.option("--energy", type=float, help="From 0, calm, to 1, lively.")
@click.option("--log", is_flag=True, help="Keep the answer in the home's answer log, as a server does.")
@json_option
@click.pass_obj
def surface(
    home: Home, /, name: str, user: str | None, adventure: float, energy: float | None, log: bool, as_json: bool,
    **said: Any,
) -> None:  # fmt: skip
    """Ask a surface: for_you, radio, home, ... Without a NAME that there is, the error lists them."""
    from palate.jobs.online import open_live
    from palate.jobs.slates import answer_and_log
    from palate.retrieval.query import Steer
    from palate.surfaces.ask import Ask
    from palate.surfaces.registry import answer

    ask, live = Ask(user_id=user, steer=Steer(adventure, energy), **said), open_live(home)
    _show_slate(answer_and_log(live, name, ask) if log else answer(live, name, ask), as_json)


@click.command()
@click.argument("words", nargs=-1, required=True)
@click.option("--user", metavar="USER", help="In the order of this listener's taste, with artists and shows.")
@N
@json_option
@click.pass_obj
def search(home: Home, words: tuple[str, ...], user: str | None, n: int, as_json: bool) -> None:
    """Find items by words of their title, artists, album or show; the last word may be unfinished."""
    from palate.store.items import ItemStore
    from palate.surfaces.ask import Ask

    ask = Ask(user, n, words=" ".join(words))
    if user is not None:
        from palate.jobs.online import open_live
        from palate.surfaces.registry import answer as surface_answer

        _show_slate(surface_answer(open_live(home), "search", ask), as_json)
        return
    with ItemStore(home.require().online / "items") as items:
        found = [items.get(int(row)) for row in items.search(ask.words, ask.n)]
    answer = [{"item_id": str(one.item_id), "kind": one.kind.value, "title": one.title} for one in found]
    lines = [f"{one.item_id}  {one.label}" for one in found]
    show({"items": answer}, "\n".join(lines) or "nothing found", as_json)


def _show_slate(slate: Any, as_json: bool) -> None:
    from dataclasses import asdict

    lines = [] if slate.note is None else [slate.note]
    if slate.shelves:
        for shelf in slate.shelves:
            lines += [f"\n{shelf.title}\n{shelf.reason}", *_listed(shelf.items)]
    else:
        lines += _listed(slate.items)
    show(asdict(slate), "\n".join(lines) or "nothing to answer with", as_json)


def _listed(items: list[Any]) -> list[str]:
    return [f"{rank:>3}  {one.item_id}  {one.title or ''}\n     {one.reason}" for rank, one in enumerate(items, 1)]


COMMANDS = (recommend, embed, surface, similar, search)
