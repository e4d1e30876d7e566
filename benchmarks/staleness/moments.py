"""Moments inside sittings, and what was played next: the questions of the staleness curve."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palate.evaluation import metrics
from palate.evaluation.splits import Split
from palate.listening.history import History

SOON = 10  # plays that count as the next ones
EVERYTHING, UNHEARD = "everything", "unheard"
INSIDE, DOOR = "inside a sitting", "at its beginning"
QUESTIONS = ("next play", "next 10 plays", "rest of the sitting")
LENGTHS = (10, 100)  # of the lists; the longer one is asked for


@dataclass(frozen=True)
class Asked:
    """Listeners, each asked once, at the beginning of a play.

    users   # (q,) int32, ascending
    at      # (q,) float64, home seconds: when that play begins, which is still to be told
    plays   # (q,) int64, how many heard plays came before
    heard   # (q, n_items) bool: what was heard before, which a list of the unheard must not hold
    targets by question, and by "everything" or "unheard": (indptr, items), a listener's items ascending
    """

    users: NDArray[np.int32]
    at: NDArray[np.float64]
    plays: NDArray[np.int64]
    heard: NDArray[np.bool_]
    targets: dict[str, dict[str, tuple[NDArray[np.int64], NDArray[np.int32]]]]

    def marks(self, lists: NDArray[np.int32], of: str) -> dict[str, NDArray[np.float64]]:
        """(q,) by "question/of/metric"; NaN for who played nothing that was asked for.

        lists # (q, LENGTHS[-1]) int32; of: "everything", or "unheard", whose lists hold nothing that was heard
        """
        found = {}
        for question, by_part in self.targets.items():
            indptr, items = by_part[of]
            hit, sizes = metrics.hits(lists, indptr, items), np.diff(indptr)
            for length in LENGTHS:
                found[f"{question}/{of}/ndcg@{length}"] = metrics.ndcg(hit, sizes, length)
                hits = metrics.hit_rate(hit, length)
                found[f"{question}/{of}/hit_rate@{length}"] = np.where(sizes > 0, hits, np.nan)
        return found


def moments(part: Split, where: str, most: int, seed: int) -> list[Asked]:
    """Up to `most` moments of each listener, drawn evenly; a round holds one of each listener.

    A moment is that of a heard play of a sitting that began in the window: INSIDE, where the sitting had another play
    before, or DOOR, where it is the first. Empty when there is no such play.
    """
    after = part.following.heard()
    after = after.take(np.argsort(after.user, kind="stable"))
    is_first = _began(after) == after.timestamp
    rows = np.flatnonzero(
        (is_first if where == DOOR else ~is_first) & ~np.isin(after.session, part.known.history.session)
    )
    rows = rows[np.random.default_rng(seed).permutation(len(rows))]
    rows = rows[np.argsort(after.user[rows], kind="stable")]  # each listener's moments in a drawn order
    place = np.arange(len(rows)) - np.searchsorted(after.user[rows], after.user[rows])
    return [_asked(part, after, rows[place == number]) for number in range(most) if (place == number).any()]


def _began(after: History) -> NDArray[np.float64]:
    """(n,) when the sitting of each play began."""
    _, which = np.unique(after.session, return_inverse=True)
    began = np.full(int(which.max(initial=-1)) + 1, np.inf)
    np.minimum.at(began, which, after.timestamp)
    return np.asarray(began[which], np.float64)


def _asked(part: Split, after: History, rows: NDArray[np.int64]) -> Asked:
    """after: heard plays of the window, one listener after another; rows # (q,) the play that comes next."""
    users, at = after.user[rows], after.timestamp[rows]
    when = np.full(len(part.known.history.users), -np.inf)
    when[users] = at
    whole = part.everything.heard()
    before = whole.take(np.flatnonzero(whole.timestamp < when[whole.user]))
    place = np.searchsorted(users, before.user)
    heard = np.zeros((len(users), part.n_items), np.bool_)
    heard[place, before.item] = True
    plays = np.bincount(place, minlength=len(users))
    ends = np.searchsorted(after.user, users, side="right")
    chosen = {question: [] for question in QUESTIONS}
    for row, end in zip(rows.tolist(), ends.tolist(), strict=True):
        coming = slice(row, end)
        items, same = after.item[coming], after.session[coming] == after.session[row]
        for question, those in zip(QUESTIONS, (items[:1], items[:SOON], items[same]), strict=True):
            chosen[question].append(np.intersect1d(those, part.catalogue))
    targets = {question: _both(lists, heard) for question, lists in chosen.items()}
    return Asked(users, at, plays, heard, targets)


def _both(
    lists: Sequence[NDArray[np.int32]], heard: NDArray[np.bool_]
) -> dict[str, tuple[NDArray[np.int64], NDArray[np.int32]]]:
    new = [items[~heard[place, items]] for place, items in enumerate(lists)]
    return {EVERYTHING: _packed(lists), UNHEARD: _packed(new)}


def _packed(lists: Sequence[NDArray[np.int32]]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    indptr = np.concatenate([[0], np.cumsum([len(items) for items in lists], dtype=np.int64)])
    return indptr, np.concatenate([np.zeros(0, np.int32), *lists]).astype(np.int32)


def known_before(part: Split, asked: Asked, age_seconds: float) -> History:
    """What was known of those listeners `age_seconds` before they are asked; with infinity nothing."""
    until = np.full(len(part.known.history.users), -np.inf)
    until[asked.users] = asked.at - age_seconds
    whole = part.everything
    return whole.take(np.flatnonzero(whole.timestamp < until[whole.user]))


def heard_since(part: Split, asked: Asked, age_seconds: float) -> NDArray[np.int64]:
    """(q,) how many plays a taste of that age lacks."""
    known = known_before(part, asked, age_seconds).heard()
    return asked.plays - np.bincount(known.user, minlength=len(known.users))[asked.users]
