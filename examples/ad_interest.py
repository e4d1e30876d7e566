"""Ad interest: will this listener play something of a campaign's genre within a week?

A campaign advertises one item, the most heard of its genre. Each week every listener of the last four weeks is asked
about each campaign. The measure says, within a campaign, how often of two listeners the right one is put first.

    python examples/ad_interest.py HOME [--register]
"""

import numpy as np
from heard import DAY_SECONDS, Heard, Lists, arguments, auc_rows, examples_of, genres_of, keep, read, report, run

from palate.heads import Head
from palate.heads.facts import FACTS

CAMPAIGNS, LISTENERS = 8, 250  # and how many of these are asked in one week
WEEK = 7 * DAY_SECONDS


def campaigns_of(heard: Heard) -> np.ndarray:
    """(campaigns,) the row of the most heard item of each of the most heard genres."""
    genre, plays = genres_of(heard), heard.trends.ever
    known = genre >= 0
    genres = np.argsort(-np.bincount(genre[known], plays[known]), kind="stable")[:CAMPAIGNS]
    return np.array([np.flatnonzero(genre == one)[np.argmax(plays[genre == one])] for one in genres.tolist()])


def asked_at(heard: Heard, advertised: np.ndarray, moment: float, seed: int) -> Lists:
    """Every campaign for some of those who came in the four weeks before, and whether they played its genre."""
    here = np.unique(heard.user[heard.between(moment - 4 * WEEK, moment)])
    users = np.sort(np.random.default_rng(seed).permutation(here)[:LISTENERS])
    week = heard.between(moment, moment + WEEK)
    genre, n_users = genres_of(heard), len(heard.user_ids)
    played = np.unique(genre[heard.item[week]] * n_users + heard.user[week])
    user, row = np.repeat(users, len(advertised)), np.tile(advertised, len(users))
    labels = np.isin(genre[row] * n_users + user, played)
    return Lists(np.repeat(np.arange(len(users)), len(advertised)), user, row, np.full(len(user), moment), labels * 1.0)


def main() -> None:
    """Teaches on the first weeks after the space, judges on the later ones; no week is in both."""
    asked = arguments(__doc__)
    heard = read(asked.home)
    advertised = campaigns_of(heard)
    moments = np.arange(heard.learnt_until, heard.end - WEEK + 1.0, WEEK)
    cut = max(1, round(0.6 * len(moments)))
    weeks = [asked_at(heard, advertised, moment, seed) for seed, moment in enumerate(moments.tolist())]
    taught, judged = Lists.joined(weeks[:cut]), Lists.joined(weeks[cut:])
    teach, judge = examples_of(heard, taught), examples_of(heard, judged)
    head = Head("ad-interest").fit(teach, taught.labels)
    trees = Head("ad-interest", model="trees").fit(teach, taught.labels)
    genre, events = (judge.facts[:, FACTS.index(name)] for name in ("genre_share", "listener_events"))
    scores = {
        "head": head.scores(judge), "head, trees": trees.scores(judge),
        "taste alone": judge.columns(("product",))[:, -2], "own share of the genre": genre,
        "who listens most": events,
    }  # fmt: skip
    title = f"ad interest, ROC-AUC within {len(advertised)} campaigns; {judged.labels.mean():.0%} are interested"
    rows = {name: auc_rows(judged.rows, one, judged.labels) for name, one in scores.items()}
    found = report(title, heard, rows, judged.user, judged.rows)
    keep(asked, head, teach, {"auc": found["head"]})


if __name__ == "__main__":
    run(main)
