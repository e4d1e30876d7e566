"""What an onboarding pick should weigh beside a listen: newcomers' tastes by how many of their listens are known.

    python benchmarks/pick_weight.py --home HOME --windows 4 --offset-days 14

The foundation of each week is trained with today's weights and kept in --results; only the newcomers' records differ.
Asked is what they hear from their eleventh play on, until the next week's models (evaluation/coldstart.py).
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ablation.ranked import records_of
from ablation.workshop import Workshop
from foundation import cut
from palate.core.clock import DAY_SECONDS
from palate.core.errors import PalateError
from palate.core.home import Home
from palate.core.listens import Event
from palate.core.settings import read_settings
from palate.embeddings.weights import EVENT_WEIGHTS
from palate.evaluation import metrics
from palate.evaluation.baselines.scored import top
from palate.evaluation.coldstart import LISTENS, NEXT, newcomers
from palate.evaluation.intervals import intervals
from palate.evaluation.splits import EvalSettings, Split, split, windows
from palate.jobs.fit import FitSettings
from palate.jobs.inputs import gather
from palate.listening.history import History
from stamp import stamp

WEIGHTS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
DEFAULT = WEIGHTS.index(1.0)


def marks(
    part: Split, history: History, workshop: Workshop, settings: EvalSettings
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """(r, weights, listens) NDCG of the newcomers of one week who picked something, and who they are."""
    shared = workshop.of(part.known)
    learnt, n = shared.foundation, settings.k[-1]
    came = newcomers(part, history, part.window.start + settings.spacing_days * DAY_SECONDS, settings.seed)
    asked = came.asked[NEXT]
    found = np.zeros((len(asked.rows), len(WEIGHTS), len(LISTENS)))
    for w, weight in enumerate(WEIGHTS):
        EVENT_WEIGHTS[Event.ONBOARDING] = weight
        for place, listens in enumerate(LISTENS):
            known = records_of(came.told(listens, True), asked.rows, learnt.listened, part.known.columns.kind)
            scores = learnt.encoder.encode(known) @ learnt.vectors.T
            scores[:, ~shared.rankable] = -np.inf
            hit = metrics.hits(top(scores, n), asked.indptr, asked.items)
            found[:, w, place] = metrics.ndcg(hit, asked.sizes, n)
    EVENT_WEIGHTS[Event.ONBOARDING] = 1.0
    picked = came.picked[asked.rows]
    return found[picked], asked.rows[picked]


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--windows", type=int, default=4)
    parser.add_argument("--offset-days", type=float, default=14.0)
    parser.add_argument("--results", type=Path, default=Path("pick-weight-results"))
    options = parser.parse_args()
    try:
        home = Home(options.home).require()
        inputs = cut(gather(home), options.offset_days)
        settings = EvalSettings(windows=options.windows)
        workshop = Workshop(options.results, FitSettings.read(read_settings(home.settings)).foundation)
        weeks = [marks(split(inputs, w), inputs.history, workshop, settings) for w in windows(inputs, settings)]
    except PalateError as error:
        sys.exit(f"error: {error}")
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
