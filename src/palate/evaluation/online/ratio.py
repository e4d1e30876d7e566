"""Sample-ratio mismatch: do the variants have the listeners that their weights promise?

If not, listeners were lost or dealt differently on the way, those who remain are not alike, and no effect can be
trusted. The most common cause is a variant that fails or loads slower (Fabijan et al., "Diagnosing sample ratio
mismatch in online controlled experiments", KDD 2019).

Two numbers are given. `p_value` is for one look: the exact multinomial test as long as every way to split the
listeners can be listed, Pearson's chi-square beyond that. `always_valid_p` holds at every look and is what raises the
alarm: one over the Bayes factor of a Dirichlet prior around the promised shares against the shares themselves (Lindon
and Malek, "Anytime-valid inference for multinomial count data", NeurIPS 2022).

Worked example: 3 and 9 where halves were promised. 0 to 3 and 9 to 12 are no likelier: p = 2 (1 + 12 + 66 + 220) / 4096
= 0.146.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from palate.core.errors import BadInput

ALARM = 0.01
# Prior strength: it expects a mismatch to move a share by about one or two points, as real ones do.
CONCENTRATION = 1_000.0
MOST_OUTCOMES = 20_000  # ways to split that the exact test lists, in some ten milliseconds


@dataclass(frozen=True)
class RatioCheck:
    """The counts met and expected, in one order, how unlikely they are, and by which test (exact or chi-square)."""

    counts: tuple[int, ...]
    expected: tuple[float, ...]
    p_value: float
    always_valid_p: float
    method: str

    @property
    def mismatch(self) -> bool:
        """Whether the experiment must not be read."""
        return self.always_valid_p < ALARM


def check(counts: Sequence[int], shares: Sequence[float]) -> RatioCheck:
    """Counts of listeners against the promised shares, in one order; shares need not sum to one. Nobody: p = 1."""
    n, total = sum(counts), math.fsum(shares)
    if len(counts) != len(shares) or len(counts) < 2 or min(counts) < 0 or not min(shares) > 0.0:
        raise BadInput(f"counts {list(counts)} and shares {list(shares)} do not fit; give each count a share above 0")
    promised = [share / total for share in shares]
    expected = tuple(n * share for share in promised)
    few = math.comb(n + len(counts) - 1, len(counts) - 1) <= MOST_OUTCOMES
    p_value = _exact(counts, promised) if few else _chi_square(counts, expected)
    return RatioCheck(
        counts=tuple(counts),
        expected=expected,
        p_value=p_value,
        always_valid_p=min(1.0, math.exp(-_log_bayes_factor(counts, promised))),
        method="exact" if few else "chi-square",
    )


def _chi_square(counts: Sequence[int], expected: Sequence[float]) -> float:
    from scipy.special import chdtrc

    statistic = math.fsum((met - hoped) ** 2 / hoped for met, hoped in zip(counts, expected, strict=True))
    return float(chdtrc(len(counts) - 1, statistic))


def _exact(counts: Sequence[int], shares: Sequence[float]) -> float:
    """The chance of an outcome that is no likelier than this one."""
    from scipy.special import gammaln

    n, parts = sum(counts), len(counts)
    # Stars and bars: places of the parts - 1 bars among n + parts - 1 give every way to split n.
    places = range(n + parts - 1)
    bars = np.array(places if parts == 2 else list(itertools.combinations(places, parts - 1)), np.int64)
    bars = bars.reshape(-1, parts - 1)
    edges = np.concatenate([np.full((len(bars), 1), -1), bars, np.full((len(bars), 1), n + parts - 1)], axis=1)
    outcomes = np.concatenate([np.diff(edges, axis=1) - 1, [counts]])
    chances = gammaln(n + 1.0) - gammaln(outcomes + 1.0).sum(axis=1) + outcomes @ np.log(shares)
    chances, own = chances[:-1], chances[-1]
    return float(min(1.0, np.exp(chances[chances <= own + 1e-9]).sum()))  # 1e-9: equal but for rounding


def _log_bayes_factor(counts: Sequence[int], shares: Sequence[float]) -> float:
    """Of the Dirichlet mixture over the promised shares; its inverse may be read as a p-value at any time."""
    n = sum(counts)
    prior = [CONCENTRATION * share for share in shares]
    terms = (
        math.lgamma(a + met) - math.lgamma(a) - met * math.log(share)
        for met, share, a in zip(counts, shares, prior, strict=True)
    )
    return math.lgamma(CONCENTRATION) - math.lgamma(CONCENTRATION + n) + math.fsum(terms)
