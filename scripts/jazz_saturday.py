"""Records a jazz Saturday in a SIMULATED world: somebody who never plays jazz plays 1, 3 and 10 jazz tracks.

    python scripts/jazz_saturday.py [--out docs/jazz_saturday.md] [--listeners 800] [--items 3000] [--seed 0]

Makes a simulated home in a temporary folder, trains on it, serves it, and asks for_you over HTTP before and after each
batch of plays. Needs `palate[train]`. Everything that it prints is what the server answered.
"""

import argparse
import json
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import numpy as np

from palate.catalog.catalog import Catalog
from palate.core.home import Home
from palate.core.items import KINDS, Kind
from palate.embeddings.inputs import Inputs
from palate.jobs.inputs import gather

GENRE, SLATE, SHOWN = "jazz", 20, 8
STEPS = (1, 3, 10)  # plays of the genre so far
PLAY_SECONDS, LEAST_PLAYS = 240.0, 30
WAIT_SECONDS = 30.0
Json = dict[str, Any]


@dataclass(frozen=True)
class Cast:
    """A listener without an event of the genre, and the tracks of it that they will play.

    name      what the page calls them
    item_ids  its best known tracks, each by another artist
    of_genre  all items of the genre
    """

    name: str
    user_id: str
    plays: int
    usual: list[str]
    item_ids: list[str]
    of_genre: frozenset[str]


@dataclass(frozen=True)
class Answer:
    """What the server said after so many plays: for_you, the same without what they ever played, the taste."""

    plays: int
    slate: Json
    unheard: Json
    taste: Json
    waited_seconds: float | None

    def of_genre(self, cast: Cast) -> tuple[int, int]:
        """How many items of the genre are in each of the two slates."""
        both = [[item["item_id"] in cast.of_genre for item in slate["items"]] for slate in (self.slate, self.unheard)]
        return sum(both[0]), sum(both[1])


def chosen(inputs: Inputs, item_ids: list[str]) -> list[Cast]:
    """Of those without any event of the genre the one with a middling number of plays, and the one with most.

    LookupError when there is nobody.
    """
    history, columns = inputs.history, inputs.columns
    heard = history.heard()
    genre = np.flatnonzero(columns.genre == columns.genres.index(GENRE))
    plays = np.bincount(heard.user, minlength=len(heard.users))
    plays[history.user[np.isin(history.item, genre)]] = 0
    able = np.flatnonzero(plays >= LEAST_PLAYS)
    if not len(able):
        raise LookupError(f"nobody has {LEAST_PLAYS} plays and none of {GENRE}; give another --seed or a larger world")
    able = able[np.argsort(plays[able], kind="stable")]
    tracks = genre[columns.kind[genre] == KINDS.index(Kind.TRACK)]
    best = tracks[np.argsort(-np.bincount(heard.item, minlength=heard.n_items)[tracks], kind="stable")]
    _, first = np.unique(columns.artist[best], return_index=True)
    ids = [item_ids[row] for row in best[np.sort(first)][: STEPS[-1]].tolist()]
    of_genre = frozenset(item_ids[row] for row in genre.tolist())
    cast = []
    for name, user in (("a listener", int(able[len(able) // 2])), ("a heavy listener", int(able[-1]))):
        heard_genres = columns.genre[heard.item[heard.user == user]]
        mine = np.bincount(heard_genres[heard_genres >= 0], minlength=len(columns.genres))
        usual = [columns.genres[place] for place in np.argsort(-mine, kind="stable")[:2].tolist()]
        cast.append(Cast(name, heard.users[user], int(plays[user]), usual, ids, of_genre))
    return cast


def asked(address: str, path: str, body: Json | None = None) -> Json:
    """One request."""
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(address + path, data, {"Content-Type": "application/json"}), timeout=30) as answer:
        return dict(json.loads(answer.read()))


@contextmanager
def served(home: Path) -> Iterator[str]:
    """The address of a server over the home; it is ended afterwards."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = int(one.getsockname()[1])
    command = [sys.executable, "-m", "palate", "--home", str(home), "serve", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            _wait_until_ready(f"http://127.0.0.1:{port}")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGTERM)


def _wait_until_ready(address: str) -> None:
    end = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            asked(address, "/health/ready")
        except (URLError, ConnectionError):
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return


def for_you(address: str, cast: Cast, unheard: bool = False) -> Json:
    """The slate."""
    more = "&unheard=true" if unheard else ""
    return asked(address, f"/v1/users/{cast.user_id}/surfaces/for_you?n={SLATE}{more}")


def answered(address: str, cast: Cast, plays: int, waited: float | None) -> Answer:
    """Both slates, and the taste that made them."""
    taste = asked(address, f"/v1/users/{cast.user_id}/taste")
    return Answer(plays, for_you(address, cast), for_you(address, cast, unheard=True), taste, waited)


def played(address: str, cast: Cast, so_far: int, upto: int) -> Answer:
    """Posts the plays after the first `so_far`, a second apart up to now, and asks until the answer is another."""
    before, now = for_you(address, cast)["slate_id"], time.time()
    events = [
        {
            "id": f"{cast.user_id}-{now:.0f}-{number}", "user_id": cast.user_id, "item_id": cast.item_ids[number],
            "event": "play", "seconds_played": PLAY_SECONDS, "timestamp": now - (upto - number),
        }
        for number in range(so_far, upto)
    ]  # fmt: skip
    began = time.monotonic()
    asked(address, "/v1/events", {"events": events})
    while for_you(address, cast)["slate_id"] == before:
        if time.monotonic() - began > WAIT_SECONDS:
            raise TimeoutError(f"the answer did not change in {WAIT_SECONDS:g} s")
    return answered(address, cast, upto, time.monotonic() - began)


Recording = list[tuple[Cast, list[Answer]]]


def recorded(home: Path) -> tuple[Recording, list[str]]:
    """The evening of each listener, and the titles of what they played."""
    casts, found = chosen(gather(Home(home)), Catalog.open(Home(home).catalog).ids), []
    with served(home) as address:
        for cast in casts:
            answers = [answered(address, cast, 0, None)]
            for so_far, upto in zip((0, *STEPS), STEPS, strict=False):
                time.sleep(upto - so_far)  # so that plays a second apart do not overlap with those before
                answers.append(played(address, cast, so_far, upto))
            found.append((cast, answers))
        titles = [str(asked(address, f"/v1/items/{item}").get("title")) for item in casts[0].item_ids]
    return found, titles


def cosine(one: Json, other: Json) -> float:
    """Between two tastes, over all coordinates."""
    a, b = (np.array(taste["vector"]) for taste in (one, other))
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def table(cast: Cast, answers: list[Answer]) -> str:
    """One row for each state of the listener."""
    rows = [
        f"| {GENRE} plays | {GENRE} in the first {SLATE} | in the first {SLATE} never played | changed after, s | "
        "offset of the taste | its age, s | its cosine to the one before |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in answers:
        every, new = one.of_genre(cast)
        waited = "" if one.waited_seconds is None else f"{one.waited_seconds:.3f}"
        near = cosine(answers[0].taste, one.taste)
        told = f"{one.taste['offset']} | {one.taste['age_seconds']:.1f} | {near:.3f}"
        rows.append(f"| {one.plays} | {every} | {new} | {waited} | {told} |")
    return "\n".join(rows)


def slates(cast: Cast, answers: list[Answer]) -> str:
    """The first items of each answer, those of the genre marked."""
    parts = []
    for one in answers:
        plays = "1 play" if one.plays == 1 else f"{one.plays} plays"
        head = f"### After {plays}" if one.plays else "### Before"
        parts.append(f"{head}\n\n{_items(cast, one.slate, 'for_you')}\n\n{_items(cast, one.unheard, 'never played')}")
    return "\n\n".join(parts)


def _items(cast: Cast, slate: Json, title: str) -> str:
    rows = [f"| | {title} | {GENRE} | reason |", "|---|---|---|---|"]
    for place, item in enumerate(slate["items"][:SHOWN], start=1):
        mark = "yes" if item["item_id"] in cast.of_genre else ""
        rows.append(f"| {place} | {item['title']} | {mark} | {item['reason']} |")
    return "\n".join(rows)


def page(recording: Recording, titles: list[str], size: dict[str, int]) -> str:
    """The recording as Markdown."""
    world = ", ".join(f"{value:,} {name}" for name, value in size.items() if name != "seed")
    tables = "\n\n".join(
        f"**{cast.name.capitalize()}**, `{cast.user_id}`: {cast.plays:,} plays in a year, mostly "
        f"{' and '.join(cast.usual)}.\n\n{table(cast, answers)}"
        for cast, answers in recording
    )
    return f"""# A {GENRE} Saturday (SIMULATED)

SIMULATED: listeners, items, titles and listens are made up by `palate demo`. The answers are what the server said.

Two listeners who never played, skipped or saved anything of {GENRE}: one with a middling number of plays, and the one
with most. One evening each plays ten well known {GENRE} tracks, each of another artist. `for_you` is asked before, and
after 1, 3 and 10 of them, over HTTP, from a running `palate serve`; nothing is trained in between.

{tables}

*changed after*: seconds from sending the POST to the first answer that differs, asked one request after another. The
plays are stamped a second apart, since nobody waits for ten songs. *age* is the time since the latest play in the
taste, in home time; *offset* is where the log ends for it. The cosine is over all coordinates.
The same plays move a heavy listener less, since each counts by its share of what was heard.

Played: {"; ".join(titles)}.

## What {recording[0][0].name} is given, the first {SHOWN} of {SLATE}

{slates(*recording[0])}

## Record it again

    python scripts/jazz_saturday.py --out docs/jazz_saturday.md

SIMULATED with {world}, seed {size["seed"]}. Other seeds are other worlds, listeners and answers. What a
listen does to a taste in general, and what an old taste costs on real data: [staleness](rooms/staleness.md).
"""


def main() -> None:
    """Makes the world, records the evening and writes or prints the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--home", type=Path, help="where the world is kept for another recording; made if missing")
    for name, default in (("listeners", 800), ("items", 3_000), ("listens", 160_000), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    size = {name: getattr(options, name) for name in ("listeners", "items", "listens", "seed")}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # a tracker's copy may be under way
        home = options.home or Path(folder) / "home"
        build = [sys.executable, "-m", "palate", "--home", str(home), "demo", "--no-serve", "--windows", "1"]
        sizes = [part for name, value in size.items() for part in (f"--{name}", str(value))]
        subprocess.run([*build, *sizes], check=True, stdout=subprocess.DEVNULL)
        text = page(*recorded(home), size)
    if options.out:
        options.out.write_text(text, encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
