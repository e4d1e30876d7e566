"""palate init, doctor, demo."""

from typing import Any

import click

from palate.cli.output import json_option, show
from palate.core.home import Home

TOML = """# Palate's settings. Everything has a default; docs/reference/settings.md lists them all.

[server]
# port = 8420

[eval]
# windows = 8
"""


def make(home: Home) -> bool:
    """Makes the home's folder and palate.toml; False when it was there already."""
    if home.settings.is_file():
        return False
    home.root.mkdir(parents=True, exist_ok=True)
    home.settings.write_text(TOML, encoding="utf-8")
    return True


@click.command()
@json_option
@click.pass_obj
def init(home: Home, as_json: bool) -> None:
    """Make a home: a folder with palate.toml."""
    made = make(home)
    text = f"{home.root} is {'now' if made else 'already'} a Palate home. Next: palate import listens FILE"
    show({"home": str(home.root), "made": made}, text, as_json)


@click.command()
@json_option
@click.pass_obj
def doctor(home: Home, as_json: bool) -> None:
    """Check the installation and the home; exit code 1 when something is wrong."""
    from palate.jobs.doctor import examine

    findings = examine(home)
    lines = [f"{'ok  ' if one['ok'] else 'BAD '} {one['what']}: {one['found']}" for one in findings]
    show({"findings": findings}, "\n".join(lines), as_json)
    if not all(one["ok"] for one in findings):
        raise SystemExit(1)


@click.command()
@click.option("--listeners", type=int, default=2_000, show_default=True, help="How many simulated listeners.")
@click.option("--items", type=int, default=6_000, show_default=True, help="How many simulated items.")
@click.option("--listens", type=int, default=400_000, show_default=True, help="How many simulated listens in a year.")
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed is another world.")
@click.option("--windows", type=int, default=2, show_default=True, help="Weeks that the evaluation looks at.")
@click.option("--serve/--no-serve", default=True, help="Serve the app when everything is done.")
@json_option
@click.pass_obj
def demo(home: Home, /, serve: bool, as_json: bool, windows: int, **size: int) -> None:
    """Build a simulated world, train on it, evaluate, and serve. Running it again takes seconds."""
    from palate.jobs.demo import build

    make(home)
    answer: dict[str, Any] = build(home, size, windows)
    show(answer, f"{answer['text']}\nwith plots: {answer['page']}\n", as_json)
    if serve:
        from palate.cli.serving import start

        start(home, None, None, None)


COMMANDS = (init, doctor, demo)
