"""Personal search: somebody types two letters; which of the items that begin so do they mean?

What was heard next is what they meant. The head sees the list that everybody would get, and learns which item it was.

    python examples/personal_search.py HOME [--register]

Where items have no titles, two letters made from the item's id stand for one, and the output says so.
"""

from hashlib import blake2b

import numpy as np
from heard import Heard, Lists, arguments, examples_of, keep, ndcg, read, report, run, spread_over_listeners

from palate.heads import Frame, Head
from palate.heads.facts import FACTS
from palate.store.items import words_of

LETTERS, LISTED = 2, 30
TEACH, JUDGE, EACH = 1_500, 2_000, 6  # searches, and of one listener at most


def typed_for(heard: Heard) -> tuple[list[str], bool]:
    """What is typed to find each item, by row, "" for nothing; and whether it had to be made up."""
    if any(heard.titles):
        return ["".join(words_of(title)[:1])[:LETTERS] for title in heard.titles], False
    return [blake2b(item.encode(), digest_size=1).hexdigest() for item in heard.item_ids], True


def searches(heard: Heard, typed: list[str], positions: np.ndarray) -> Lists:
    """For each play, the LISTED items that begin so and were most heard before the space learnt; the play is wanted.

    Plays of items that are not listed are left out: then no order can help.
    """
    listed: dict[str, list[int]] = {}
    for row in np.argsort(-heard.trends.ever, kind="stable").tolist():
        if typed[row] and heard.columns.available[row] and len(listed.setdefault(typed[row], [])) < LISTED:
            listed[typed[row]].append(row)
    found = [listed.get(typed[heard.item[one]], []) for one in positions.tolist()]
    asked = [
        (one, rows) for one, rows in zip(positions.tolist(), found, strict=True) if heard.item[one] in rows[:LISTED]
    ]
    return Lists.of(heard, asked)


def main() -> None:
    """Teaches on the first weeks after the space, judges on the later ones."""
    asked = arguments(__doc__)
    heard = read(asked.home)
    typed, made_up = typed_for(heard)
    spans = ((heard.learnt_until, heard.split(), TEACH), (heard.split(), heard.end, JUDGE))
    taught, judged = (
        searches(heard, typed, spread_over_listeners(heard, heard.between(start, end), EACH, most, seed))
        for seed, (start, end, most) in enumerate(spans)
    )
    teach, judge = examples_of(heard, taught), examples_of(heard, judged)
    head = Head("personal-search").fit(teach, taught.labels)
    trees = Head("personal-search", model="trees").fit(teach, taught.labels)
    scores = {
        "head": head.scores(judge), "head, trees": trees.scores(judge),
        "taste alone": judge.columns(("product",))[:, -2], "own plays, popularity": own_first(judge),
        "popularity": judge.facts[:, FACTS.index("plays_month")],
    }  # fmt: skip
    title = "personal search, NDCG of the item meant" + (", MADE-UP TITLES" if made_up else "")
    found = report(title, heard, {name: ndcg(judged, one) for name, one in scores.items()}, judged.users)
    keep(asked, head, teach, {"ndcg": found["head"], "auc": head.score(judge, judged.labels)})


def own_first(examples: Frame) -> np.ndarray:
    """Without a head: what the listener played most, and among the rest what everybody plays."""
    own, popular = (examples.facts[:, FACTS.index(name)] for name in ("own_plays", "plays_month"))
    return own * 1_000.0 + popular


if __name__ == "__main__":
    run(main)
