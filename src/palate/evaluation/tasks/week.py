"""What a listener hears in the week after: everything (`Next`), or only what is new to them (`Discover`)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palate.core.clock import DAY_SECONDS
from palate.core.listens import Event
from palate.evaluation.method import Fitted, Refreshes
from palate.evaluation.splits import EvalSettings, Split, pair_keys
from palate.evaluation.tasks.questions import LISTENERS, Questions, from_pairs, nothing_forbidden

COLD_PLAYS = 4  # a listener with fewer heard plays is cold


@dataclass(frozen=True)
class Next:
    """Distinct items heard in the window, re-listens included; nothing is masked."""

    name: str = "next"
    about: str = "items heard in the following week, re-listens included, by listeners with enough plays before"
    of: str = LISTENERS
    missing: str = "no listener has enough heard plays before a window and one of a known item in it"

    def listeners(self, part: Split, settings: EvalSettings) -> NDArray[np.bool_]:
        """(users,) True for who is asked about."""
        return part.plays >= settings.min_train_plays

    def questions(self, part: Split, settings: EvalSettings) -> Questions:
        return from_pairs(heard_after(part, self.listeners(part, settings)), part.n_items)

    def able(self, fitted: Fitted) -> bool:
        return True

    def answers(self, fitted: Fitted, part: Split, asked: Questions, n: int) -> NDArray[np.int32]:
        return fitted.recommend(asked.rows, n, exclude_heard=False)

    def tomorrow(self, fitted: Fitted, part: Split, asked: Questions, n: int) -> NDArray[np.int32] | None:
        """The lists a day later, by a method that was told of that day and not trained again; None if it cannot be."""
        if not isinstance(fitted, Refreshes):
            return None
        moment = part.window.at + DAY_SECONDS  # the same for everybody, so that what is known then is no copy
        told = fitted.refreshed(part.everything.until(moment), np.full(len(part.plays), moment))
        return self.answers(told, part, asked, n)

    def forbidden(self, part: Split, asked: Questions, lists: NDArray[np.int32]) -> NDArray[np.bool_]:
        return nothing_forbidden(lists)


@dataclass(frozen=True)
class Discover(Next):
    """Only items that the listener had never heard; those heard before are masked for every method."""

    name: str = "discover"
    about: str = "never-heard items heard in the following week; what was heard before is masked for every method"
    missing: str = "no listener with enough heard plays before a window heard something new in it"

    def questions(self, part: Split, settings: EvalSettings) -> Questions:
        return from_pairs(new_after(part, self.listeners(part, settings)), part.n_items)

    def answers(self, fitted: Fitted, part: Split, asked: Questions, n: int) -> NDArray[np.int32]:
        return fitted.recommend(asked.rows, n, exclude_heard=True)

    def forbidden(self, part: Split, asked: Questions, lists: NDArray[np.int32]) -> NDArray[np.bool_]:
        return was_heard(part, asked.rows, lists)


@dataclass(frozen=True)
class ColdNext(Next):
    """As `Next`, for who has fewer than COLD_PLAYS heard plays, or nothing but onboarding picks."""

    name: str = "cold-next"
    about: str = "as next, for listeners with one to three heard plays, or with nothing but onboarding picks"
    missing: str = "no listener with one to three heard plays or only onboarding picks heard a known item in a window"

    def listeners(self, part: Split, settings: EvalSettings) -> NDArray[np.bool_]:
        return cold(part)


@dataclass(frozen=True)
class ColdDiscover(Discover):
    """As `Discover`, for the same listeners as `ColdNext`."""

    name: str = "cold-discover"
    about: str = "as discover, for listeners with one to three heard plays, or with nothing but onboarding picks"
    missing: str = "no listener with one to three heard plays or only onboarding picks heard something new in a window"

    def listeners(self, part: Split, settings: EvalSettings) -> NDArray[np.bool_]:
        return cold(part)


def cold(part: Split) -> NDArray[np.bool_]:
    """(users,) True for who is hardly known: one to three heard plays, or none and onboarding picks."""
    history, plays = part.known.history, part.plays
    picked = np.bincount(history.user[history.event == Event.ONBOARDING], minlength=len(history.users)) > 0
    return (plays < COLD_PLAYS) & ((plays > 0) | picked)


def heard_after(part: Split, listeners: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Pair keys of what `listeners` (users,) heard in the window, among the items of the catalogue; distinct."""
    after = part.following.heard()
    counts = listeners[after.user] & np.isin(after.item, part.catalogue)
    return np.unique(pair_keys(after.user[counts], after.item[counts], part.n_items))


def new_after(part: Split, listeners: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The same without what the listener had heard before."""
    return np.setdiff1d(heard_after(part, listeners), part.heard, assume_unique=True)


def was_heard(part: Split, users: NDArray[np.int32], lists: NDArray[np.int32]) -> NDArray[np.bool_]:
    """(q, n) True where a listener had heard the listed item."""
    keys = pair_keys(users[:, None], lists, part.n_items)
    place = np.minimum(np.searchsorted(part.heard, keys), max(len(part.heard) - 1, 0))  # ten times as fast as isin
    return (part.heard[place] == keys) & (lists >= 0) if len(part.heard) else np.zeros(lists.shape, np.bool_)
