"""The items of the simulated world: tracks of invented artists, and the podcasts and audiobooks of spoken.py.

Every array has one row per item: first the tracks, then the episodes, then the audiobooks.
"""

from dataclasses import dataclass, fields
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.core.clock import DAY_SECONDS
from palate.core.ids import ItemId
from palate.core.items import KINDS, Item
from palate.sources.world import names
from palate.sources.world.draws import Draws, Floats, Rows
from palate.sources.world.settings import WorldSettings

TOPICS = len(names.SUBGENRES)
STYLES = 4  # energy, era, and two that only company can tell
TOPIC_GENRE: Rows = np.array([sub.genre for sub in names.SUBGENRES])
TOPIC_ENERGY: Floats = np.array([sub.energy for sub in names.SUBGENRES])
TRACK, EPISODE, AUDIOBOOK = range(3)  # positions in KINDS
YEAR_SECONDS = 365.25 * DAY_SECONDS
SCATTER = 0.02  # of a loading lies evenly over all topics
ALBUM_TRACKS = 8


def topic_shares() -> Floats:
    """(TOPICS,) how common each sub-genre is: the genre's share, the first sub-genres ahead of the last."""
    shares = np.array([names.GENRES[sub.genre].share for sub in names.SUBGENRES])
    shares *= np.tile([1.4, 1.1, 0.9, 0.6], len(names.GENRES))
    return np.asarray(shares / shares.sum(), np.float64)


@dataclass(frozen=True)
class Catalogue:
    """Every item in columns; text in lists, numbers in arrays of (n,) unless said otherwise.

    `topic` (n, TOPICS) rows sum to one; `style` (n, STYLES); `reach` is attention regardless of taste and is 0 for
    what nobody may play yet; `group` is the artist, show or author, distinct between kinds; `language` is -1 for none.
    """

    kind: NDArray[np.uint8]
    topic: Floats
    style: Floats
    quality: Floats
    reach: Floats
    language: Rows
    released: Floats
    duration: Floats
    group: Rows
    attributes: Floats  # (n, 5): tempo_bpm, key, mode, energy, valence; NaN for the spoken word
    explicit: NDArray[np.bool_]
    title: list[str]
    artists: list[tuple[str, ...]]
    collection: list[str | None]
    genres: list[tuple[str, ...]]

    def __len__(self) -> int:
        return len(self.kind)


ATTRIBUTES = ("tempo_bpm", "key", "mode", "energy", "valence")


def joined(parts: list[Catalogue]) -> Catalogue:
    """One catalogue of several; groups are renumbered so that they stay distinct."""
    columns: dict[str, Any] = {}
    for field in fields(Catalogue):
        values = [getattr(part, field.name) for part in parts]
        columns[field.name] = list(chain(*values)) if isinstance(values[0], list) else np.concatenate(values)
    first = np.cumsum([0, *(int(part.group.max()) + 1 for part in parts)])
    columns["group"] = np.concatenate([part.group + before for part, before in zip(parts, first, strict=False)])
    return Catalogue(**columns)


def item_ids(kind: NDArray[np.uint8]) -> list[ItemId]:
    """ "sim-track-00001" and so on, counted within each kind."""
    numbers = np.concatenate([np.arange(1, count + 1) for count in np.bincount(kind, minlength=len(KINDS))])
    return [ItemId(f"sim-{KINDS[k].value}-{n:05d}") for k, n in zip(kind.tolist(), numbers.tolist(), strict=True)]


def as_items(catalogue: Catalogue) -> list[Item]:
    """The catalogue as the rest of the house knows it; the planted loadings are not in it."""
    language = [names.LANGUAGES[row] if row >= 0 else None for row in catalogue.language.tolist()]
    return [
        Item(
            item_id=item_id,
            kind=KINDS[catalogue.kind[row]],
            title=catalogue.title[row],
            artists=catalogue.artists[row],
            collection=catalogue.collection[row],
            genres=catalogue.genres[row],
            language=language[row],
            released=float(catalogue.released[row]),
            duration_seconds=float(catalogue.duration[row]),
            explicit=bool(catalogue.explicit[row]),
            attributes=dict(zip(ATTRIBUTES, numbers, strict=True)) if catalogue.kind[row] == TRACK else {},
        )
        for row, (item_id, numbers) in enumerate(
            zip(item_ids(catalogue.kind), catalogue.attributes.tolist(), strict=True)
        )
    ]


@dataclass(frozen=True)
class Artists:
    """One row per artist: `main` and `second` topic, the share of the main one, language row, style and tempo lean."""

    main: Rows
    second: Rows
    lean: Floats
    language: Rows
    style: Floats
    energy: Floats
    reach: Floats
    age_years: Floats
    name: list[str]


def make_artists(n: int, seed: int) -> Artists:
    """n artists; the first TOPICS of them are veterans, one for each sub-genre, so that none is ever empty."""
    draws = Draws(seed, "artists")
    shares = topic_shares()
    main = np.concatenate([np.arange(TOPICS), draws.pick(shares, n - TOPICS)])
    sibling = main // 4 * 4 + (main + 1 + draws.below(3, n)) % 4
    second = np.where(draws.uniform(n) < 0.6, sibling, draws.pick(shares, n))
    crossing = draws.uniform(n) < 0.3
    lean = np.where(crossing, draws.between(0.5, 0.7, n), draws.between(0.78, 0.96, n))
    latin = np.array([names.GENRES[sub.genre].name == "latin" for sub in names.SUBGENRES])
    language = np.where(latin[main], draws.pick(names.LATIN_SHARES, n), draws.pick(names.LANGUAGE_SHARES, n))
    rank = draws.order(n)
    age_years = np.minimum(1.0 + 9.0 * draws.exponential(n), 50.0)
    age_years[:TOPICS] = np.maximum(age_years[:TOPICS], 25.0)
    return Artists(
        main=main,
        second=second,
        lean=lean,
        language=language,
        style=0.85 * draws.normal(n, STYLES),
        energy=0.06 * draws.normal(n),
        reach=zipf(rank),
        age_years=age_years,
        name=names.artist_names(draws, n),
    )


def zipf(rank: Rows) -> Floats:
    """Attention by rank from 0, falling nearly as 1 / rank."""
    return np.asarray((rank + 2.0) ** -0.9, np.float64)


def _places(group: Rows) -> Rows:
    """The position of each row within its group; `group` ascends."""
    starts = np.searchsorted(group, group, side="left")
    return np.asarray(np.arange(len(group)) - starts, np.int64)


def mixture(main: Rows, second: Rows, lean: Floats) -> Floats:
    """(n, TOPICS) loadings with `lean` of them on the main topic, SCATTER everywhere and the rest on the second."""
    n = len(main)
    out = np.full((n, TOPICS), SCATTER / TOPICS)
    out[np.arange(n), main] += lean * (1.0 - SCATTER)
    out[np.arange(n), second] += (1.0 - lean) * (1.0 - SCATTER)
    return out


def _release(draws: Draws, artists: Artists, artist: Rows, album: Rows, settings: WorldSettings) -> Floats:
    """Unix seconds of each track's album: most from before the simulated time, one in seven within it."""
    _, row = np.unique(artist * 10_000 + album, return_inverse=True)
    n_albums = int(row.max()) + 1
    age, fresh = draws.between(0.05, 1.0, n_albums)[row], (draws.uniform(n_albums) < 0.14)[row]
    before = settings.start - age * artists.age_years[artist] * YEAR_SECONDS
    within = draws.between(settings.start, settings.end, n_albums)[row]
    released = np.where(fresh, within, before)
    veteran = (artist < TOPICS) & (album == 0)
    return np.asarray(np.where(veteran, settings.start - 20 * YEAR_SECONDS, released), np.float64)


def make_tracks(n: int, settings: WorldSettings, seed: int) -> Catalogue:
    """n tracks by about n / 12 artists, ordered by artist and album."""
    artists = make_artists(max(TOPICS, n // 12), seed)
    draws = Draws(seed, "tracks")
    n_artists = len(artists.main)
    artist = np.concatenate([np.arange(n_artists), draws.pick(draws.exponential(n_artists), n - n_artists)])
    artist.sort()
    place = _places(artist)
    main, second = artists.main[artist], artists.second[artist]
    lean = np.clip(artists.lean[artist] + 0.04 * draws.normal(n), 0.4, 0.97)
    released = np.floor(_release(draws, artists, artist, place // ALBUM_TRACKS, settings) / DAY_SECONDS) * DAY_SECONDS
    attributes = _attributes(draws, artists, artist)
    style = artists.style[artist] + 0.5 * draws.normal(n, STYLES)
    style[:, 0] = 2.4 * (attributes[:, 3] - 0.5)
    style[:, 1] = np.clip((released - settings.end) / (12 * YEAR_SECONDS) + 1.0, -2.5, 1.0)
    genre = TOPIC_GENRE[main]
    wordless = draws.uniform(n) < np.array([g.instrumental for g in names.GENRES])[genre]
    # A track's place in the artist's own order of success is random, so that first albums are not always the hits.
    hit = np.argsort(np.lexsort((draws.uniform(n), artist)))
    reach = (
        artists.reach[artist] * (hit - np.searchsorted(artist, artist) + 1.0) ** -0.7 * np.exp(0.3 * draws.normal(n))
    )
    title = names.titles(draws, genre.tolist())
    return Catalogue(
        kind=np.full(n, TRACK, np.uint8),
        topic=mixture(main, second, lean),
        style=style,
        quality=0.6 * draws.normal(n),
        reach=reach,
        language=np.where(wordless, -1, artists.language[artist]),
        released=released,
        duration=np.round(np.clip(215 * np.exp(0.28 * draws.normal(n)) * np.where(wordless, 1.25, 1.0), 65, 900)),
        group=artist,
        attributes=attributes,
        explicit=draws.uniform(n) < np.array([g.explicit for g in names.GENRES])[genre],
        title=title,
        artists=_credits(draws, artists, artist),
        collection=_albums(draws, artist, place // ALBUM_TRACKS, genre),
        genres=[(names.GENRES[names.SUBGENRES[t].genre].name, names.SUBGENRES[t].name) for t in main.tolist()],
    )


def _attributes(draws: Draws, artists: Artists, artist: Rows) -> Floats:
    n, topic = len(artist), artists.main[artist]
    tempo = np.array([sub.tempo_bpm for sub in names.SUBGENRES])[topic] * np.exp(0.07 * draws.normal(n))
    valence = np.array([sub.valence for sub in names.SUBGENRES])[topic] + 0.1 * draws.normal(n)
    energy = TOPIC_ENERGY[topic] + artists.energy[artist] + 0.06 * draws.normal(n)
    valence, energy = np.clip(valence, 0.02, 0.98), np.clip(energy, 0.02, 0.99)
    major = draws.uniform(n) < 0.35 + 0.5 * valence
    key = draws.below(12, n)
    return np.round(np.stack([np.round(tempo, 1), key, major, energy, valence], axis=1), 3)


def _credits(draws: Draws, artists: Artists, artist: Rows) -> list[tuple[str, ...]]:
    """Who is named on each track; one in sixteen has a guest."""
    guest = np.where(draws.uniform(len(artist)) < 1 / 16, draws.pick(artists.reach, len(artist)), artist)
    return [
        (artists.name[a],) if a == g else (artists.name[a], artists.name[g])
        for a, g in zip(artist.tolist(), guest.tolist(), strict=True)
    ]


def _albums(draws: Draws, artist: Rows, album: Rows, genre: Rows) -> list[str | None]:
    """Each track's album; the titles are the albums' own."""
    _, first, row = np.unique(artist * 10_000 + album, return_index=True, return_inverse=True)
    title = names.titles(draws, genre[first].tolist())
    return [title[r] for r in row.tolist()]
