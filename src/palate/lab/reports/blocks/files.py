"""```table, ```image and ```audio: what runs kept, put into the page itself."""

import base64
from collections.abc import Sequence
from pathlib import PurePosixPath

from palate.core.markup import Html, joined, tag
from palate.lab.book import FileOfRun, RunInfo
from palate.lab.plots.frame import safe
from palate.lab.reports import pieces
from palate.lab.reports.material import Material, files, labels
from palate.lab.reports.recipe import Block

ROWS = 50  # of a table where the recipe does not say
AUDIO = {
    ".wav": "audio/wav", ".mp3": "audio/mpeg", ".flac": "audio/flac", ".ogg": "audio/ogg", ".opus": "audio/ogg",
    ".m4a": "audio/mp4",
}  # fmt: skip
IMAGES = {".svg": "image/svg+xml", ".png": "image/png"}


def table(block: Block, material: Material) -> Html:
    """Tables that runs logged: those of its `columns` and its first `rows` that the block asks for."""
    infos = material.chosen(block)
    found = files(infos, block, "table")
    return joined(*(_table(info, file, block, material, len(found) > 1) for info, file in found))


def image(block: Block, material: Material) -> Html:
    """Pictures that runs logged, side by side where there is room."""
    infos = material.chosen(block)
    called = labels(infos)
    shown = []
    for info, file in files(infos, block, "image"):
        uri = _uri(material.content(info, file, block), file, IMAGES, block)
        words = safe(" \N{MIDDLE DOT} ".join(one for one in (file.caption or file.name, called[info.id]) if one))
        look = "drawing" if file.path.endswith(".svg") else None
        shown.append(tag("figure", tag("img", src=uri, alt=words, class_=look), tag("figcaption", words)))
    return figure_of(block, "pictures", shown)


def audio(block: Block, material: Material) -> Html:
    """Players for sounds that runs logged: those of one name side by side, to compare them by ear."""
    infos = material.chosen(block)
    called = labels(infos)
    by_name: dict[str, list[tuple[RunInfo, FileOfRun]]] = {}
    for info, file in files(infos, block, "audio"):
        by_name.setdefault(file.name, []).append((info, file))
    groups = []
    for name, found in by_name.items():
        players = [_player(info, file, called[info.id], block, material) for info, file in found]
        groups.append(joined(tag("h4", safe(name)), tag("div", *players, class_="players")))
    return pieces.figure(block, *groups)


def figure_of(block: Block, look: str, shown: Sequence[Html]) -> Html:
    """Several figures in one, with the block's caption below them."""
    return pieces.figure(block, tag("div", *shown, class_=look))


def _table(info: RunInfo, file: FileOfRun, block: Block, material: Material, is_one_of_many: bool) -> Html:
    columns, rows = material.book.table(info, file.name)
    wanted = block.names("columns") or columns
    for name in wanted:
        if name not in columns:
            raise block.wrong(f"the table {file.name} has no column {name!r}; it has {', '.join(columns)}", "columns")
    most = block.count("rows", ROWS)
    cells = [[row[columns.index(name)] for name in wanted] for row in rows[:most]]
    note = f"the first {most:,} of {len(rows):,} rows" if len(rows) > most else ""
    named = f"{file.name} of {labels([info])[info.id]}" if is_one_of_many or not block.text("caption") else ""
    words = " \N{MIDDLE DOT} ".join(one for one in (block.text("caption"), named, note) if one)
    return pieces.table(wanted, cells, words)


def _player(info: RunInfo, file: FileOfRun, called: str, block: Block, material: Material) -> Html:
    content = material.content(info, file, block)
    material.audio_bytes += len(content)
    limit = material.recipe.audio_mb
    if material.audio_bytes > limit * 1e6:
        raise block.wrong(
            f"the sounds up to {file.name} of {info.id} weigh {material.audio_bytes / 1e6:.1f} MB, and {limit:g} MB "
            "are allowed; choose fewer, log mp3 or opus instead of wav, or say audio_mb between the --- at the top"
        )
    words = safe(file.caption or file.name)
    return tag(
        "div",
        tag("p", tag("span", safe(called), class_="name"), tag("span", words, class_="note")),
        tag(
            "audio", controls=True, preload="metadata", src=_uri(content, file, AUDIO, block),
            aria_label=f"{words}, {safe(called)}",
        ),
        tag("p", "\N{EIGHTH NOTE} a sound: play it in the page", class_="paper"),
        class_="player",
    )  # fmt: skip


def _uri(content: bytes, file: FileOfRun, kinds: dict[str, str], block: Block) -> str:
    suffix = PurePosixPath(file.path).suffix
    if suffix not in kinds:
        raise block.wrong(f"{file.name} is a {suffix} file; a page can hold {', '.join(kinds)}")
    return f"data:{kinds[suffix]};base64,{base64.b64encode(content).decode('ascii')}"
