"""How soon a listener is known: the same questions, asked of who knows their first 0, 1, 3 and 10 listens.

Asked about are newcomers: listeners whose first heard play comes after the models were trained, so that nothing of
them can have been learnt; who picked something at onboarding before that may have been. Each is asked about once, at
the moment of their eleventh heard play, whatever is known of them by then: only how much is told changes, neither the
question nor the right answers, which are what they hear from that play on until the next window's models take over.
The alternative, to show less of listeners whom the models have seen, has more questions, and leaks the answers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from palate.core.clock import DAY_SECONDS
from palate.core.listens import Event
from palate.embeddings.inputs import Inputs
from palate.evaluation.method import Fitted, Refreshes
from palate.evaluation.scoring import accuracy
from palate.evaluation.splits import EvalSettings, Split, pair_keys
from palate.evaluation.tasks.questions import Questions, from_pairs
from palate.listening.history import History
from palate.listening.listeners import ListenerColumns

LISTENS = (0, 1, 3, 10)  # how many heard plays are known
MOST_ASKED = 200  # newcomers a window: more would narrow the intervals less than they cost

PLAIN, PICKS, ATTRIBUTES, BOTH = "listens", "listens and picks", "listens and attributes", "everything"
CONDITIONS = {PLAIN: (False, False), PICKS: (True, False), ATTRIBUTES: (False, True), BOTH: (True, True)}
NEXT, DISCOVER = "next", "discover"
TARGETS = {
    NEXT: "everything heard from the eleventh play on",
    DISCOVER: "the same without what was among the first ten, which is masked once it is known",
}

Curve = NDArray[np.float64]


@runtime_checkable
class Described(Protocol):
    """A fitted method that makes use of listeners' attributes, and can be told of others."""

    def described(self, listeners: ListenerColumns) -> Fitted:
        """The same models, with these attributes of the listeners; `ListenerColumns({})` takes all of them away."""
        ...


@dataclass(frozen=True)
class Newcomers:
    """Who is asked about in one window, and what.

    asked   # by target, NEXT and DISCOVER: the questions; DISCOVER may have fewer
    history every event from the beginning to the end of the reach, in time order
    known   # (n,) how many heard plays of the newcomer are known when this event is; -1 for who is none
    at      # (users,) home seconds, when each is asked: at the eleventh heard play
    picked  # (users,) bool, who picked something at onboarding by then
    """

    asked: dict[str, Questions]
    history: History
    known: NDArray[np.int64]
    at: NDArray[np.float64]
    picked: NDArray[np.bool_]

    def told(self, listens: int, picks: bool) -> History:
        """What is known of them: all until the n-th heard play, if any; and onboarding picks."""
        is_pick = self.history.event == Event.ONBOARDING
        heard = (self.known >= 0) & (self.known <= listens) & ~is_pick & (listens > 0)
        by_then = is_pick & (self.known >= 0) & (self.history.timestamp < self.at[self.history.user])
        return self.history.take(np.flatnonzero(heard | by_then if picks else heard))


@dataclass(frozen=True)
class ColdStart:
    """Marks by how much is known; rows as in `TaskValues`.

    rows, windows # by target: (r,) listeners, and positions in `Evaluation.windows`
    picked        # by target: (r,) bool, who picked something at onboarding
    values        # by target, method, condition: (r, len(LISTENS)) NDCG at the longest k; at least PLAIN
    """

    rows: dict[str, NDArray[np.int32]]
    windows: dict[str, NDArray[np.int64]]
    picked: dict[str, NDArray[np.bool_]]
    values: dict[str, dict[str, dict[str, Curve]]]

    @classmethod
    def joined(cls, parts: "Sequence[ColdStart]") -> "ColdStart | None":
        """The windows one after another, without conditions that make no difference; None for no window."""
        if not parts:
            return None
        values = {
            target: {
                method: {name: np.concatenate([part.values[target][method][name] for part in parts]) for name in curves}
                for method, curves in methods.items()
            }
            for target, methods in parts[0].values.items()
        }
        return cls(
            {target: np.concatenate([part.rows[target] for part in parts]) for target in TARGETS},
            {target: np.concatenate([part.windows[target] for part in parts]) for target in TARGETS},
            {target: np.concatenate([part.picked[target] for part in parts]) for target in TARGETS},
            {
                target: {method: _telling(curves) for method, curves in methods.items()}
                for target, methods in values.items()
            },
        )


def _telling(curves: dict[str, Curve]) -> dict[str, Curve]:
    """Without the conditions that say the same as one before them: of who makes no use of picks, or where are none."""
    kept: dict[str, Curve] = {}
    for name, curve in curves.items():
        if not any(np.array_equal(curve, other) for other in kept.values()):
            kept[name] = curve
    return kept


def cold_start(
    part: Split, inputs: Inputs, window: int, fitted: Mapping[str, Fitted], settings: EvalSettings
) -> ColdStart | None:
    """Asks every method of `fitted` that can be told of later listens; None when nobody can be asked about.

    inputs  everything, of which only what lies before the next window's models is looked at: the reach of this one is
            `settings.spacing_days`, so that nobody is asked about twice
    """
    able = {name: model for name, model in fitted.items() if isinstance(model, Refreshes)}
    came = newcomers(part, inputs.history, part.window.start + settings.spacing_days * DAY_SECONDS, settings.seed)
    if not (able and len(came.asked[NEXT])):
        return None
    curves = {name: _curves(model, came, settings.k) for name, model in able.items()}
    return ColdStart(
        {target: asked.rows for target, asked in came.asked.items()},
        {target: np.full(len(asked), window, np.int64) for target, asked in came.asked.items()},
        {target: came.picked[asked.rows] for target, asked in came.asked.items()},
        {target: {name: found[target] for name, found in curves.items()} for target in TARGETS},
    )


def newcomers(part: Split, history: History, end: float, seed: int) -> Newcomers:
    """The listeners with no heard play before the window and eleven or more before `end`, the last of them known.

    A listener who was heard in the gap is none. Of more than MOST_ASKED so many are drawn.
    """
    seen = history.until(end)
    heard = ~seen.skipped() & (seen.event == Event.PLAY)
    late = seen.timestamp >= part.window.start
    old = np.zeros(len(seen.users), np.bool_)
    old[seen.user[heard & ~late]] = True
    place = _place(seen.user, heard)  # of each event, how many heard plays of its listener there are up to it
    first = heard & (place == LISTENS[-1] + 1) & ~old[seen.user]
    at = np.full(len(seen.users), part.window.start)
    at[seen.user[first]] = seen.timestamp[first]
    newcomer = np.zeros(len(seen.users), np.bool_)
    newcomer[seen.user[first]] = True
    after = np.flatnonzero(heard & (place > LISTENS[-1]) & newcomer[seen.user] & np.isin(seen.item, part.catalogue))
    keys = np.unique(pair_keys(seen.user[after], seen.item[after], part.n_items))
    before = np.flatnonzero(heard & (place <= LISTENS[-1]) & newcomer[seen.user])
    heard_first = pair_keys(seen.user[before], seen.item[before], part.n_items)
    drawn = _drawn(np.unique(keys // max(part.n_items, 1)), seed)
    keys = keys[np.isin(keys // max(part.n_items, 1), drawn)]
    asked = {NEXT: from_pairs(keys, part.n_items), DISCOVER: from_pairs(np.setdiff1d(keys, heard_first), part.n_items)}
    who = np.zeros(len(seen.users), np.bool_)
    who[asked[NEXT].rows] = True
    picks = (seen.event == Event.ONBOARDING) & (seen.timestamp < at[seen.user])
    picked = np.bincount(seen.user[picks], minlength=len(seen.users)) > 0
    return Newcomers(asked, seen, np.where(who[seen.user], place, -1), at, picked)


def _curves(model: Fitted, came: Newcomers, k: tuple[int, ...]) -> dict[str, dict[str, Curve]]:
    """By target and condition: (r, len(LISTENS)). A condition that changes nothing for this method is left out."""
    bare = model.described(ListenerColumns({})) if isinstance(model, Described) else model
    found: dict[str, dict[str, Curve]] = {target: {} for target in TARGETS}
    for name, (picks, attributes) in CONDITIONS.items():
        if attributes and bare is model:
            continue
        if picks and not came.picked.any():  # a copy: another window may have some
            for curves in found.values():
                curves[name] = curves[ATTRIBUTES if attributes else PLAIN]
            continue
        marks = [_marks(model if attributes else bare, came, listens, picks, k) for listens in LISTENS]
        for target in TARGETS:
            found[target][name] = np.stack([one[target] for one in marks], axis=1)
    return found


def _marks(model: Fitted, came: Newcomers, listens: int, picks: bool, k: tuple[int, ...]) -> dict[str, Curve]:
    """By target: (r,) NDCG at the longest k."""
    assert isinstance(model, Refreshes)  # `cold_start` looked
    state, metric = model.refreshed(came.told(listens, picks), came.at), f"ndcg@{k[-1]}"
    return {
        target: accuracy(state.recommend(asked.rows, k[-1], exclude_heard=target == DISCOVER), asked, k)[metric]
        for target, asked in came.asked.items()
    }


def _place(user: NDArray[np.int32], counted: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(n,) for each event, in time order, how many of the counted ones of its listener there are up to and with it."""
    order = np.argsort(user, kind="stable")
    running = np.cumsum(counted[order])
    sorted_user = user[order]
    start = np.searchsorted(sorted_user, sorted_user)  # where each listener's events begin
    before = np.concatenate([[0], running])[start]
    place = np.empty(len(user), np.int64)
    place[order] = running - before
    return place


def _drawn(rows: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """At most MOST_ASKED of `rows`, ascending."""
    if len(rows) <= MOST_ASKED:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, MOST_ASKED, replace=False))
