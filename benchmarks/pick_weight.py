"""What an onboarding pick should weigh beside a listen: newcomers' tastes by how many of their listens are known.

    python benchmarks/pick_weight.py --home HOME --windows 4 --offset-days 14

The foundation of each week is trained with today's weights and kept in --results; only the newcomers' records differ.
Asked is what they hear from their eleventh play on, until the next week's models (evaluation/coldstart.py).
"""

import sys

import numpy as np
from numpy.typing import NDArray

from ablation.ranked import records_of
from ablation.weights import Weeks, marked, weighing
from palate.core.clock import DAY_SECONDS
from palate.core.errors import PalateError
from palate.core.listens import Event
from palate.evaluation.coldstart import LISTENS, NEXT, newcomers
from palate.evaluation.intervals import intervals
from palate.evaluation.splits import Split
from stamp import stamp

WEIGHTS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
DEFAULT = WEIGHTS.index(1.0)


def marks(part: Split, told: Weeks) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """(r, weights, listens) NDCG of the newcomers of one week who picked something, and who they are."""
    shared, settings, kinds = told.workshop.of(part.known), told.settings, part.known.columns.kind
    until = part.window.start + settings.spacing_days * DAY_SECONDS
    came = newcomers(part, told.inputs.history, until, settings.seed)
    asked = came.asked[NEXT]
    found = np.zeros((len(asked.rows), len(WEIGHTS), len(LISTENS)))
    for w, weight in enumerate(WEIGHTS):
        with weighing([Event.ONBOARDING], weight):
            for place, listens in enumerate(LISTENS):
                known = records_of(came.told(listens, True), asked.rows, shared.foundation.listened, kinds)
                found[:, w, place] = marked(known, asked, shared, settings.k[-1])
    picked = came.picked[asked.rows]
    return found[picked], asked.rows[picked]


def main() -> None:
    """Prints the table."""
    try:
        told = Weeks.told(__doc__, "pick-weight-results")
        weeks = [marks(part, told) for part in told]
    except PalateError as error:
        sys.exit(f"error: {error}")
    settings = told.settings
    values, users = np.concatenate([v for v, _ in weeks]), np.concatenate([u for _, u in weeks])
    number = np.repeat(np.arange(len(weeks)), [len(u) for _, u in weeks])
    print(stamp())
    print(f"\n{len(users)} newcomers who picked something, {len(weeks)} weeks; NDCG@100, and minus weight 1, paired\n")
    print(f"| weight of a pick | {' | '.join(f'{n} listens' for n in LISTENS)} |\n|{'---|' * (len(LISTENS) + 1)}")
    for w, weight in enumerate(WEIGHTS):
        apart = intervals(values[:, w] - values[:, DEFAULT], users, number, settings.bootstrap, settings.seed)
        means = intervals(values[:, w], users, number, settings.bootstrap, settings.seed)
        cells = [
            f"{mean.value:.4f}" + ("" if w == DEFAULT else f", {one.value:+.4f} [{one.low:+.4f}, {one.high:+.4f}]")
            for mean, one in zip(means, apart, strict=True)
        ]
        print(f"| {weight:g} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
