"""palate heads list, show, promote, rollback, retire."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from palate.cli.output import json_option, show
from palate.core.home import Home

if TYPE_CHECKING:
    from palate.core.aliases import Entry
    from palate.heads.registry import Heads

WHY = click.option("--why", default="", metavar="TEXT", help="For the history; else it says that it was by hand.")


@click.group()
def heads() -> None:
    """Small models that other teams trained on the vectors: which are live, and on which space they stand."""


@heads.command(name="list")
@json_option
@click.pass_obj
def list_(home: Home, as_json: bool) -> None:
    """All versions of all heads, with the space that each was taught on and what the live ones are served from."""
    from palate.heads.registry import Heads

    found = Heads(home.require())
    rows = [row for name in found.names() for row in _rows(found, name)]
    text = "\n".join(_line(row) for row in rows) or "no heads yet; docs/howto/train-a-head.md says how to make one"
    show({"heads": rows}, text, as_json)


def _rows(found: Any, name: str) -> list[dict[str, Any]]:
    from palate.core.errors import Corrupt
    from palate.embeddings.space import Spaces
    from palate.heads.registry import ground_of

    standing, live = found.aliases(name).standing(), found.live(name)
    rows = []
    for label in found.versions(name):
        row = {"head": label, "name": name, "live": label == live, "next": label == standing.next}
        try:
            manifest = found.manifest(label)
            ground = ground_of(label, manifest, Spaces(found.home.spaces))
            told = {key: manifest[key] for key in ("space", "created", "why", "metrics", "trained")}
            rows.append(row | told | {"serves": ground.how, "serves_from": ground.space, "note": ground.note})
        except (Corrupt, KeyError) as error:
            rows.append(row | {"space": None, "serves": "off", "serves_from": None, "note": str(error)})
    return rows


def _line(row: dict[str, Any]) -> str:
    word = "live" if row["live"] else "next" if row["next"] else ""
    if row["space"] is None:
        return f"{row['head']:<24} {word:<4}  damaged: {row['note']}"
    created = datetime.fromtimestamp(row["created"], UTC)
    metrics = "  ".join(f"{name} {value:.3f}" for name, value in row["metrics"].items())
    told = "  ".join(filter(None, [metrics, row["why"], row["note"] if row["live"] else ""]))
    return f"{row['head']:<24} {word:<4}  {created:%Y-%m-%d %H:%M}  on {row['space']:<10} {told}".rstrip()


@heads.command(name="show")
@click.argument("label")
@json_option
@click.pass_obj
def show_(home: Home, label: str, as_json: bool) -> None:
    """What a version says of itself: space, inputs, settings, examples, metrics. LABEL is NAME@3, or NAME if live."""
    import json

    from palate.core.errors import BadInput
    from palate.heads.registry import Heads

    found = Heads(home.require())
    chosen = label if "@" in label else found.live(label)
    if chosen is None:
        raise BadInput(f"no version of the head {label[:80]!r} is live; name one, as in {label[:40]}@1")
    manifest = found.manifest(chosen)
    show(manifest, json.dumps(manifest, indent=2, sort_keys=True), as_json)


@heads.command()
@click.argument("label")
@WHY
@json_option
@click.pass_obj
def promote(home: Home, label: str, why: str, as_json: bool) -> None:
    """Make a version live: its files are checked, its space is pinned. Servers take it with the next request."""
    _move(home, lambda found: found.promote(label, why or "promoted by hand"), "live", as_json)


@heads.command()
@click.argument("name")
@WHY
@json_option
@click.pass_obj
def rollback(home: Home, name: str, why: str, as_json: bool) -> None:
    """Undo the latest promotion of a head that stands; its pin goes back too."""
    _move(home, lambda found: found.rollback(name, why or "rolled back by hand"), "live again", as_json)


def _move(home: Home, move: Callable[["Heads"], "Entry"], it_is: str, as_json: bool) -> None:
    """Makes another version of a head live, and says so."""
    from palate.heads.registry import Heads

    label = move(Heads(home.require())).space
    show({"live": label}, f"{label} is {it_is}", as_json)


@heads.command()
@click.argument("label")
@WHY
@click.option("--force", is_flag=True, help="Also when it is live, next or previous; needs --why.")
@json_option
@click.pass_obj
def retire(home: Home, label: str, why: str, force: bool, as_json: bool) -> None:
    """Remove a version for good. Retiring the live one turns the head off and lets its space go."""
    from palate.heads.registry import Heads

    Heads(home.require()).retire(label, why or ("" if force else "retired by hand"), force)
    show({"retired": label, "forced": force}, f"{label} is retired; its label is not used again", as_json)


COMMANDS = (heads,)
