"""Podcasts and audiobooks of the simulated world, and the whole catalogue put together.

A show about a genre is loaded on that genre's sub-genres, and so is a biography from its world: who likes jazz is more
likely to hear the history of jazz. Shows about other subjects (news, science) lean to the genres named in SUBJECTS.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from palate.core.clock import DAY_SECONDS
from palate.sources.world import names
from palate.sources.world.catalogue import (
    ATTRIBUTES,
    AUDIOBOOK,
    EPISODE,
    STYLES,
    TOPIC_GENRE,
    TRACK,
    Catalogue,
    joined,
    make_tracks,
    topic_shares,
    zipf,
)
from palate.sources.world.draws import Draws, Floats, Rows
from palate.sources.world.settings import WorldSettings

N_GENRES = len(names.GENRES)
EPISODES_PER_SHOW = 16
SPOKEN_STYLES = np.array([0.0, 0.0, 1.0, 1.0])  # the spoken word has neither energy nor era
UNHEARD_DAYS = 10  # what nobody has played yet was released within this many days of the end


def loadings(draws: Draws, liked: list[tuple[int, ...]], strength: Floats) -> Floats:
    """(n, TOPICS) with `strength` of each row on the sub-genres of the liked genres, the rest as topics are common."""
    own = draws.between(0.5, 1.5, len(liked), len(TOPIC_GENRE))  # bounded, so that no sub-genre of it goes without
    own *= np.array([np.isin(TOPIC_GENRE, genres) for genres in liked])
    own /= own.sum(axis=1, keepdims=True)
    return np.asarray(strength[:, None] * own + (1.0 - strength)[:, None] * topic_shares(), np.float64)


@dataclass(frozen=True)
class Shows:
    """One row per show: what it is about in a word, and what its episodes share."""

    about: list[str]
    about_music: NDArray[np.bool_]
    title: list[str]
    host: list[str]
    topic: Floats
    style: Floats
    language: Rows
    reach: Floats
    duration: Floats
    explicit: NDArray[np.bool_]


def make_shows(n: int, seed: int) -> Shows:
    """n shows: first "A History of ..." each genre, in English; of the rest two in five are about music."""
    draws = Draws(seed, "shows")
    genre = np.concatenate([np.arange(N_GENRES), draws.pick(_genre_shares(), n - N_GENRES)])
    history = np.arange(n) < N_GENRES
    about_music = history | (draws.uniform(n) < 0.4)
    words = list(names.SUBJECTS)
    subject = [words[row] for row in draws.below(len(words), n).tolist()]
    by_name = {one.name: row for row, one in enumerate(names.GENRES)}
    about = [names.GENRES[genre[row]].name if about_music[row] else subject[row] for row in range(n)]
    liked = [
        (int(genre[row]),) if about_music[row] else tuple(by_name[name] for name in names.SUBJECTS[subject[row]])
        for row in range(n)
    ]
    host = names.person_names(draws, n)
    form = np.where(history, 0, draws.below(len(names.SHOW_TITLES) - 1, n) + 1)
    return Shows(
        about=about,
        about_music=about_music,
        title=_show_titles(form, about, host),
        host=host,
        topic=loadings(draws, liked, np.where(about_music, 0.85, 0.6)),
        style=0.85 * SPOKEN_STYLES * draws.normal(n, STYLES),
        language=np.where(history, 0, draws.pick(names.LANGUAGE_SHARES, n)),
        reach=zipf(draws.order(n)),
        duration=draws.between(900, 4200, n),
        explicit=draws.uniform(n) < 0.1,
    )


def make_episodes(n: int, settings: WorldSettings, seed: int) -> Catalogue:
    """n episodes, ordered by show and release; every show has one from before the start."""
    n_shows = max(N_GENRES + len(names.SUBJECTS), n // EPISODES_PER_SHOW)
    shows, draws = make_shows(n_shows, seed), Draws(seed, "episodes")
    show = np.sort(np.concatenate([np.arange(n_shows), draws.below(n_shows, n - n_shows)]))
    number = np.arange(n) - np.searchsorted(show, show) + 1
    words = names.titles(draws, TOPIC_GENRE[shows.topic.argmax(axis=1)][show].tolist())
    return Catalogue(
        kind=np.full(n, EPISODE, np.uint8),
        topic=shows.topic[show],
        style=shows.style[show] + 0.3 * SPOKEN_STYLES * draws.normal(n, STYLES),
        quality=0.5 * draws.normal(n),
        reach=shows.reach[show] * np.exp(0.3 * draws.normal(n)),
        language=shows.language[show],
        released=_episode_dates(draws, show, settings),
        duration=np.round(shows.duration[show] * np.exp(0.15 * draws.normal(n))),
        group=show,
        attributes=np.full((n, len(ATTRIBUTES)), np.nan),
        explicit=shows.explicit[show],
        title=[f"{number[row]}. {words[row]}" for row in range(n)],
        artists=[(shows.host[row],) for row in show.tolist()],
        collection=[shows.title[row] for row in show.tolist()],
        genres=[
            (shows.about[row], "music") if shows.about_music[row] else (shows.about[row],) for row in show.tolist()
        ],
    )


def _genre_shares() -> Floats:
    return np.array([genre.share for genre in names.GENRES])


def _show_titles(form: Rows, about: list[str], host: list[str]) -> list[str]:
    """One title for each show, all different: the second of a kind carries its host's name."""
    out: dict[str, None] = {}
    for row, subject in enumerate(about):
        title = names.SHOW_TITLES[form[row]].format(names.headline(subject))
        title = f"{title} with {host[row]}" if title in out else title
        out[f"{title} ({row})" if title in out else title] = None
    return list(out)


def _episode_dates(draws: Draws, show: Rows, settings: WorldSettings) -> Floats:
    """Every show has its own interval between episodes, up to the end; its first is older than the world."""
    shows = int(show.max()) + 1
    number = np.arange(len(show)) - np.searchsorted(show, show)
    behind = np.bincount(show)[show] - 1 - number
    interval = draws.between(7, 28, shows)[show] * DAY_SECONDS
    released = settings.end - (behind + draws.uniform(len(show))) * interval
    old = settings.start - draws.between(5, 90, len(show)) * DAY_SECONDS
    return np.asarray(np.floor(np.where(number == 0, np.minimum(released, old), released)), np.float64)


def make_audiobooks(n: int, settings: WorldSettings, seed: int) -> Catalogue:
    """n audiobooks; the first twelve come from the world of one genre each and are older than the start."""
    draws = Draws(seed, "audiobooks")
    genre = np.concatenate([np.arange(N_GENRES), draws.pick(_genre_shares(), max(n - N_GENRES, 0))])[:n]
    authors = max(1, n * 2 // 3)
    author = draws.below(authors, n)
    language = np.where(np.arange(n) < N_GENRES, 0, draws.pick(names.LANGUAGE_SHARES, authors)[author])
    within = (draws.uniform(n) < 0.12) & (np.arange(n) >= N_GENRES)
    before = settings.start - (20 + 2000 * draws.exponential(n)) * DAY_SECONDS
    form, shape = draws.below(len(names.BOOK_TITLES), n), draws.below(len(names.BOOK_FORMS), n)
    writer, reader = names.person_names(draws, authors), names.person_names(draws, n)
    heading = [names.headline(names.GENRES[row].name) for row in genre.tolist()]
    word = names.titles(draws, genre.tolist())
    return Catalogue(
        kind=np.full(n, AUDIOBOOK, np.uint8),
        topic=loadings(draws, [(row,) for row in genre.tolist()], np.where(np.arange(n) % 3 == 2, 0.5, 0.8)),
        style=0.9 * SPOKEN_STYLES * draws.normal(n, STYLES),
        quality=0.5 * draws.normal(n),
        reach=zipf(draws.order(n)),
        language=language,
        released=np.floor(np.where(within, draws.between(settings.start, settings.end, n), before)),
        duration=np.round(draws.between(4, 14, n) * 3600),
        group=author,
        attributes=np.full((n, len(ATTRIBUTES)), np.nan),
        explicit=draws.uniform(n) < 0.03,
        title=[f"{names.BOOK_TITLES[form[row]].format(heading[row])}: {word[row]}" for row in range(n)],
        artists=[(writer[author[row]], reader[row]) for row in range(n)],
        collection=[None] * n,
        genres=[(names.GENRES[genre[row]].name, names.BOOK_FORMS[shape[row]]) for row in range(n)],
    )


def make_catalogue(settings: WorldSettings, seed: int) -> Catalogue:
    """All items of the world, with reach normalised within each kind and the unheard ones set apart."""
    episodes = max(round(settings.items * settings.episode_share), N_GENRES + len(names.SUBJECTS))
    books = max(round(settings.items * settings.audiobook_share), N_GENRES)
    whole = joined(
        [
            make_tracks(settings.items - episodes - books, settings, seed),
            make_episodes(episodes, settings, seed),
            make_audiobooks(books, settings, seed),
        ]
    )
    draws = Draws(seed, "unheard")
    oldest = np.zeros(len(whole), bool)
    oldest[np.unique(whole.group, return_index=True)[1]] = True  # the first of each artist, show and author stays
    chance = np.where(oldest | (whole.kind == AUDIOBOOK), 2.0, draws.uniform(len(whole)))
    unheard = np.argsort(chance, kind="stable")[: round(settings.unheard_share * len(whole))]
    released, reach = whole.released.copy(), whole.reach.copy()
    released[unheard] = np.floor(settings.end - draws.uniform(len(unheard)) * UNHEARD_DAYS * DAY_SECONDS)
    reach[unheard] = 0.0
    for kind in (TRACK, EPISODE, AUDIOBOOK):
        reach[whole.kind == kind] /= reach[whole.kind == kind].sum()
    style = whole.style.copy()
    newest = unheard[whole.kind[unheard] == TRACK]
    style[newest, 1] = 1.0
    apart = set(newest.tolist())  # a new track is a single
    collection = [None if row in apart else name for row, name in enumerate(whole.collection)]
    return replace(whole, released=released, reach=reach, style=style, collection=collection)
