"""Slates for people to judge: the same listeners, answered by several methods, with what they played lately.

`for_you` and `taste` are the live space's, as a request would be answered just after the last listen. A baseline is
fitted on the whole log for the occasion, `random` draws from what is available. No list leaves out what was heard,
unless asked; then all do.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from palate.catalog.catalog import Catalog
from palate.core.clock import DAY_SECONDS
from palate.core.errors import BadInput
from palate.core.home import Home
from palate.embeddings.inputs import Inputs, is_simulated
from palate.evaluation.baselines import standard
from palate.jobs.batch import Moment, recipe_named
from palate.jobs.inputs import gather
from palate.jobs.judge.ours import NoLabels
from palate.lab.listening_tests.design import Case, Stimulus
from palate.lab.listening_tests.making import Slates, SlatesAsked
from palate.listening.history import History
from palate.ranking.ranker import Ranker
from palate.retrieval.query import Query
from palate.surfaces.path import RequestPath

FOR_YOU, TASTE, RANDOM = "for_you", "taste", "random"
SHORT = {"ours": FOR_YOU, "popular": "popular-7d"}  # what people say, and what it is called here
SHOWN_HEARD = 6  # latest items above the lists: as many as a phone shows with them
KNOWN_HEARD = SHOWN_HEARD  # different items within RECENT_DAYS, so that there is a listener to judge for
RECENT_DAYS = 28.0


def slates_to_rate(home: Home, asked: SlatesAsked) -> Slates:
    """Makes the slates; BadInput for a method that is not known, or when too few listeners played enough lately.

    NotTrained without a live space. A case is called by its listener's id, which raters never see.
    """
    inputs = gather(home.require())
    methods = {method.name: method for method in standard(inputs.columns)}
    known = [FOR_YOU, TASTE, RANDOM, *methods]
    names = [SHORT.get(name, name) for name in asked.conditions]
    wrong = [name for name in names if name not in known]
    if wrong:
        raise BadInput(f"no method {', '.join(wrong)}; choose from {', '.join(known)}")
    users = listeners_to_show(inputs, asked.listeners, asked.seed)
    rows = {}
    for condition, name in zip(asked.conditions, names, strict=True):
        if name in (FOR_YOU, TASTE):
            rows[condition] = _ours(Moment.open(home, None), name, users, asked)
        elif name == RANDOM:
            rows[condition] = _random(inputs, users, asked)
        else:
            fitted = methods[name].fit(inputs, inputs.end)
            rows[condition] = fitted.recommend(users, asked.length, asked.unheard)
    return Slates(tuple(_cases(home, inputs, users, rows)), is_simulated(inputs))


def listeners_to_show(inputs: Inputs, count: int, seed: int) -> NDArray[np.int32]:
    """(count,) user rows drawn from those who heard KNOWN_HEARD items in the last RECENT_DAYS; BadInput for too few."""
    recent = inputs.history.between(inputs.end - RECENT_DAYS * DAY_SECONDS, inputs.end).heard()
    pairs = np.unique(np.stack([recent.user, recent.item]), axis=1)
    user, heard = np.unique(pairs[0], return_counts=True)
    fit = user[heard >= KNOWN_HEARD]
    if not 1 <= count <= len(fit):
        raise BadInput(
            f"{len(fit):,} listeners heard {KNOWN_HEARD} or more items in the last {RECENT_DAYS:.0f} days of the log, "
            f"and {count:,} are asked for; ask for 1 to {len(fit):,} with --cases"
        )
    return np.asarray(np.random.default_rng(seed).permutation(fit)[:count], np.int32)


def _ours(moment: Moment, name: str, users: NDArray[np.int32], asked: SlatesAsked) -> NDArray[np.int32]:
    """(listeners, length) item rows, -1 where a slate ends early."""
    recipe = recipe_named(FOR_YOU, asked.unheard)
    path = RequestPath(moment.stock, Ranker.load(moment.space.folder / "ranker.txt"), NoLabels())
    out = np.full((len(users), asked.length), -1, np.int32)
    ids = [moment.history.users[row] for row in users.tolist()]
    for place, (_, state) in enumerate(moment.states_of(ids)):
        query = Query(state.record, state.taste, moment.at)
        if name == FOR_YOU:
            found = path.rank(recipe, query, asked.length).candidates.items
        else:
            allowed = moment.stock.columns.available.copy()
            if asked.unheard:
                allowed[query.record.items[query.record.heard > 0]] = False
            found = moment.stock.index.nearest(query.taste, asked.length, allowed=allowed)[0][0]
        out[place, : len(found)] = found
    return out


def _random(inputs: Inputs, users: NDArray[np.int32], asked: SlatesAsked) -> NDArray[np.int32]:
    rng = np.random.default_rng([asked.seed, 1])
    stock = np.flatnonzero(inputs.columns.available)
    out = np.full((len(users), asked.length), -1, np.int32)
    heard = inputs.history.heard()
    for place, user in enumerate(users.tolist()):
        mine = heard.item[heard.user == user] if asked.unheard else np.empty(0, np.int32)
        drawn = rng.permutation(np.setdiff1d(stock, mine))[: asked.length]
        out[place, : len(drawn)] = drawn
    return out


def _cases(home: Home, inputs: Inputs, users: NDArray[np.int32], rows: dict[str, NDArray[np.int32]]) -> Iterator[Case]:
    catalog = Catalog.open(home.catalog)

    def lines(items: Sequence[int]) -> tuple[tuple[str, str], ...]:
        found = [catalog.item(row) for row in items if row >= 0]
        return tuple((item.title or str(item.item_id), ", ".join(item.artists)) for item in found)

    heard = inputs.history.heard()
    for place, user in enumerate(users.tolist()):
        stimuli = {name: Stimulus(items=lines(found[place].tolist())) for name, found in rows.items()}
        yield Case(inputs.history.users[user], stimuli, lines(_latest(heard, user)))


def _latest(heard: History, user: int) -> list[int]:
    """The last SHOWN_HEARD different items of a listener, newest first."""
    mine = heard.item[heard.user == user][::-1]
    return [int(item) for item in dict.fromkeys(mine.tolist())][:SHOWN_HEARD]
