"""palate space list, history, promote, next, rollback, pin, unpin, retire, stability, drift."""

from datetime import UTC, datetime
from typing import Any

import click

from palate.cli.output import json_option, note, show
from palate.core.home import Home

# One that was not in use (not live, next, pinned, nor what a rollback goes to) has missed what came meanwhile.
LEVEL = "a running server brings its tastes level with the log, else run: palate fresh"
WHY = click.option("--why", default="", metavar="TEXT", help="For the history; else it says that it was by hand.")
DONE = {
    "promote": "promoted", "force": "forced", "rollback": "rolled back to", "refuse": "refused", "retire": "retired",
}  # fmt: skip


@click.group()
def space() -> None:
    """The published versions of the space: which is live, which is next, and who decided it when and why."""


@space.command(name="list")
@json_option
@click.pass_obj
def list_(home: Home, as_json: bool) -> None:
    """All versions, oldest first, with what was last decided about each."""
    from palate.embeddings.space import Spaces

    spaces = Spaces(home.require().spaces)
    standing = spaces.aliases.standing()
    last = {one.space: one for one in spaces.aliases.entries() if one.alias != "pin"}
    aliases = {"live": standing.live, "next": standing.next, "previous": spaces.fallback}
    rows: list[dict[str, Any]] = [
        {"space": one.label}
        | {name: one.label == label for name, label in aliases.items()}
        | {name: one.manifest[name] for name in ("created", "listens", "items", "dim", "until")}
        | {"pinned_by": list(standing.pinned_by(one.label))}
        | {name: getattr(last.get(one.label), name, "") for name in ("alias", "move", "who", "why")}
        for one in spaces.versions()
    ]
    text = "\n".join(_lines(rows)) or "no spaces yet; run: palate train"
    pins = dict(standing.pins)
    show({"spaces": rows, "aliases": aliases, "pins": pins, "history": spaces.history()}, text, as_json)


def _lines(rows: list[dict[str, Any]]) -> list[str]:
    words = [next((name for name in ("live", "next", "previous") if row[name]), "") for row in rows]
    width = max(map(len, words), default=0)
    lines = []
    for row, word in zip(rows, words, strict=True):
        created = datetime.fromtimestamp(row["created"], UTC)
        size = f"{row['listens']:,} listens  {row['items']:,} items"
        told = "; ".join(filter(None, [_decided(row), _pinned(row)]))
        lines.append(f"{row['space']:<10} {word:<{width}}  {created:%Y-%m-%d %H:%M}  {size}  {told}".rstrip())
    return lines


def _pinned(row: dict[str, Any]) -> str:
    return f"pinned by {', '.join(row['pinned_by'])}" if row["pinned_by"] else ""


def _decided(one: dict[str, Any]) -> str:
    """`promoted by ana@desk: trained, run f7dc976ccb5773b8`; empty for a version about which nothing was decided."""
    done = "proposed" if one["alias"] == "next" else DONE.get(one["move"], one["move"])
    if one["move"] in ("pin", "unpin"):
        done = f"{'pinned' if one['move'] == 'pin' else 'unpinned'} for {one['consumer']}"
    by = f"{done} by {one['who']}" if one["who"] else done
    return " ".join(f"{by}: {one['why']}".split()) if done else ""


@space.command()
@click.option("--verify", is_flag=True, help="Also check that no line was changed or taken out.")
@json_option
@click.pass_obj
def history(home: Home, verify: bool, as_json: bool) -> None:
    """Every promotion, rollback, refusal, candidate, pin and retirement, oldest first: when, who, why."""
    from dataclasses import asdict

    from palate.embeddings.space import Spaces

    aliases = Spaces(home.require().spaces).aliases
    chain = aliases.verify() if verify else None
    rows = [asdict(one) for one in aliases.entries()]
    lines = [
        f"{datetime.fromtimestamp(row['time'], UTC):%Y-%m-%d %H:%M:%S}  {row['alias']:<4}  {row['space']:<10} "
        f"{_decided(row)}{'  (run ' + row['run'] + ')' if row['run'] else ''}"
        for row in rows
    ]
    if verify:
        lines.append(f"every line follows from the ones before it; keep the last one's hash elsewhere: {chain or '-'}")
    text = "\n".join(lines) or "nothing was decided yet; run: palate train"
    show({"history": rows, "verified": verify, "chain": chain}, text, as_json)


@space.command()
@click.argument("label")
@WHY
@click.option("--force", is_flag=True, help="Do not ask the gate, only load the version; needs --why.")
@json_option
@click.pass_obj
def promote(home: Home, label: str, why: str, force: bool, as_json: bool) -> None:
    """Make a version live, if the gate lets it: it must be whole, answer in budget, and be no worse than the live one.

    The comparison trains both versions again when too little was heard since, which takes minutes.
    """
    from palate.jobs.promoting import promote as run

    verdict = run(home, label, why, force)
    for sentence in verdict.notes:
        note(f"gate: {sentence}")
    told = {"against": verdict.against, "notes": verdict.notes, "figures": verdict.figures, "run": verdict.run}
    show({"live": label, "forced": force} | told, f"{label} is live; {LEVEL}", as_json)


@space.command(name="next")
@click.argument("label")
@WHY
@json_option
@click.pass_obj
def next_(home: Home, label: str, why: str, as_json: bool) -> None:
    """Name the version that may become live; nothing else changes."""
    from palate.embeddings.space import Spaces

    Spaces(home.require().spaces).propose(label, why or "proposed by hand")
    show({"next": label}, f"{label} is next; make it live with: palate space promote {label}", as_json)


@space.command()
@WHY
@json_option
@click.pass_obj
def rollback(home: Home, why: str, as_json: bool) -> None:
    """Undo the latest promotion that stands: at once, and without asking the gate."""
    from palate.embeddings.space import Spaces

    label = Spaces(home.require().spaces).rollback(why or "rolled back by hand").space
    show({"live": label}, f"{label} is live again; {LEVEL}", as_json)


@space.command()
@click.argument("consumer")
@click.argument("label")
@WHY
@json_option
@click.pass_obj
def pin(home: Home, consumer: str, label: str, why: str, as_json: bool) -> None:
    """Keep a version for a consumer who relies on it, by name, whatever becomes live.

    A consumer has one pin: another label takes the place of the first.
    """
    from palate.embeddings.space import Spaces

    Spaces(home.require().spaces).pin(consumer, label, why or "pinned by hand")
    text = f"{label} is kept for {consumer}; let it go with: palate space unpin {consumer}"
    show({"pinned": label, "consumer": consumer}, text, as_json)


@space.command()
@click.argument("consumer")
@WHY
@json_option
@click.pass_obj
def unpin(home: Home, consumer: str, why: str, as_json: bool) -> None:
    """Let go of the version that was kept for a consumer; its files stay until it is retired."""
    from palate.embeddings.space import Spaces

    label = Spaces(home.require().spaces).unpin(consumer, why or "unpinned by hand").space
    show({"unpinned": label, "consumer": consumer}, f"{label} is not kept for {consumer} any more", as_json)


@space.command()
@click.argument("label")
@WHY
@click.option("--force", is_flag=True, help="Also when it is next, previous or pinned; needs --why.")
@json_option
@click.pass_obj
def retire(home: Home, label: str, why: str, force: bool, as_json: bool) -> None:
    """Remove a version for good: its folder and its listeners' records. The live one is never removed."""
    from palate.jobs.retiring import retire as run

    records = run(home, label, why, force)
    text = f"{label} is retired, with the records of {records:,} listeners; its label is not used again"
    show({"retired": label, "records": records, "forced": force}, text, as_json)


@space.command()
@click.argument("old")
@click.argument("new")
@json_option
@click.pass_obj
def stability(home: Home, old: str, new: str, as_json: bool) -> None:
    """What heads that were made for the version OLD are worth on NEW, unchanged. Takes minutes."""
    from palate.jobs.stability import stability_of

    found = stability_of(home, old, new)
    show(found.to_json(), found.table(), as_json)


@space.command()
@click.argument("label", required=False)
@json_option
@click.pass_obj
def drift(home: Home, label: str | None, as_json: bool) -> None:
    """Whether what is heard by now still looks like what the live version, or LABEL, was trained on: day by day.

    It warns on stderr and exits with 0 all the same: whether to train again is for whoever reads it.
    """
    from palate.jobs.drift import drift_of

    found = drift_of(home, label)
    if found.warning:
        note(f"warning: {found.warning}")
    show(found.to_json(), found.table(), as_json)


COMMANDS = (space,)
