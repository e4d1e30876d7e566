"""A map of a space coloured by genre, and how often neighbours share one, so that the map need not be believed.

    python benchmarks/space_map.py songs SONGS.parquet [ARCHIVE.parquet] [--splits 5] [--picture FILE]
    python benchmarks/space_map.py home HOME [--kind track] [--picture FILE]

SONGS has a row a song on a playlist, and the genre and subgenre of that playlist; ARCHIVE, more playlists, has none.
With `songs` a playlist never labels what it taught, but in the row that says so: the space is taught with ARCHIVE and
labelled by SONGS (this is the picture), or taught with half of SONGS and labelled by the other half, several times.
With `home` the labels are the genres in the catalogue of a home, and the space is its live one.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from atlas.drawing import flattened, picture
from atlas.nearest import agreement
from atlas.views import Songs, View, home_view, read_songs
from palate.core.errors import BadInput, PalateError
from palate.core.home import Home
from palate.core.items import KINDS
from stamp import stamp

LARGEST_MAP = 5_000


def measured(views: Sequence[View]) -> list[str]:
    """The rows of the table for one teaching, one for each sort of label; several views are several splits of it.

    A cell is the share of the 10 nearest items with the same label, and chance; over splits the mean share, its range
    and the mean chance.
    """
    rows = []
    for sort in views[0].labels:
        cells = []
        for words in views[0].apart:
            found = [agreement(one.directions, one.labels[sort][1], one.apart[words]) for one in views]
            shares, chances = zip(*(one.means for one in found), strict=True)
            spread = f"({_plain(min(shares))} to {_plain(max(shares))})" if len(views) > 1 else ""
            spread = spread or f"+- {_plain(found[0].margin)}"
            cells.append(f"{_plain(np.mean(shares))} {spread}, chance {_plain(np.mean(chances))}")
        items = round(float(np.mean([len(one) for one in views])))
        rows.append(f"| {views[0].name} | {sort} | {items:,} | {' | '.join(cells)} |")
    return rows


def _plain(value: float) -> str:
    """Without the 0 before the point, as all tables here have it."""
    return f"{value:.3f}".removeprefix("0") if value < 1 else f"{value:.3f}"


def told(views: Sequence[Sequence[View]]) -> str:
    """The whole table, and what is not in it."""
    words = " | ".join(views[0][0].apart)
    lines = [f"| taught with, labelled by | label | items | {words} |", "|---" * (3 + len(views[0][0].apart)) + "|"]
    for group in views:
        lines += measured(group)
    lines.append("")
    for group in views:
        out = {why: [one.left_out[why] for one in group] for why in group[0].left_out}
        lines += [f"{group[0].name}: {np.mean(n):,.0f} items with a label left out, {why}" for why, n in out.items()]
    return "\n".join(lines)


def drawn(view: View, words: Sequence[str], seed: int = 0) -> str:
    """The map of a view by its first sort of label, of at most LARGEST_MAP items drawn evenly, in mixed order."""
    chosen = np.random.default_rng(seed).permutation(len(view))[:LARGEST_MAP]
    names, table = next(iter(view.labels.values()))
    lines = [f"{'SIMULATED: ' if view.simulated else ''}{words[0]}", *words[1:]]
    for who, apart in list(view.apart.items())[::2]:
        share, chance = agreement(view.directions, table, apart).means
        among = "10 nearest" if who == "everything" else "of other artists and playlists"
        lines.append(f"{among}: {share:.0%} alike, by chance {chance:.0%}")
    return picture(flattened(view.directions[chosen], seed), only_label(table[chosen].toarray()), names, lines)


def only_label(table: NDArray[np.float32]) -> NDArray[np.int64]:
    """(items,) the column of each row's only label, -1 where it has several; table # (items, names)"""
    single = (table > 0).sum(axis=1) == 1
    return np.where(single, table.argmax(axis=1), -1).astype(np.int64)


def of_songs(songs: Path, archive: Path | None, splits: int) -> list[list[View]]:
    """The views of playlists with genres, the one to draw first."""
    table = read_songs(songs)
    views: list[list[View]] = []
    with tempfile.TemporaryDirectory() as folder:
        own = Songs.beside(table, [songs], Path(folder) / "songs")
        if archive is not None:
            other = Songs.beside(table, [archive], Path(folder) / "archive")
            elsewhere = ~table["playlist_id"].is_in(other.inputs.playlists.ids).to_numpy()
            everything = np.ones(len(other.inputs.playlists.ids), np.bool_)
            views.append([other.view("archive, songs", everything, elsewhere)])
        halves = [own.halved(seed) for seed in range(splits)]
        views.append([own.view("half of songs, the other half", *half) for half in halves])
        everything = np.ones(len(own.inputs.playlists.ids), np.bool_)
        views.append([own.view("songs, the same playlists", everything, np.ones(len(table), np.bool_))])
    return views


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    songs = commands.add_parser("songs", help="playlists with genres")
    songs.add_argument("songs", type=Path)
    songs.add_argument("archive", type=Path, nargs="?")
    songs.add_argument("--splits", type=int, default=5)
    home = commands.add_parser("home", help="the live space of a home")
    home.add_argument("home", type=Path)
    home.add_argument("--kind", choices=[kind.value for kind in KINDS], default="track")
    for command in (songs, home):
        command.add_argument("--picture", type=Path, help="an SVG file")
    return parser.parse_args()


def main() -> None:
    """Prints the table, and writes the picture asked for."""
    options = parsed()
    try:
        if options.command == "songs":
            if options.splits < 1:
                raise BadInput(f"--splits {options.splits} is not a number of splits; give at least 1")
            views = of_songs(options.songs, options.archive, options.splits)
            words = ["Songs by the genre of their playlists", "placed by other playlists, which tell no genre"]
        else:
            views = [[home_view(Home(options.home).require(), options.kind)]]
            words = [f"{options.kind}s by their genre", "placed by listening and playlists"]
        print(f"{stamp()}\n{told(views)}")
        if options.picture:
            options.picture.write_text(drawn(views[0][0], words), encoding="utf-8")
    except PalateError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
