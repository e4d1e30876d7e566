"""Teaching where a taste starts: what newcomers hear first, and how the tastes of those differ who told something.

Everybody in the history was a newcomer once. The encoder's constant is what the regulars' lists have in common, which
newcomers do not hear: measured on weeks that judge nothing, lists from it are worse than popularity's, and those from
what newcomers heard first are better (docs/rooms/cold_start.md). Training only.
"""

from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.optimize import minimize

from palate.core.clock import DAY_SECONDS
from palate.embeddings.bulk import build_records
from palate.embeddings.encoder import Encoder
from palate.embeddings.foundation import Foundation
from palate.embeddings.inputs import Inputs
from palate.embeddings.start import Start, taught_columns
from palate.embeddings.statics import Statics
from palate.embeddings.teacher import popularity_at
from palate.listening.history import History

FIRST_SECONDS = 28 * DAY_SECONDS  # what is heard so long after the first play is what a newcomer hears
HALF_LIFE_DAYS = 60.0  # who came so long ago counts half: 30 is level on 30Music and too few in a small home
HELD_BY = 3.0  # so many newcomers' worth of pull towards the encoder's constant
RIDGE = 10.0  # an attribute's part of a taste is shrunk as if so many listeners without it had told it
MOST_ITEMS = 50_000  # the most heard ones compete; the rest is in no list of a stranger
MOST_LISTENERS = 20_000  # teach what attributes say
LEAST_SHARE = 1e-3  # of all newcomers: weeks with fewer are left out
WEEK_SECONDS = 7 * DAY_SECONDS


def fit_start(
    inputs: Inputs, found: Foundation, known: NDArray[np.bool_], half_life_days: float, statics: bool, seed: int
) -> Start:
    """What is to be added to the tastes of `found.encoder` while little was heard.

    known          # (items,) bool, those that may stand in a list
    half_life_days of popularity
    statics        whether attributes are learnt; without, or where nobody told any, they change nothing
    Nobody who ever listened, or no attributes: zeros. The same numbers for the same input.
    """
    heard = inputs.history.heard()
    change = np.zeros(found.encoder.dim, np.float32)
    if len(heard):
        first = first_days(heard, known, half_life_days)
        change[:-1] = strangers_factors(first, found) - found.encoder.weights[-1, :-1]
    listeners = inputs.listeners.take(np.unique(inputs.history.user))
    vocabulary = Statics.fit(listeners if statics else replace(listeners, values={}))
    start = Start(change, np.zeros((len(vocabulary.names), found.encoder.dim), np.float32), vocabulary)
    if not (statics and listeners.values):
        return start
    return replace(start, described=_described(inputs, found, start, seed))


@dataclass(frozen=True)
class FirstDays:
    """What newcomers heard first, summed by the week in which they came.

    items      # (m,) rows of the items that compete
    heard      # (weeks, m) float64, each newcomer's share: sums to how much the newcomers of the week count
    popularity # (weeks, m) float32, at the beginning of the week
    """

    items: NDArray[np.int64]
    heard: NDArray[np.float64]
    popularity: NDArray[np.float32]


def first_days(heard: History, known: NDArray[np.bool_], half_life_days: float) -> FirstDays:
    """From the plays of everybody (at least one), in time order; half_life_days of popularity.

    A newcomer counts as a whole, however much was heard, and half as much if it was HALF_LIFE_DAYS earlier.
    """
    users, at = np.unique(heard.user, return_index=True)
    came = np.zeros(len(heard.users))
    came[users] = heard.timestamp[at]
    early = heard.timestamp <= came[heard.user] + FIRST_SECONDS
    pairs = np.unique(heard.user[early].astype(np.int64) * heard.n_items + heard.item[early])
    user, item = pairs // heard.n_items, pairs % heard.n_items
    sizes = np.maximum(np.bincount(user, minlength=len(came)), 1)
    counts = np.exp2(-(heard.end - came) / (HALF_LIFE_DAYS * DAY_SECONDS)) / sizes
    weeks, row = np.unique(np.floor(came[user] / WEEK_SECONDS), return_inverse=True)
    items = _most_heard(heard, known)
    shares = sp.csr_matrix((counts[user], (row, item)), (len(weeks), heard.n_items))[:, items].toarray()
    total = shares.sum(axis=1)
    told = total >= LEAST_SHARE * total.sum()
    popularity = popularity_at(heard, weeks[told] * WEEK_SECONDS, half_life_days)
    return FirstDays(items, shares[told], popularity[:, items])


def _most_heard(heard: History, known: NDArray[np.bool_]) -> NDArray[np.int64]:
    plays = np.where(known, np.bincount(heard.item, minlength=heard.n_items), -1)
    order = np.argsort(-plays, kind="stable")[:MOST_ITEMS]
    return np.sort(order[plays[order] >= 0]).astype(np.int64)


def strangers_factors(first: FirstDays, found: Foundation) -> NDArray[np.float64]:
    """(dim - 1,) the taste under which what newcomers heard is likeliest; the share of popularity stays the encoder's.

    Softmax over the items by week; L-BFGS from the encoder's constant, which HELD_BY pulls back to. The likelihood
    would halve the share of popularity, and the lists would be worse (30Music, NDCG@100 .0235 and .0258).
    """
    factors, constant = found.vectors[first.items, :-1].astype(np.float64), found.encoder.weights[-1].astype(np.float64)
    begun: NDArray[np.float64] = constant[:-1]
    weight, total = first.heard.sum(axis=1), max(float(first.heard.sum()), 1e-9)
    popular, liked = constant[-1] * first.popularity.astype(np.float64), first.heard.sum(axis=0)
    held = HELD_BY / total

    def lost(taste: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scores = factors @ taste + popular
        highest = scores.max(axis=1, keepdims=True)
        chance = np.exp(scores - highest)
        whole = chance.sum(axis=1, keepdims=True)
        expected = (weight[:, None] / whole * chance).sum(axis=0)
        missed = weight @ (np.log(whole) + highest)[:, 0] - (first.heard * scores).sum()
        away = taste - begun
        slope: NDArray[np.float64] = factors.T @ (expected - liked) / total + held * away
        return float(missed / total + held / 2 * away @ away), slope

    if not first.heard.any():
        return begun
    best: NDArray[np.float64] = minimize(lost, begun, jac=True, method="L-BFGS-B").x
    return best


def _described(inputs: Inputs, found: Foundation, start: Start, seed: int) -> NDArray[np.float32]:
    """(s, dim) the ridge regression from attributes to what tastes differ from their mean; popularity is left out.

    Each attribute's part is 0 on average over those who told it, so that telling it says nothing by itself.
    """
    rows = np.unique(inputs.history.user).astype(np.int32)
    if len(rows) > MOST_LISTENERS:
        rows = np.sort(np.random.default_rng(seed).choice(rows, MOST_LISTENERS, replace=False))
    mine = np.zeros(len(inputs.history.users), np.bool_)
    mine[rows] = True
    history = inputs.history.take(mine[inputs.history.user])
    records = list(build_records(history, found.listened, inputs.columns.kind, rows))
    tastes = Encoder(found.encoder.weights, found.encoder.count_power).encode([record for _, record in records])
    users = np.array([user for user, _ in records], np.int64)
    told = start.attributes(inputs.listeners, users, np.full(len(users), inputs.history.end)).astype(np.float64)
    told[:, ~taught_columns(start.statics)] = 0.0
    out = np.zeros(start.described.shape, np.float32)
    if len(records):
        centred = told - told.mean(axis=0)
        differ = (tastes - tastes.mean(axis=0)).astype(np.float64)
        normal = centred.T @ centred + RIDGE * np.eye(centred.shape[1])
        out[:] = _even(np.linalg.solve(normal, centred.T @ differ), told, start.statics)
    out[:, -1] = 0.0
    return out


def _even(weights: NDArray[np.float64], told: NDArray[np.float64], statics: Statics) -> NDArray[np.float64]:
    """The same weights less each attribute's mean part over who told it."""
    attribute = np.array([name.split("=")[0] for name in statics.names])
    out, taught = np.zeros_like(weights), taught_columns(statics)
    for name in np.unique(attribute):
        columns = np.flatnonzero((attribute == name) & taught)
        tellers = told[:, columns].sum()
        if tellers:
            out[columns] = weights[columns] - told[:, columns].sum(axis=0) @ weights[columns] / tellers
    return out
