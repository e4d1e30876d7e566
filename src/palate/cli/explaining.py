"""palate explain, why-not."""

from collections.abc import Callable
from typing import Any

import click

from palate.cli.output import json_option, show
from palate.core.home import Home


def _asking(command: Callable[..., None]) -> Callable[..., None]:
    """USER, ITEM, and what a surface reads."""
    options = (
        click.argument("user"),
        click.argument("item"),
        click.option("--surface", default="for_you", show_default=True, help="Whose answer."),
        click.option("--n", type=int, default=100, show_default=True, help="For how many items it is asked."),
        click.option("--seed", "seeds", multiple=True, metavar="ITEM", help="Where it starts; may be repeated."),
        click.option("--unheard", is_flag=True, help="Only what the listener never played."),
        click.option("--with", "others", multiple=True, metavar="USER", help="A further listener; may be repeated."),
        click.option("--words", default="", help="What was typed."),
        click.option("--genre", default="", help="A genre by its name."),
        json_option,
        click.pass_obj,
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@_asking
def explain(home: Home, /, user: str, item: str, surface: str, as_json: bool, **said: Any) -> None:
    """Why an item is, or is not, in a surface's answer: each stage of the request path with its numbers."""
    told = _told(home, user, item, surface, said)
    show(told, "\n".join(_lines(told)), as_json)


@click.command(name="why-not")
@_asking
def why_not(home: Home, /, user: str, item: str, surface: str, as_json: bool, **said: Any) -> None:
    """Where an item fell on its way to a surface's answer, in a sentence."""
    told = _told(home, user, item, surface, said)
    names = ("user_id", "item_id", "surface", "position", "removed", "verdict", "shelf", "shelves")
    show({name: told[name] for name in names}, told["verdict"], as_json)


def _told(home: Home, user: str, item: str, surface: str, said: dict[str, Any]) -> dict[str, Any]:
    from palate.jobs.online import open_live
    from palate.surfaces.ask import Ask
    from palate.surfaces.explanation import explanation

    return explanation(open_live(home), surface, Ask(user_id=user, **said), item, said["n"])


def _lines(told: dict[str, Any]) -> list[str]:
    """For people: the verdict first, then stage by stage."""
    lines = [told["verdict"], f"{told['label']} for {told['user_id']} on {told['surface']}, {told['space']}"]
    if told.get("reason"):
        lines.append(f"said of it: {told['reason']}")
    lines += [f"shelf {one['shelf']}: {one['verdict']}" for one in told["shelves"]]
    for one in told.get("offered", []):
        because = f", because of {one['because']}" if one["because"] else ""
        lines.append(f"offered by {one['source']} at {one['place']} of {one['quota']}, {one['score']:.4g}{because}")
    for one in told.get("not_offered", []):
        place = "not found" if one["place"] is None else f"at {one['place']:,}"
        lines.append(f"not by {one['source']}, which offers {one['quota']}: {place}")
    for one in told.get("filters", []):
        word = {True: "passed", False: f"removed: {one['reason']}", None: "never came there"}[one["passed"]]
        lines.append(f"filter {one['filter']}: {word}")
    if told.get("held_back"):
        lines.append(f"held back: {told['held_back']}")
    if "score" in told:
        lines.append(f"score {told['score']:.4g}, rank {told['score_rank']:,} of {told['scored']:,}")
        parts = told["contributions"]
        lines += [f"  {name} = {value:.4g}{_adds(parts, name)}" for name, value in told["features"].items()]
    if told.get("base") is not None:
        lines.append(f"  all begin with {told['base']:.4g}")
    return lines


def _adds(parts: dict[str, float], name: str) -> str:
    return f", adds {parts[name]:+.4g}" if name in parts else ""


COMMANDS = (explain, why_not)
