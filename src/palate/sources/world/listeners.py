"""The listeners of the simulated world: who they are, what they like and how that changes.

Nobody here is a real person. Ages, languages, devices and account ages all matter to what is heard, so that static
features carry something to learn.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from palate.core.clock import DAY_SECONDS
from palate.core.ids import ItemId, UserId
from palate.sources.world import names
from palate.sources.world.catalogue import STYLES, TOPIC_GENRE, TOPICS, YEAR_SECONDS, topic_shares
from palate.sources.world.draws import Draws, Floats, Rows
from palate.sources.world.settings import WorldSettings

CURIOSITY = 0.04  # of a taste lies on topics as they are common
TURN_SHARE = 0.7  # of a turned taste lies on the new genre
DRIFT = 0.22  # standard deviation of a topic's log weight from one phase to the next
SATURDAY_AFTERNOON_SECONDS = 2 * DAY_SECONDS + 14 * 3600.0  # after Thursday 00:00 UTC, where unix weeks begin
WEEK_SECONDS = 7 * DAY_SECONDS


@dataclass(frozen=True, slots=True)
class Listener:
    """One simulated listener, as an account would know them. Times are unix seconds; `birth_year` may be unknown."""

    user_id: UserId
    country: str
    languages: tuple[str, ...]
    birth_year: int | None
    device: str
    account_created: float
    onboarding_artists: tuple[str, ...] = ()
    onboarding_items: tuple[ItemId, ...] = ()


@dataclass(frozen=True)
class Population:
    """Every listener in columns of (n,) unless said otherwise; rows are listener rows.

    `joined` is the account's creation or the start of the world, whichever is later. `listens` is how many plays and
    skips they make. The remaining arrays are those of Truth with the same names.
    """

    country: Rows
    device: Rows
    birth_year: Rows
    birth_known: NDArray[np.bool_]
    account_created: Floats
    joined: Floats
    listens: Rows
    replay: Floats
    taste: NDArray[np.float32]
    phase_start: Floats
    listener_style: NDArray[np.float32]
    language_fit: NDArray[np.float32]
    kind_mix: NDArray[np.float32]
    utc_hours: NDArray[np.float32]
    turned: Rows
    turn_time: Floats
    turn_genre: Rows

    def __len__(self) -> int:
        return len(self.country)


def user_ids(n: int) -> list[UserId]:
    """ "sim-user-0001" and so on."""
    return [UserId(f"sim-user-{number:04d}") for number in range(1, n + 1)]


def make_population(settings: WorldSettings, seed: int) -> Population:
    """All listeners of the world, their tastes and their appetite."""
    n = settings.listeners
    draws = Draws(seed, "listeners")
    country = draws.pick(np.array([one.share for one in names.COUNTRIES]), n)
    device = draws.pick(np.array([one.share for one in names.DEVICES]), n)
    birth_year = np.floor(np.clip(1990 + 13 * draws.normal(n), 1940, 2011)).astype(np.int64)
    birth_known = draws.uniform(n) < 0.7
    created = _accounts(settings, seed)
    joined = np.maximum(created, settings.start)
    phase_start = joined[:, None] + np.arange(settings.phases) / settings.phases * (settings.end - joined)[:, None]
    first = _first_tastes(country, seed)
    taste = _drifted(first, settings.phases, seed)
    turns = _turn(taste, phase_start, first, settings, seed)
    style = 0.5 * draws.normal(n, STYLES)
    style[:, 1] += (birth_year - 1990) / 26.0  # who was born later likes newer music
    style[:, 0] -= np.where(device == 2, 0.35, 0.0)  # a speaker in the room plays calmer things
    return Population(
        country=country,
        device=device,
        birth_year=birth_year,
        birth_known=birth_known,
        account_created=created,
        joined=joined,
        listens=_activity(joined, settings, seed),
        replay=draws.between(0.75, 1.15, n),
        taste=taste.astype(np.float32),
        phase_start=phase_start,
        listener_style=style.astype(np.float32),
        language_fit=_language_fit(country).astype(np.float32),
        kind_mix=_kind_mix(device, seed).astype(np.float32),
        utc_hours=np.array([one.utc_hours for one in names.COUNTRIES], np.float32)[country],
        turned=turns.turned,
        turn_time=turns.turn_time,
        turn_genre=turns.turn_genre,
    )


def _accounts(settings: WorldSettings, seed: int) -> Floats:
    """When each account was opened: `late_share` within the world, leaving its last two days free."""
    draws = Draws(seed, "accounts")
    n = settings.listeners
    late = draws.between(settings.start, settings.end - 2 * DAY_SECONDS, n)
    old = settings.start - np.minimum(2.5 * draws.exponential(n), 10.0) * YEAR_SECONDS
    return np.asarray(np.floor(np.where(draws.uniform(n) < settings.late_share, late, old)), np.float64)


def _activity(joined: Floats, settings: WorldSettings, seed: int) -> Rows:
    """Listens per listener: log-normal (the mean is twice the median), less for who came late; sums to `listens`."""
    draws = Draws(seed, "activity")
    here = (settings.end - joined) / (settings.end - settings.start)
    weight = np.exp(1.2 * np.minimum(draws.normal(settings.listeners), 3.2)) * here**0.7
    edges = np.round(np.cumsum(weight) / weight.sum() * settings.listens).astype(np.int64)
    return np.asarray(np.diff(edges, prepend=0), np.int64)


def _first_tastes(country: Rows, seed: int) -> Floats:
    """(n, TOPICS) tastes of two to four sub-genres in flat Dirichlet shares, with a little curiosity for the rest."""
    draws = Draws(seed, "tastes")
    n = len(country)
    liked = np.ones((len(names.COUNTRIES), len(names.GENRES)))
    for row, one in enumerate(names.COUNTRIES):
        for column, genre in enumerate(names.GENRES):
            liked[row, column] += 1.2 * one.likes.count(genre.name)
    weights = topic_shares() * liked[country][:, TOPIC_GENRE]
    taste = np.full((n, TOPICS), 1e-9)
    how_many = 2 + draws.below(3, n)
    chosen = draws.pick_columns(weights)
    for step in range(4):
        share = draws.exponential(n) + 0.25
        taste[np.arange(n), chosen] += np.where(step < how_many, share, 0.0)
        sibling = chosen // 4 * 4 + (chosen + 1 + draws.below(3, n)) % 4
        chosen = np.where(draws.uniform(n) < 0.4, sibling, draws.pick_columns(weights))
    return _curious(taste)


def _curious(taste: Floats) -> Floats:
    taste = taste / taste.sum(axis=-1, keepdims=True)
    return np.asarray((1.0 - CURIOSITY) * taste + CURIOSITY * topic_shares(), np.float64)


def _drifted(first: Floats, phases: int, seed: int) -> Floats:
    """(n, phases, TOPICS): a random walk of the log weights."""
    draws = Draws(seed, "drift")
    steps = DRIFT * draws.normal(len(first), phases, TOPICS)
    steps[:, 0] = 0.0
    walked = first[:, None, :] * np.exp(np.cumsum(steps, axis=1))
    return np.asarray(walked / walked.sum(axis=-1, keepdims=True), np.float64)


class _Turns(NamedTuple):
    turned: Rows
    turn_time: Floats
    turn_genre: Rows


def _turn(taste: Floats, phase_start: Floats, first: Floats, settings: WorldSettings, seed: int) -> _Turns:
    """Turns some listeners, in place: from a Saturday in mid-life on, most of their taste is a genre new to them."""
    draws = Draws(seed, "turns")
    n = len(first)
    here = settings.end - phase_start[:, 0]
    wish = phase_start[:, 0] + draws.between(0.35, 0.7, n) * here
    time = (np.floor(wish / WEEK_SECONDS)) * WEEK_SECONDS + SATURDAY_AFTERNOON_SECONDS
    stays = here > 8 * WEEK_SECONDS  # a turn needs time before and after it
    turned = np.flatnonzero((draws.uniform(n) < settings.turned_share / max(stays.mean(), 0.1)) & stays)
    known = np.add.reduceat(first[turned], np.arange(0, TOPICS, 4), axis=1)
    unknown = np.where(known < 0.08, np.array([genre.share for genre in names.GENRES]), 0.0)
    genre = draws.pick_columns(unknown)
    fresh = draws.exponential(len(turned), TOPICS) * (genre[:, None] == TOPIC_GENRE) + 1e-12
    fresh /= fresh.sum(axis=1, keepdims=True)
    phases = phase_start.shape[1]
    phase = np.clip((phase_start[turned] <= time[turned, None]).sum(axis=1), 1, phases - 1)
    phase_start[turned, phase] = time[turned]
    after = np.arange(phases) >= phase[:, None]
    mixed = (1.0 - TURN_SHARE) * taste[turned] + TURN_SHARE * fresh[:, None, :]
    taste[turned] = np.where(after[:, :, None], mixed, taste[turned])
    return _Turns(turned, time[turned], genre)


def _language_fit(country: Rows) -> Floats:
    """(n, languages + 1) in logits: one's own language draws, a foreign one puts off, and English is half known."""
    table = np.full((len(names.COUNTRIES), len(names.LANGUAGES) + 1), -3.0)
    table[:, names.LANGUAGES.index("en")] = -0.3
    table[:, -1] = 0.0
    for row, one in enumerate(names.COUNTRIES):
        for language in one.languages:
            table[row, names.LANGUAGES.index(language)] = 0.3 if language == "en" else 1.3
    return table[country]


def _kind_mix(device: Rows, seed: int) -> Floats:
    """(n, kinds) shares of sittings: a third are podcast listeners, a tenth hear audiobooks, most hear neither."""
    draws = Draws(seed, "kinds")
    n = len(device)
    spoken = np.array([one.spoken for one in names.DEVICES])[device]
    episodes = np.where(draws.uniform(n) < 0.3 * spoken, draws.between(0.2, 0.6, n), draws.between(0.0, 0.03, n))
    books = np.where(draws.uniform(n) < 0.1 * spoken, draws.between(0.1, 0.35, n), draws.between(0.0, 0.004, n))
    return np.stack([1.0 - episodes - books, episodes, books], axis=1)
