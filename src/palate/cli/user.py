"""palate user export, delete, allow."""

from pathlib import Path

import click

from palate.cli.output import json_option, show
from palate.core.home import Home


@click.group()
def user() -> None:
    """What the home holds of one listener: see it, delete it, let a deleted id come back."""


@user.command()
@click.argument("user_id", metavar="USER")
@click.option("--out", type=click.Path(path_type=Path), help="The JSON file to write; without it the JSON is printed.")
@json_option
@click.pass_obj
def export(home: Home, user_id: str, out: Path | None, as_json: bool) -> None:
    """Everything that the home holds of a listener, as JSON."""
    import json

    from palate.core.artefacts import write_json
    from palate.privacy.export import export as run

    told = run(home, user_id)
    if out is None:
        show(told, json.dumps(told, indent=2, ensure_ascii=False), as_json)
        return
    write_json(out, told)
    counts = {name: len(value) for name, value in told.items() if isinstance(value, list | dict)}
    text = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in counts.items())
    show({"user_id": user_id, "out": str(out), **counts}, f"{text} in {out}", as_json)


@user.command()
@click.argument("user_ids", metavar="USER...", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask whether you are sure.")
@json_option
@click.pass_obj
def delete(home: Home, user_ids: tuple[str, ...], yes: bool, as_json: bool) -> None:
    """Delete listeners everywhere in the home, for good. Imports leave them out from then on; see user allow."""
    from palate.core.errors import PalateError
    from palate.privacy.delete import delete as run

    home.require()
    if not yes:
        click.confirm(f"Delete {', '.join(user_ids)} from {home.root} for good?", abort=True, err=True)
    deleted = run(home, user_ids)
    held_up = [one.user_id for one in deleted if not one.done]
    if held_up:
        raise PalateError(
            f"a training is under way: {', '.join(held_up)} is gone from log and answers, and what the training read "
            "goes once it has ended; run the command again then, or leave it to a running server"
        )
    lines = [f"{one.user_id} is deleted: {_told(one.found)}" for one in deleted]
    answer = {"users": [{"user_id": one.user_id, "done": one.done, "removed": one.found} for one in deleted]}
    show(answer, "\n".join(lines), as_json)


@user.command()
@click.argument("user_id", metavar="USER")
@click.option(
    "--past", is_flag=True, help="Also take in what is dated before now: an old export brings everything back."
)
@json_option
@click.pass_obj
def allow(home: Home, user_id: str, past: bool, as_json: bool) -> None:
    """Let a deleted id come back, as that of a new listener: what happens from now on counts again."""
    from palate.privacy.allow import allow as run

    allowed = run(home, user_id, past)
    text = f"{user_id} may come back" if allowed else f"{user_id} was not deleted here; nothing to allow"
    show({"user_id": user_id, "allowed": allowed}, text, as_json)


def _told(found: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in found.items() if count) or "nothing was known"


COMMANDS = (user,)
