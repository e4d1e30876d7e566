"""Which picks to offer somebody of whom nothing is known: those whose answers tell most about their taste.

A stranger is taken for one of the listeners there are, it is not known which. Each listener would pick an artist with a
chance: that of knowing it, times that of liking it. The list is built greedily by the information (in nats) that the
answer to one more offer is expected to give about who the stranger is: its entropy, less what is left of it if one knew
the listener (Lindley 1956; MacKay, "Information-Based Objective Functions for Active Data Selection", 1992). An artist
whom everybody likes or whom nobody knows tells nothing, and one that tells the same as one already offered little.
Answers given so far weigh the listeners by Bayes' rule, so that the next page asks about what is still open.

Measured against the most popular in docs/rooms/cold_start.md; so are the designs that lost.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palate.core.errors import BadInput
from palate.surfaces.choices import Choices

CANDIDATES = 400  # the most heard; what hardly anybody knows tells nothing
PATHS = 256  # strangers who are imagined to answer; with 64 a list gains half as much (docs/rooms/cold_start.md)
LIKED_SHARE = 0.9  # a listener likes what lies above this quantile of what the candidates score for them
SOFTNESS = 0.25  # of the standard deviation of these scores: how gradually like begins
SURE = 1e-6  # no answer is impossible; float32 can tell it from 0 and 1


@dataclass(frozen=True)
class Guide:
    """Chooses what to offer.

    tastes    # (m, dim) float32 of a sample of listeners; with fewer than two the most heard are offered
    vectors   # (items, dim) float32 of the same space
    plays     # (items,) float64
    listeners how many there are in all: with the plays, how well an artist is known
    """

    choices: Choices
    tastes: NDArray[np.float32]
    vectors: NDArray[np.float32]
    plays: NDArray[np.float64]
    listeners: int

    def offer(
        self,
        n: int,
        picked: Sequence[int] = (),
        passed: Sequence[int] = (),
        languages: Sequence[str] = (),
        seed: int = 0,
    ) -> list[int]:
        """Up to n places of choices, the most telling first; none twice and none that was answered.

        picked, passed  places that were answered; who was offered something and did not pick it has passed it
        languages       only choices in one of them or in an unknown one; empty for all
        The same question has the same answer. BadInput when n is not positive.
        """
        if n < 1:
            raise BadInput(f"n = {n} must be at least 1")
        answered = {*picked, *passed}
        heard = [place for place in self.choices.heard().tolist() if spoken(self.choices.languages[place], languages)]
        open_ = [place for place in heard[: CANDIDATES + len(answered)] if place not in answered]
        if len(self.tastes) < 2 or len(open_) <= 1:
            return open_[:n]
        likely = self.likely(np.array([*open_, *answered], np.int64))
        column = {place: number for number, place in enumerate([*open_, *answered])}
        belief = posterior(likely, [column[one] for one in picked], [column[one] for one in passed])
        return [open_[place] for place in informative(likely[:, : len(open_)], belief, n, seed)]

    def likely(self, places: NDArray[np.int64]) -> NDArray[np.float64]:
        """(m, q) the chance that each listener of the sample would pick each choice.

        What a listener likes is relative to what else is among `places`: give all that can be offered.
        """
        scores = self.tastes.astype(np.float64) @ self._centres(places).T
        # What an artist scores for everybody is known before asking, and would make everybody like the popular ones.
        scores -= scores.mean(axis=0)
        threshold = np.quantile(scores, LIKED_SHARE, axis=1, keepdims=True)
        width = SOFTNESS * scores.std(axis=1, keepdims=True) + 1e-12
        liked = 1.0 / (1.0 + np.exp(np.clip((threshold - scores) / width, -50.0, 50.0)))
        return np.asarray(np.clip(liked * self.known(places), SURE, 1.0 - SURE), np.float64)

    def known(self, places: NDArray[np.int64]) -> NDArray[np.float64]:
        """(q,) how many know each choice: who plays as often as the average, and what everybody plays, has met it."""
        return np.asarray(1.0 - np.exp(-self.choices.plays[places] / max(self.listeners, 1)), np.float64)

    def _centres(self, places: NDArray[np.int64]) -> NDArray[np.float64]:
        """(q, dim) the mean vector of each choice's items, by their plays."""
        centres = np.zeros((len(places), self.vectors.shape[1]))
        for number, place in enumerate(places.tolist()):
            rows = self.choices.items(place)
            weights = self.plays[rows] + SURE
            centres[number] = weights @ self.vectors[rows] / weights.sum()
        return centres


def spoken(language: str | None, languages: Sequence[str]) -> bool:
    """Whether something in `language` is for who speaks `languages`: "pt" and "pt-BR" are one language.

    >>> spoken("pt-BR", ["PT"]), spoken("sv", ["en"]), spoken(None, ["en"]), spoken("sv", [])
    (True, False, True, True)
    """
    return not languages or language is None or primary(language) in {primary(one) for one in languages}


def primary(tag: str) -> str:
    """The first part of a language tag, in lower case."""
    return tag.strip().lower().replace("_", "-").partition("-")[0]


def posterior(likely: NDArray[np.float64], picked: Sequence[int], passed: Sequence[int]) -> NDArray[np.float64]:
    """(m,) how likely the stranger is each listener, given columns of `likely` (m, q) that were picked and passed."""
    log = np.log(likely[:, list(picked)]).sum(axis=1) + np.log1p(-likely[:, list(passed)]).sum(axis=1)
    weight = np.exp(log - log.max())
    return np.asarray(weight / weight.sum(), np.float64)


def informative(likely: NDArray[np.float64], belief: NDArray[np.float64], n: int, seed: int) -> list[int]:
    """Up to n columns of `likely` (m, q), greedily: each tells most beside those before it.

    belief # (m,) how likely the stranger is each listener. What is expected after several answers is averaged over
             PATHS strangers drawn from it.
    """
    rng = np.random.default_rng(seed)
    beliefs = np.tile(belief, (PATHS, 1)).astype(np.float32)
    truly = rng.choice(len(belief), PATHS, p=belief)
    columns = likely.shape[1]
    both = np.concatenate([likely, entropy(likely)], axis=1).astype(np.float32)  # one product a step instead of two
    chosen: list[int] = []
    for _ in range(min(n, columns)):
        expected = beliefs @ both
        gain = (entropy(expected[:, :columns]) - expected[:, columns:]).mean(axis=0)
        gain[chosen] = -np.inf
        best = int(np.argmax(gain))
        chosen.append(best)
        yes = rng.random(PATHS) < likely[truly, best]
        beliefs *= np.where(yes[:, None], both[:, best], 1.0 - both[:, best])
        beliefs /= beliefs.sum(axis=1, keepdims=True)
    return chosen


def entropy(chance: NDArray[np.floating]) -> NDArray[np.float64]:
    """Of a yes or no with this chance of yes, in nats; 0 for a sure answer.

    >>> entropy(np.array([0.5, 1.0])).round(4).tolist()
    [0.6931, 0.0]
    """
    sure = np.clip(chance, SURE, 1.0 - SURE).astype(np.float64)
    return np.asarray(-sure * np.log(sure) - (1.0 - sure) * np.log1p(-sure), np.float64)
