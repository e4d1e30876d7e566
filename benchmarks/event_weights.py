"""What other weights of saves and skips would be worth: the same vectors and encoder, other sums in the records.

    python benchmarks/event_weights.py --home HOME --windows 4 --offset-days 14

The foundation of each week is trained with today's weights and kept in --results; only the records differ. So
this asks what an event should add to a record, not what it should teach. A skip's share is added to the sums and not to
the counts (below 0: taken away); a save's weight goes into both, as a play's.
"""

import sys
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ablation.ranked import records_of
from ablation.weights import Weeks, marked, weighing
from ablation.workshop import Workshop
from palate.core.errors import PalateError
from palate.core.listens import Event
from palate.embeddings.records import UserRecord
from palate.evaluation.comparison import holm, p_values
from palate.evaluation.intervals import intervals
from palate.evaluation.splits import EvalSettings, Split
from palate.evaluation.tasks.week import Discover, Next
from palate.listening.history import History
from stamp import stamp

CHOICES = [Event.SAVE, Event.ADD_TO_PLAYLIST]
VARIANTS = {"default": (1.0, 0.0)} | {f"save {weight:g}": (weight, 0.0) for weight in (0.0, 0.5, 2.0, 4.0)}
VARIANTS |= {f"skip {share:+g}": (1.0, share) for share in (-0.5, -0.25, 0.25, 0.5)}
Marks = dict[tuple[str, str], NDArray[np.float64]]


def records(
    history: History, users: NDArray[np.int32], vectors: NDArray[np.float32], kinds: NDArray[np.uint8],
    variant: tuple[float, float],
) -> list[UserRecord]:  # fmt: skip
    """Of each user, with these weights."""
    save, skip = variant
    with weighing(CHOICES, save):
        found = records_of(history, users, vectors, kinds)
    if skip:
        left = history.take(np.flatnonzero(history.skipped()))
        unknown = np.full(len(left), np.nan, np.float32)
        as_plays = replace(left, event=np.full(len(left), Event.PLAY, np.uint8), seconds_played=unknown)
        for record, skips in zip(found, records_of(as_plays, users, vectors, kinds), strict=True):
            if len(skips.items) and len(record.items):
                skips._advance(record.at)
                record.sums += skip * skips.sums
    return found


def judged(part: Split, workshop: Workshop, settings: EvalSettings) -> tuple[Marks, dict[str, NDArray[np.int32]]]:
    """NDCG@100 by (variant, task), and who was asked by task."""
    shared, marks, rows = workshop.of(part.known), {}, {}
    for task in (Next(), Discover()):
        asked = task.questions(part, settings)
        rows[task.name] = asked.rows
        for name, variant in VARIANTS.items():
            known = records(
                part.known.history, asked.rows, shared.foundation.listened, part.known.columns.kind, variant
            )
            unheard = isinstance(task, Discover)
            marks[name, task.name] = marked(known, asked, shared, settings.k[-1], unheard)
    return marks, rows


def table(weeks: list[tuple[Marks, dict[str, NDArray[np.int32]]]], settings: EvalSettings) -> str:
    """Markdown: each variant minus the default, paired."""
    names = [name for name in VARIANTS if name != "default"]
    cells: dict[str, list[str]] = {name: [] for name in VARIANTS}
    for task in weeks[0][1]:
        users = np.concatenate([rows[task] for _, rows in weeks])
        number = np.repeat(np.arange(len(weeks)), [len(rows[task]) for _, rows in weeks])
        values = {name: np.concatenate([marks[name, task] for marks, _ in weeks]) for name in VARIANTS}
        apart = np.stack([values[name] - values["default"] for name in names], axis=1)
        bounds = intervals(apart, users, number, settings.bootstrap, settings.seed)
        sure = holm(p_values(apart, users, number, settings.seed).tolist())
        base = intervals(values["default"][:, None], users, number, settings.bootstrap, settings.seed)[0]
        cells["default"].append(f"{base.value:.4f} [{base.low:.4f}, {base.high:.4f}] of {len(users)}")
        for name, one, p in zip(names, bounds, sure, strict=True):
            cells[name].append(f"{one.value:+.4f} [{one.low:+.4f}, {one.high:+.4f}] (p {p:.3f})")
    head = f"| weights | {' | '.join(f'{task} NDCG@100' for task in weeks[0][1])} |\n|{'---|' * (len(weeks[0][1]) + 1)}"
    return "\n".join([head, *(f"| {name} | {' | '.join(row)} |" for name, row in cells.items())])


def main() -> None:
    """Prints the table, and how many events of each kind there are."""
    try:
        told = Weeks.told(__doc__, "event-weights-results")
        weeks = [judged(part, told.workshop, told.settings) for part in told]
    except PalateError as error:
        sys.exit(f"error: {error}")
    history = told.inputs.history
    counts = np.bincount(history.event, minlength=len(Event)).tolist()
    there = ", ".join(f"{count:,} {Event(number).word}" for number, count in enumerate(counts) if count)
    print(f"{stamp()}\n{there}; {int(history.skipped().sum()):,} skips in all\n\n{table(weeks, told.settings)}")


if __name__ == "__main__":
    main()
