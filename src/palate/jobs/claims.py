"""Asks the surfaces of a home for many listeners, and checks every claim of the answers."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.core.clock import Clock
from palate.core.errors import BadInput
from palate.core.home import Home
from palate.core.progress import progress
from palate.core.slate import Slate
from palate.embeddings.records import UserRecord
from palate.embeddings.states import UserState
from palate.evaluation.claims import Facts, Tally, check
from palate.jobs.inputs import gather
from palate.jobs.online import open_live
from palate.surfaces.ask import Ask
from palate.surfaces.live import LiveHome
from palate.surfaces.registry import answer, surface, surfaces
from palate.surfaces.watched import watched

NOBODY_KNOWN = "nobody known, to check what strangers are told"  # a listener without a past
TELLS_OF_PICKS = "onboarding"  # its seeds are what a newcomer would pick
N = 20


@dataclass
class Checked:
    """A tally over surfaces; how many answers and items each gave, and which could not be asked."""

    tally: Tally = field(default_factory=Tally)
    answers: Counter[str] = field(default_factory=Counter)
    items: Counter[str] = field(default_factory=Counter)
    unasked: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """For --json."""
        return {
            "answers": dict(self.answers), "items": dict(self.items), "unasked": self.unasked,
            "checked": dict(self.tally.checked), "unchecked": dict(self.tally.unchecked),
            "false": [str(one) for one in self.tally.false],
        }  # fmt: skip


def check_home(home: Home, listeners: int, names: Sequence[str] = (), seed: int = 0) -> Checked:
    """Answers for `listeners` drawn with `seed` and for a stranger, on the surfaces named or on all of them.

    The clock stands still meanwhile. A surface that needs a seed, words, a genre or another listener gets one. Records
    have to be level with the log (`palate fresh`). BadInput for an unknown surface.
    """
    asked = [surface(name).name for name in names] or list(surfaces())
    live = open_live(home)
    now = live.clock.wall()
    live = replace(live, clock=Clock(live.clock.calendar, lambda: now))
    facts = facts_of(home, live)
    known = np.array(sorted(live.store.users(live.space.label)), object)
    drawn = np.random.default_rng(seed).permutation(known)[:listeners].tolist()
    checked = Checked()
    for place, user in enumerate(progress([*drawn, NOBODY_KNOWN], "listeners answered", len(drawn) + 1)):
        for name in asked:
            for ask, slate, tastes in _slates(live, name, str(user), place, facts, known):
                checked.answers[name] += 1
                checked.items[name] += len(slate.items)
                picked = ask.seeds if name == TELLS_OF_PICKS else ()
                checked.tally.add(check(slate, facts, picked, tastes))
    checked.unasked = [name for name in asked if not checked.answers[name]]
    return checked


def facts_of(home: Home, live: LiveHome) -> Facts:
    """The home's raw material, as it is now; the models' numbers are those of the live space."""
    stock, inputs = live.path.stock, gather(home)
    items = [live.items.get(row) for row in range(stock.n_items)]

    @lru_cache(1_024)
    def taste(user: str | None) -> NDArray[np.float32]:
        return live.state(user or "").taste

    crowds = stock.crowds
    circles: dict[str, int | None] = {}
    for user in live.store.users(live.space.label) if crowds is not None else ():
        stored = live.store.get(live.space.label, user)
        if crowds is not None and stored is not None:
            circles[user] = crowds.circle(stock.direction_of(UserState.unpack(stored).taste))
    moment = float(stock.trends.moment)
    listed = np.inf if live.space.manifest["until"] is None else moment  # lists may be dated after the last listen
    return Facts(inputs, items, np.array(stock.vectors), live.clock.now(), moment, taste, circles.get, listed)


def _slates(
    live: LiveHome, name: str, user: str, place: int, facts: Facts, known: NDArray[np.object_]
) -> Iterator[tuple[Ask, Slate, list[NDArray[np.float32]]]]:
    """The surface's answers to the plainest request that it understands, and to one more, another for each listener.

    With each the tastes that went into it, as the request path saw them.
    """
    asks = list(_asks(user, place, facts, [str(one) for one in known[: place + 2]]))
    more = asks[1 + place % (len(asks) - 1)]
    found = 0
    for ask in [asks[0], more, *asks[1:]]:
        if found and ask is not more:
            break
        open_home, path = watched(live)
        try:
            slate = answer(open_home, name, ask)
        except BadInput:
            continue  # it needs something else
        found += 1
        tastes = [one.query.taste for one in path.passes]
        yield ask, slate, [*tastes, _picked(live, ask)] if name == TELLS_OF_PICKS and ask.seeds else tastes


def _picked(live: LiveHome, ask: Ask) -> NDArray[np.float32]:
    """The taste of one of whom nothing is known but the items of `ask.seeds`, picked now."""
    stock, now, record = live.path.stock, live.clock.now(), UserRecord.empty(live.space.encoder.listened_dim)
    for row in map(live.row, ask.seeds):
        record.add(row, int(stock.columns.kind[row]), stock.listened[row], now, 1.0, skip=False, play=False)
    taste: NDArray[np.float32] = live.space.encoder.encode([record], now=now)[0]
    return taste


def _asks(user: str, place: int, facts: Facts, known: list[str]) -> Iterator[Ask]:
    """Requests that differ in what they hold, the plainest first."""
    plain = Ask(user, N)
    item = facts.items[(7 * place) % len(facts.items)]
    mine = next(iter(facts.heard_by(user)), str(item.item_id))
    genres = facts.item(mine).genres
    yield plain
    yield replace(plain, seeds=(mine,))
    yield replace(plain, others=tuple(one for one in known if one != user)[-1:])
    yield replace(plain, words=(facts.item(mine).title or "a")[:3])
    yield replace(plain, genre=genres[0] if genres else "")
    yield replace(plain, unheard=True)
    yield replace(plain, seeds=(mine, str(item.item_id)), genre=genres[0] if genres else "", words="a")
