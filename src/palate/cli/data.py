"""palate import listens | items | playlists."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from palate.cli.output import json_option, show
from palate.core.home import Home

FILES = click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
MAP = click.option(
    "--map", "mapping", metavar="FIELD=COLUMN,...", help="Which column holds which field, e.g. user=DJ,item=Artist."
)
STRICT = click.option("--strict", is_flag=True, help="Stop at the first bad row, before anything is written.")


@click.group(name="import")
def import_() -> None:
    """Bring in listens, items or playlists from csv, jsonl or parquet files. The same file twice changes nothing."""


@import_.command()
@FILES
@MAP
@STRICT
@json_option
@click.pass_obj
def listens(home: Home, files: tuple[Path, ...], mapping: str | None, strict: bool, as_json: bool) -> None:
    """What was heard: user_id, item_id, timestamp and, if known, seconds_played, duration_seconds, event, ..."""
    from palate.jobs.importing import import_listens
    from palate.sources.mapping import parse_mapping

    report = import_listens(home.require(), list(files), parse_mapping(mapping), strict, time.time())
    _show(asdict(report), "listens new", as_json)


@import_.command()
@FILES
@MAP
@STRICT
@json_option
@click.pass_obj
def items(home: Home, files: tuple[Path, ...], mapping: str | None, strict: bool, as_json: bool) -> None:
    """What can be heard: item_id and, if known, kind, title, artists, genres, released, duration_seconds, ..."""
    from palate.jobs.importing import import_items
    from palate.sources.mapping import parse_mapping

    report = import_items(home.require(), list(files), parse_mapping(mapping), strict, time.time())
    _show(asdict(report), "items new or changed", as_json)


@import_.command()
@FILES
@MAP
@STRICT
@json_option
@click.pass_obj
def playlists(home: Home, files: tuple[Path, ...], mapping: str | None, strict: bool, as_json: bool) -> None:
    """What is kept together: playlist_id, item_id and, if known, name, owner, position, added, removed."""
    from palate.jobs.importing import import_playlists
    from palate.sources.mapping import parse_mapping

    report = import_playlists(home.require(), list(files), parse_mapping(mapping), strict, time.time())
    _show(asdict(report), "playlist rows new", as_json)


def _show(report: dict[str, Any], what: str, as_json: bool) -> None:
    rate = report["rows"] / max(report["seconds"], 1e-9)
    lines = [
        f"{report['accepted']:,} {what}, {report['duplicates']:,} known before, {report['rejected']:,} rejected"
        f" ({report['seconds']:.1f} s, {rate:,.0f} rows/s)"
    ]
    lines += [f"  {count:,} x {reason}" for reason, count in report["reasons"].items()]
    if report["rejects_file"]:
        lines.append(f"  the rejected rows with file, line and reason: {report['rejects_file']}")
    show(report, "\n".join(lines), as_json)


COMMANDS = (import_,)
