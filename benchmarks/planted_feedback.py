"""Two weeks in which every day's slates change what is heard the next day: SIMULATED listeners with planted tastes.

    python benchmarks/planted_feedback.py --home DIR [--listeners 400] [--days 14] [--seeds 3]

DIR is a home that `palate demo` made. Models are fitted once on its whole log; then each day everybody who comes gets a
slate of 10 from one policy, goes through it from the top, skips or hears each item by the world's own rule (planted
affinity; what is known is skipped less), and leaves for the day after LEAVES_AFTER skips in a row. What was heard and
skipped is folded into the record, as a server does, before the next day's slate.

The world plants no rule for coming back, so one is made up here and is the same for all policies: the chance to come
the next day is RETURN_LEAST + (RETURN_MOST - RETURN_LEAST) x the share of the latest slate that was heard, and
RETURN_AFTER_AWAY after a day away. So "returning", the share who come on the last day, says how a policy's hits add up,
and nothing about real retention: in the long run slates without a skip keep 71% (.25 / .35), and slates of which
nothing is heard 22% (.25 / 1.15).

Policies: for_you as a server answers it, which remembers what it showed; for_you with only what is unheard; both
without that memory; own + EASE + iALS + popular, refreshed daily; popular in 7 days, unheard; chance; and the ceiling,
the ten items of the catalogue with the smallest planted chance to be skipped.
"""

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from palate.catalog.catalog import Catalog
from palate.core.clock import DAY_SECONDS, Clock
from palate.core.home import Home
from palate.core.listens import Event
from palate.embeddings.bulk import build_records
from palate.embeddings.inputs import Inputs
from palate.evaluation.ceiling import Ceiling, load_ceiling
from palate.jobs.batch import Moment
from palate.jobs.inputs import gather
from palate.listening.airing import Airing
from palate.listening.history import History
from palate.listening.slates import FILE as SLATES
from palate.listening.slates import SlateLog
from palate.ranking.ranker import Ranker
from palate.retrieval.query import Query
from palate.sources.world.listening import skip_chance
from palate.surfaces.airings import Airings
from palate.surfaces.path import Recipe, RequestPath
from palate.surfaces.screens.for_you import FOR_YOU, FOR_YOU_UNHEARD
from peers.blend import Blend
from stamp import stamp

SLATE, LEAVES_AFTER = 10, 3
RETURN_LEAST, RETURN_MOST, RETURN_AFTER_AWAY = 0.1, 0.9, 0.25
SECONDS_EACH = 200.0
Slates = Callable[[np.ndarray, History, float], np.ndarray]  # user rows, what is known, now -> (users, SLATE) rows
Policy = Callable[[int, SlateLog], Slates]  # a seed, a memory that it may use


@dataclass
class Outcome:
    """What came of one policy under one seed: counts over all days, and the share of listeners who came on each."""

    listeners: int
    shown: int = 0
    skipped: int = 0
    heard: int = 0
    discovered: int = 0  # heard for the first time ever
    came: list[float] = field(default_factory=list)

    @property
    def measures(self) -> list[float]:
        """In the order of MEASURES."""
        each = [self.heard / self.listeners, self.discovered / self.listeners]
        return [self.skipped / max(self.shown, 1), self.came[-1], sum(self.came), *each]


MEASURES = ("skipped", "returning", "visits", "heard", "discovered")  # the first two are shares, the rest a listener
SHARES = 2


def cells(values: np.ndarray) -> list[str]:
    """(seeds, measures): the mean over seeds of each, and its range."""
    bounds = zip(values.mean(axis=0), values.min(axis=0), values.max(axis=0), strict=True)
    shapes = [".1%" if place < SHARES else ".2f" for place in range(len(MEASURES))]
    return [f"{mean:{how}} [{low:{how}}, {high:{how}}]" for (mean, low, high), how in zip(bounds, shapes, strict=True)]


class NoLabels:
    """Nothing here is put into words."""

    def get(self, row: int) -> object:
        raise LookupError(row)


def ours(moment: Moment, inputs: Inputs, recipe: Recipe, memory: SlateLog | None = None) -> Slates:
    """The request path of the home's live space; records are built anew from what is known, which equals folding.

    memory: an empty log that shall hold what was shown, in home time; None for a server that keeps nothing.
    """
    path = RequestPath(moment.stock, Ranker.load(moment.space.folder / "ranker.txt"), NoLabels())  # type: ignore[arg-type]
    encoder, kinds = moment.space.encoder, moment.stock.columns.kind
    airings = None if memory is None else Airings(memory)

    def slates(users: np.ndarray, known: History, now: float) -> np.ndarray:
        out = np.full((len(users), SLATE), -1, np.int64)
        place = {int(user): at for at, user in enumerate(users)}
        mine = known.take(np.isin(known.user, users))
        for user, record in build_records(mine, moment.stock.listened, kinds, np.sort(users).astype(np.int32)):
            told = inputs.listeners.take([user]) if encoder.reads_attributes else None
            name = inputs.history.users[user]
            aired = None if airings is None else airings.of(name, recipe.name, record, Clock(wall=lambda: now))
            query = Query(record, encoder.encode([record], told, now)[0], now, listener=name, aired=aired)
            found = path.rank(recipe, query, SLATE).candidates.items
            out[place[user], : len(found)] = found
        if memory is not None:
            shown = zip(users.tolist(), out.astype(np.int32), strict=True)
            memory.append([], [Airing(inputs.history.users[user], recipe.name, now, rows) for user, rows in shown])
        return out

    return slates


def refreshed(fitted: object, unheard: bool) -> Slates:
    """A fitted baseline that is told what was heard since."""

    def slates(users: np.ndarray, known: History, now: float) -> np.ndarray:
        at = np.full(len(known.users), now)
        return fitted.refreshed(known, at).recommend(users.astype(np.int32), SLATE, unheard)  # type: ignore[attr-defined]

    return slates


def popular(known: History, now: float) -> Slates:
    """The most played of the last seven days that the listener never heard."""
    week = known.between(now - 7 * DAY_SECONDS, now).heard()
    order = np.argsort(-np.bincount(week.item, minlength=known.n_items), kind="stable")[:2_000]

    def slates(users: np.ndarray, since: History, _: float) -> np.ndarray:
        heard = since.heard()
        pairs = set(zip(heard.user.tolist(), heard.item.tolist(), strict=True))
        return np.array([[i for i in order if (int(user), int(i)) not in pairs][:SLATE] for user in users])

    return slates


def best(planted: Ceiling) -> Slates:
    """The smallest planted chance to be skipped, of all that is out."""
    truth, items = planted.truth, np.flatnonzero(planted.items >= 0)

    def slates(users: np.ndarray, known: History, now: float) -> np.ndarray:
        out = []
        for user in users.tolist():
            liking = truth.affinity(int(planted.users[user]), planted.items[items], now)
            heard = np.isin(items, known.item[(known.user == user) & (known.event == Event.PLAY)])
            ripe = truth.released[planted.items[items]] <= now
            out.append(items[np.lexsort((items, np.where(ripe, skip_chance(liking, heard), 2.0)))[:SLATE]])
        return np.array(out)

    return slates


def chance(n_items: int, rng: np.random.Generator) -> Slates:
    """Any ten."""
    return lambda users, known, now: rng.integers(0, n_items, (len(users), SLATE))


def lived(slates: Slates, inputs: Inputs, planted: Ceiling, users: np.ndarray, days: int, seed: int) -> Outcome:
    """Days of listening under one policy. The dice are the same for every policy with the same seed."""
    rng, known, outcome = np.random.default_rng(seed), inputs.history, Outcome(len(users))
    comes, heard = np.ones(len(users), np.bool_), known.heard()
    met = set((heard.user.astype(np.int64) * known.n_items + heard.item).tolist())
    for day in range(days):
        now = inputs.history.end + (day + 0.75) * DAY_SECONDS
        here, coins, stays = np.flatnonzero(comes), rng.random((len(users), SLATE)), rng.random(len(users))
        outcome.came.append(len(here) / len(users))
        rows = slates(users[here], known, now) if len(here) else np.zeros((0, SLATE), np.int64)
        events, satisfied = [], np.zeros(len(users))
        for at, slate in zip(here.tolist(), rows.tolist(), strict=True):
            events_here = visit(int(users[at]), [i for i in slate if i >= 0], coins[at], planted, met, now, outcome)
            satisfied[at] = sum(not skip for _, _, skip, _ in events_here) / SLATE
            events += events_here
        if events:
            known = _with(known, events)
        keen = RETURN_LEAST + (RETURN_MOST - RETURN_LEAST) * satisfied
        comes = stays < np.where(comes, keen, RETURN_AFTER_AWAY)
    return outcome


def visit(
    user: int, slate: list[int], coins: np.ndarray, planted: Ceiling, met: set[int], now: float, outcome: Outcome
) -> list[tuple[int, int, bool, float]]:
    """(user, item, skipped, when) of one visit, counted."""
    liking = planted.truth.affinity(int(planted.users[user]), planted.items[slate], now)
    n_items, in_a_row, events = len(planted.items), 0, []
    for place, item in enumerate(slate):
        known = user * n_items + item in met
        skip = bool(coins[place] < skip_chance(liking[place : place + 1], np.array([known]))[0])
        outcome.shown, outcome.skipped, outcome.heard = (
            outcome.shown + 1,
            outcome.skipped + skip,
            outcome.heard + (not skip),
        )
        if not skip and not known:
            outcome.discovered += 1
            met.add(user * n_items + item)
        events.append((user, item, skip, now + place * SECONDS_EACH))
        in_a_row = in_a_row + 1 if skip else 0
        if in_a_row == LEAVES_AFTER:
            break
    return events


def _with(known: History, events: list[tuple[int, int, bool, float]]) -> History:
    user, item, skip, when = (np.array(column) for column in zip(*events, strict=True))
    order = np.argsort(when, kind="stable")
    n = len(events)
    added = {
        "user": user.astype(np.int32), "item": item.astype(np.int32), "timestamp": when.astype(np.float64),
        "event": np.where(skip, Event.SKIP, Event.PLAY).astype(np.uint8),
        "seconds_played": np.where(skip, 8.0, SECONDS_EACH).astype(np.float32),
        "duration_seconds": np.full(n, SECONDS_EACH, np.float32),
        "session": known.session.max() + 1 + user.astype(np.int64),
    }  # fmt: skip
    return replace(known, **{name: np.concatenate([getattr(known, name), new[order]]) for name, new in added.items()})


def main() -> None:
    """Prints one row a policy."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--listeners", type=int, default=400)
    parser.add_argument("--days", type=int, default=14)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    home = Home(options.home)
    inputs, moment = gather(home), Moment.open(home, None)
    planted = load_ceiling(home.root / "world", inputs.history.users, Catalog.open(home.catalog).ids)
    if planted is None:
        raise SystemExit(f"{home.root} holds no simulated world; make one with palate demo")
    inputs = replace(inputs, history=moment.history)
    now, known = inputs.end, inputs.history
    plays = np.bincount(known.user, minlength=len(known.users))
    able = np.flatnonzero((plays >= 20) & (planted.users >= 0))
    users = np.sort(np.random.default_rng(0).choice(able, min(options.listeners, len(able)), replace=False))
    blend = Blend().fit(inputs, now)
    print(
        f"SIMULATED. {stamp()}\n{len(users)} listeners, {options.days} days, {options.seeds} seeds, slates of {SLATE}\n"
    )
    policies: dict[str, Policy] = {
        "ceiling (planted)": lambda *_: best(planted),
        "for_you": lambda _, memory: ours(moment, inputs, FOR_YOU, memory),
        "for_you, no memory": lambda *_: ours(moment, inputs, FOR_YOU), "blend": lambda *_: refreshed(blend, False),
        "for_you, unheard": lambda _, memory: ours(moment, inputs, FOR_YOU_UNHEARD, memory),
        "for_you, unheard, no memory": lambda *_: ours(moment, inputs, FOR_YOU_UNHEARD),
        "blend, unheard": lambda *_: refreshed(blend, True), "popular-7d, unheard": lambda *_: popular(known, now),
        "chance": lambda seed, _: chance(known.n_items, np.random.default_rng(seed)),
    }  # fmt: skip
    print(f"| policy | {' | '.join(MEASURES)} |\n|{'---|' * (len(MEASURES) + 1)}")
    found = {}
    for name, policy in policies.items():
        rows = []
        for seed in range(options.seeds):
            with tempfile.TemporaryDirectory() as folder, SlateLog(Path(folder) / SLATES) as memory:
                rows.append(lived(policy(seed, memory), inputs, planted, users, options.days, seed).measures)
        found[name] = np.array(rows)
        print(f"| {name} | {' | '.join(cells(found[name]))} |", flush=True)
    for name, other in (("for_you", "blend"), ("for_you, unheard", "blend, unheard")):
        print(f"| {name} - {other}, by seed | {' | '.join(cells(found[name] - found[other]))} |")


if __name__ == "__main__":
    main()
