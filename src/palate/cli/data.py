"""palate import listens | items | playlists | listeners."""

import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import click

from palate.cli.output import json_option, show
from palate.core.home import Home

F = TypeVar("F", bound=Callable[..., Any])


def arguments(command: F) -> F:
    """What every kind of import takes: files, --map, --strict, --json."""
    for add in (
        json_option,
        click.option("--strict", is_flag=True, help="Stop at the first bad row, before anything is written."),
        click.option(
            "--map", "mapping", metavar="FIELD=COLUMN,...",
            help="Which column holds which field, e.g. user=DJ,item=Artist.",
        ),
        click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path)),
    ):  # fmt: skip
        command = add(command)
    return command


@click.group(name="import")
def import_() -> None:
    """Bring in listens, items, playlists or listeners: csv, jsonl, parquet. The same file twice changes nothing."""


@import_.command()
@arguments
@click.pass_obj
def listens(home: Home, /, **given: Any) -> None:
    """What was heard: user_id, item_id, timestamp and, if known, seconds_played, duration_seconds, event, ..."""
    _bring("listens", "listens new", home, **given)


@import_.command()
@arguments
@click.pass_obj
def items(home: Home, /, **given: Any) -> None:
    """What can be heard: item_id and, if known, kind, title, artists, genres, released, duration_seconds, ..."""
    _bring("items", "items new or changed", home, **given)


@import_.command()
@arguments
@click.pass_obj
def playlists(home: Home, /, **given: Any) -> None:
    """What is kept together: playlist_id, item_id and, if known, name, owner, position, added, removed."""
    _bring("playlists", "playlist rows new", home, **given)


@import_.command()
@arguments
@click.pass_obj
def listeners(home: Home, /, **given: Any) -> None:
    """Who listens: user_id and any other columns, e.g. country, account_created; a later value replaces an earlier."""
    _bring("listeners", "listeners new or changed", home, **given)


def _bring(
    what: str, counted: str, home: Home, files: tuple[Path, ...], mapping: str | None, strict: bool, as_json: bool
) -> None:
    from palate.jobs import importing
    from palate.sources.mapping import parse_mapping

    bring = {
        "listens": importing.import_listens, "items": importing.import_items, "playlists": importing.import_playlists,
        "listeners": importing.import_listeners,
    }[what]  # fmt: skip
    fields = parse_mapping(mapping, free=what == "listeners")
    _show(asdict(bring(home.require(), list(files), fields, strict, time.time())), counted, as_json)


def _show(report: dict[str, Any], what: str, as_json: bool) -> None:
    rate = report["rows"] / max(report["seconds"], 1e-9)
    lines = [
        f"{report['accepted']:,} {what}, {report['duplicates']:,} known before, {report['rejected']:,} rejected"
        f" ({report['seconds']:.1f} s, {rate:,.0f} rows/s)"
    ]
    if report["left_out"]:
        lines.append(
            f"  {report['left_out']:,} of deleted users left out; to let one come back: palate user allow USER"
        )
    lines += [f"  {count:,} x {reason}" for reason, count in report["reasons"].items()]
    if report["rejects_file"]:
        lines.append(f"  the rejected rows with file, line and reason: {report['rejects_file']}")
    show(report, "\n".join(lines), as_json)


COMMANDS = (import_,)
