"""What the simulated listeners choose on purpose: artists when they open an account, and playlists of their own."""

import numpy as np

from palate.core.clock import DAY_SECONDS
from palate.core.ids import ItemId, PlaylistId, UserId
from palate.core.items import Membership
from palate.core.listens import Event
from palate.sources.world import names
from palate.sources.world.catalogue import TOPIC_GENRE, TRACK
from palate.sources.world.draws import Draws, Floats, Rows
from palate.sources.world.listeners import Listener, user_ids
from palate.sources.world.listening import Plays, Stage
from palate.sources.world.pools import CHART, DEEP, Wishes, discover

MOST_PICKS = 5
SHORTEST, LONGEST = 10, 60  # tracks of a playlist
PLAYLIST_NAMES = ("{} nights", "my {}", "{} for the road", "only {}", "{} to work to", "slow {}", "new {} finds")


def onboarding_picks(stage: Stage, seed: int) -> tuple[Rows, Rows]:
    """(listeners, MOST_PICKS) a track of each picked artist, and how many of the row count (3 to 5): (listeners,).

    Picks agree with the taste that the listener begins with and lean to what everybody knows.
    """
    people, n = stage.population, len(stage.population)
    draws = Draws(seed, "onboarding")
    users = np.repeat(np.arange(n), MOST_PICKS)
    topic = draws.pick_columns(people.taste[users, 0].astype(np.float64))
    kind, depth = np.full(len(users), TRACK), np.full(len(users), CHART)
    picks = discover(Wishes(users, people.account_created[users], kind, topic, depth), stage.pools, stage.truth, draws)
    return picks.reshape(n, MOST_PICKS), 3 + draws.below(3, n)


def make_listeners(stage: Stage, picks: Rows, counts: Rows, ids: list[ItemId]) -> list[Listener]:
    """Every listener as an account would know them; an artist picked twice is named once."""
    people, catalogue, out = stage.population, stage.catalogue, []
    for row, user_id in enumerate(user_ids(len(people))):
        country = names.COUNTRIES[people.country[row]]
        by_artist = {catalogue.artists[item][0]: ids[item] for item in picks[row, : counts[row]].tolist()}
        out.append(
            Listener(
                user_id=user_id,
                country=country.code,
                languages=country.languages,
                birth_year=int(people.birth_year[row]) if people.birth_known[row] else None,
                device=names.DEVICES[people.device[row]].name,
                account_created=float(people.account_created[row]),
                onboarding_artists=tuple(by_artist),
                onboarding_items=tuple(by_artist.values()),
            )
        )
    return out


def onboarding_events(stage: Stage, picks: Rows, counts: Rows) -> Plays:
    """One event for each picked artist of the accounts opened within the simulated time, a few seconds apart."""
    people = stage.population
    late = (people.account_created >= stage.settings.start)[:, None]
    artist = stage.catalogue.group[picks]
    later = np.arange(MOST_PICKS)
    # The last pick of an artist counts, as in make_listeners.
    again = (artist[:, :, None] == artist[:, None, :]) & (later[None, :] > later[:, None])
    again &= (later < counts[:, None])[:, None, :]
    user, place = np.nonzero((later < counts[:, None]) & late & ~again.any(axis=2))
    n = len(user)
    return Plays(
        user=user.astype(np.int32),
        item=picks[user, place].astype(np.int32),
        timestamp=people.account_created[user] + 10.0 * place,
        event=np.full(n, Event.ONBOARDING, np.uint8),
        seconds_played=np.full(n, np.nan, np.float32),
        sitting=np.full(n, -1, np.int32),
        surface=np.full(n, -1, np.int8),
    )


def make_playlists(stage: Stage, ids: list[ItemId], seed: int) -> list[Membership]:
    """Playlists of listeners out of one sub-genre of their taste, with a quarter from its neighbours.

    Each has SHORTEST to LONGEST different tracks; one that does not find enough in a small catalogue is left out.
    """
    draws = Draws(seed, "playlists")
    n, people = stage.settings.playlists, stage.population
    owner = draws.pick(people.listens.astype(np.float64) + 1.0, n)
    created = people.joined[owner] + draws.between(0.02, 0.9, n) * (stage.settings.end - people.joined[owner])
    topic = draws.pick_columns(stage.truth.taste_at(owner, created).astype(np.float64))
    size = np.clip(SHORTEST + 14.0 * draws.exponential(n), SHORTEST, LONGEST).astype(np.int64)
    playlist, item, added = _filled(owner, created, topic, size, stage, draws)
    gone = np.where(draws.uniform(len(item)) < 0.05, draws.between(added, stage.settings.end, len(item)), np.inf)
    shape = draws.below(len(PLAYLIST_NAMES), n)
    whole = draws.uniform(n) < 0.4  # named by the genre; else by the sub-genre
    users = user_ids(len(people))
    name = [_name(int(topic[row]), int(shape[row]), bool(whole[row])) for row in range(n)]
    place = np.arange(len(playlist)) - np.searchsorted(playlist, playlist)
    columns = (playlist.tolist(), item.tolist(), place.tolist(), np.floor(added).tolist(), np.ceil(gone).tolist())
    return [
        Membership(
            playlist_id=PlaylistId(f"sim-playlist-{p + 1:05d}"),
            item_id=ids[i],
            position=position,
            name=name[p],
            owner=UserId(users[owner[p]]),
            added=since,
            removed=None if until == np.inf else until,
        )
        for p, i, position, since, until in zip(*columns, strict=True)
    ]


def _filled(
    owner: Rows, created: Floats, topic: Rows, size: Rows, stage: Stage, draws: Draws
) -> tuple[Rows, Rows, Floats]:
    """Playlist row, item row and unix time of each membership, by playlist and time."""
    tries = 3 * size
    row = np.repeat(np.arange(len(owner)), tries)
    n = len(row)
    near = topic[row] // 4 * 4 + draws.below(4, n)
    added = np.minimum(created[row] + 12 * DAY_SECONDS * draws.exponential(n), stage.settings.end - 1.0)
    added = added[np.lexsort((added, row))]
    wanted = np.where(draws.uniform(n) < 0.75, topic[row], near)
    wishes = Wishes(owner[row], added, np.full(n, TRACK), wanted, np.full(n, DEEP))
    item = discover(wishes, stage.pools, stage.truth, draws)
    met = np.unique(row * len(stage.catalogue) + item, return_index=True)[1]
    met.sort()
    row, item, added = row[met], item[met], added[met]
    kept = (np.arange(len(row)) - np.searchsorted(row, row) < size[row]) & (
        np.bincount(row, minlength=len(owner))[row] >= SHORTEST
    )
    return row[kept], item[kept], added[kept]


def _name(topic: int, shape: int, whole: bool) -> str:
    word = names.GENRES[TOPIC_GENRE[topic]].name if whole else names.SUBGENRES[topic].name
    return PLAYLIST_NAMES[shape].format(word)
