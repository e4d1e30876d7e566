"""Home shelves: in which order should the shelves of the home screen stand?

A shelf is a kind and a genre (tracks of jazz, episodes about history). A sitting began on one of them: that is what the
head learns. It is asked about the item at the front of each shelf, the most heard one.

    python examples/home_shelves.py HOME [--register]
"""

import numpy as np
from heard import Heard, Lists, arguments, examples_of, genres_of, keep, ndcg, read, report, run, spread_over_listeners

from palate.core.items import KINDS
from palate.heads import Head
from palate.heads.facts import FACTS

SHELVES = 24  # the most heard ones
TEACH, JUDGE, EACH = 2_000, 2_500, 6  # sittings, and of one listener at most


def shelves_of(heard: Heard) -> tuple[np.ndarray, np.ndarray]:
    """(items,) the shelf of each item, -1 for none; and (shelves,) the row of the item at the front of each."""
    genre = genres_of(heard)
    code = np.where(genre >= 0, genre * len(KINDS) + heard.columns.kind, -1)
    plays = heard.trends.ever
    heard_most = np.argsort(-np.bincount(code[code >= 0], plays[code >= 0]), kind="stable")[:SHELVES]
    shelf = np.full(len(code), -1)
    front = []
    for place, one in enumerate(heard_most.tolist()):
        mine = np.flatnonzero((code == one) & heard.columns.available)
        if len(mine) and plays[mine].any():
            shelf[code == one] = place
            front.append(int(mine[np.argmax(plays[mine])]))
    return shelf, np.array(front)


def beginnings(heard: Heard, shelf: np.ndarray, start: float, end: float) -> np.ndarray:
    """Positions of the first play of each sitting, where it is on a shelf."""
    span = heard.between(start, end)
    _, first = np.unique(heard.session[span], return_index=True)
    return span[first][shelf[heard.item[span[first]]] >= 0]


def main() -> None:
    """Teaches on the first weeks after the space, judges on the later ones."""
    asked = arguments(__doc__)
    heard = read(asked.home)
    shelf, front = shelves_of(heard)
    parts = []
    for seed, (start, end, most) in enumerate(
        ((heard.learnt_until, heard.split(), TEACH), (heard.split(), heard.end, JUDGE))
    ):
        drawn = spread_over_listeners(heard, beginnings(heard, shelf, start, end), EACH, most, seed)
        parts.append(
            Lists.of(heard, [(one, front.tolist()) for one in drawn.tolist()], front[shelf[heard.item[drawn]]])
        )
    taught, judged = parts
    teach, judge = examples_of(heard, taught), examples_of(heard, judged)
    # The front item stands for its shelf: which one it is tells the head, how well it matches the taste does not.
    head = Head("home-shelves", inputs=("item", "facts")).fit(teach, taught.labels)
    trees = Head("home-shelves", inputs=("item", "facts"), model="trees").fit(teach, taught.labels)
    genre, kind = (judge.facts[:, FACTS.index(name)] for name in ("genre_share", "kind_share"))
    begun = np.bincount(shelf[heard.item[beginnings(heard, shelf, 0.0, heard.learnt_until)]], minlength=len(front))
    usual = begun[shelf[judge.rows]] / begun.sum()
    scores = {
        "head": head.scores(judge), "head, trees": trees.scores(judge),
        "own genres and kinds": np.expm1(genre) * np.expm1(kind) + 1e-3 * usual, "the same for everybody": usual,
    }  # fmt: skip
    title = f"home shelves, NDCG of the shelf listened from, of {len(front)}"
    found = report(title, heard, {name: ndcg(judged, one) for name, one in scores.items()}, judged.users)
    keep(asked, head, teach, {"ndcg": found["head"], "auc": head.score(judge, judged.labels)})


if __name__ == "__main__":
    run(main)
