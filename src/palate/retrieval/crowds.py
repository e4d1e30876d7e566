"""What groups of listeners hear: those of one country, and those whose tastes point the same way, in circles.

A circle is a cluster of tastes by direction (spherical k-means); its list is ordered by how many of the circle heard an
item, against how many everywhere did. Lists name only what LEAST_LISTENERS or more of a group heard, so that nobody's
own listening can be read from them. The idea of answering newcomers from their cluster is Deezer's (KDD 2021).
"""

from dataclasses import dataclass
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from palate.core.artefacts import packed_texts, read_arrays, unpacked_texts, write_arrays
from palate.core.clock import DAY_SECONDS
from palate.listening.history import History

FILE = "crowds.npz"  # in the folder of a space
DAYS = 28
LISTED = 200  # items of a group
LEAST_LISTENERS = 3
LISTENERS_PER_CIRCLE = 100
MOST_CIRCLES = 256
LIFT = 0.5  # 0 orders by how many of the circle heard it, 1 by how much more often than everybody
ROUNDS = 10


@dataclass(frozen=True)
class Crowds:
    """Lists by group, best first, padded with -1 and 0; `moment` is the end of the DAYS that they count.

    countries         names; country_items, country_listeners, country_plays # (countries, LISTED) int32
    centres           # (circles, dim - 1) float32, unit norm
    circle_items, circle_listeners, circle_plays # (circles, LISTED) int32
    """

    moment: float
    countries: list[str]
    country_items: NDArray[np.int32]
    country_listeners: NDArray[np.int32]
    country_plays: NDArray[np.int32]
    centres: NDArray[np.float32]
    circle_items: NDArray[np.int32]
    circle_listeners: NDArray[np.int32]
    circle_plays: NDArray[np.int32]

    @classmethod
    def at(
        cls,
        history: History,
        moment: float,
        directions: NDArray[np.float32],
        countries: list[str | None],
        seed: int = 0,
    ) -> "Crowds":
        """What was heard in the DAYS before `moment`.

        directions # (users, dim - 1) by `history.users`, of their tastes, unit norm; zeros for who is in no circle
        countries  # by `history.users`
        """
        heard = history.between(moment - DAYS * DAY_SECONDS, moment).heard()
        names = sorted({name for name in countries if name is not None})
        code = {name: place for place, name in enumerate(names)}
        country = np.array([-1 if name is None else code[name] for name in countries], np.int32)
        centres, circle = _circles(directions, seed)
        return cls(
            moment, names, *_lists(heard, country, len(names), 0.0), centres, *_lists(heard, circle, len(centres), LIFT)
        )

    def circle(self, direction: NDArray[np.float32]) -> int | None:
        """The circle whose centre is closest to a direction # (dim - 1,); None when there is none."""
        return int(np.argmax(self.centres @ direction)) if len(self.centres) and direction.any() else None

    def country(self, name: str | None) -> int | None:
        """The place of a country; None for one that is not known."""
        return self.countries.index(name) if name in self.countries else None

    def save(self, path: Path) -> None:
        """One file of arrays; `load` gives it back."""
        told = {name: np.asarray(value) for name, value in vars(self).items() if name != "countries"}
        write_arrays(path, **told, countries=packed_texts(self.countries))

    @classmethod
    def load(cls, path: Path) -> "Crowds":
        stored = read_arrays(path)
        countries, moment = unpacked_texts(stored.pop("countries")), float(stored.pop("moment"))
        return cls(moment, countries, **stored)


def _circles(directions: NDArray[np.float32], seed: int) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Centres, and the circle of each listener; -1 for who has no direction."""
    known = np.flatnonzero(directions.any(axis=1))
    n_circles = min(len(known) // LISTENERS_PER_CIRCLE, MOST_CIRCLES)
    circle = np.full(len(directions), -1, np.int32)
    if not n_circles:
        return np.zeros((0, directions.shape[1]), np.float32), circle
    kmeans = faiss.Kmeans(
        directions.shape[1], n_circles, niter=ROUNDS, spherical=True, seed=seed, min_points_per_centroid=1
    )
    kmeans.train(np.ascontiguousarray(directions[known]))
    centres = np.asarray(kmeans.centroids, np.float32)
    circle[known] = np.argmax(directions[known] @ centres.T, axis=1)
    return centres, circle


def _lists(
    heard: History, group: NDArray[np.int32], n_groups: int, lift: float
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """(n_groups, LISTED) items, how many of the group heard them, how often. group # by user row, -1 for none."""
    out = tuple(np.full((n_groups, LISTED), fill, np.int32) for fill in (-1, 0, 0))
    pairs, plays = np.unique(heard.user.astype(np.int64) * heard.n_items + heard.item, return_counts=True)
    user, item = pairs // max(heard.n_items, 1), pairs % max(heard.n_items, 1)
    everywhere = np.bincount(item, minlength=heard.n_items)
    for number in range(n_groups):
        mine = group[user] == number
        listeners = np.bincount(item[mine], minlength=heard.n_items)
        found = np.flatnonzero(listeners >= LEAST_LISTENERS)
        score = listeners[found] / np.power(everywhere[found], lift)
        best = found[np.lexsort((found, -score))[:LISTED]]
        counted = np.bincount(item[mine], plays[mine], minlength=heard.n_items)
        for column, values in zip(out, (best, listeners[best], counted[best]), strict=True):
            column[number, : len(best)] = values
    return out[0], out[1], out[2]
