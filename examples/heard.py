"""What the examples share: what was heard after a space had learnt, and a table of measures with intervals.

palate --home HOME train --until TIME     a space that has not seen the weeks that the examples learn from
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from palate.api.answers import true_time
from palate.catalog.columns import ItemColumns
from palate.core.errors import PalateError
from palate.core.home import Home
from palate.embeddings.space import Spaces
from palate.evaluation.intervals import intervals, paired_difference
from palate.evaluation.probes.measures import auc_parts
from palate.heads import Frame, Head, frame
from palate.listening.log import ListeningLog
from palate.retrieval.trends import Trends
from palate.store.items import ItemStore

DAY_SECONDS = 86_400.0
DRAWS = 1_000


@dataclass(frozen=True)
class Heard:
    """Plays (no skips), ascending by time; columns and trends are what the live space knows of the items.

    user, item, session # (n,) whose, catalogue row, sitting; time # (n,) home seconds
    learnt_until, end   # home seconds
    """

    home: Home
    space: str
    user_ids: list[str]
    item_ids: list[str]
    titles: list[str]
    user: np.ndarray
    item: np.ndarray
    session: np.ndarray
    time: np.ndarray
    columns: ItemColumns
    trends: Trends
    learnt_until: float
    end: float
    simulated: bool
    unix: Callable[[float], float]

    def between(self, start: float, end: float) -> np.ndarray:
        """Positions of the plays with start <= time < end."""
        return np.arange(*np.searchsorted(self.time, (start, end)))

    def split(self, teach_share: float = 0.6) -> float:
        """The moment after what teaches and before what judges."""
        return self.learnt_until + teach_share * (self.end - self.learnt_until)


def read(root: Path) -> Heard:
    """Opens the home, and says so when its live space leaves nothing to learn from."""
    home = Home(root).require()
    space = Spaces(home.spaces).live
    n_items = int(space.manifest["items"])
    with ItemStore(home.online / "items") as store, ListeningLog(home.log) as log:
        items = [store.get(row) for row in range(n_items)]
        row_of = {str(one.item_id): row for row, one in enumerate(items)}
        rows = np.array([row_of.get(item, -1) for item in log.item_ids()], np.int32)
        history, calendar = log.history(rows, n_items), log.calendar()
    heard, learnt = history.heard(), float(space.manifest["moment"])
    if history.end - learnt < 14 * DAY_SECONDS:
        raise PalateError(
            f"{space.label} leaves {max(history.end - learnt, 0.0) / DAY_SECONDS:.0f} days of the log to learn from, "
            "and 14 are needed; run: palate train --until TIME, some weeks before the end"
        )
    return Heard(
        home, space.label, history.users, [str(one.item_id) for one in items], [one.title or "" for one in items],
        heard.user, heard.item, heard.session, heard.timestamp, ItemColumns.load(space.folder / "columns.npz"),
        Trends.load(space.folder / "trends.npz"), learnt, history.end, bool(space.manifest["simulated"]),
        lambda time: true_time(calendar, time),
    )  # fmt: skip


def spread_over_listeners(heard: Heard, positions: np.ndarray, most_each: int, most: int, seed: int) -> np.ndarray:
    """At most `most` of the positions, and `most_each` of one listener, drawn by `seed`; ascending."""
    drawn = np.random.default_rng(seed).permutation(positions)
    order = drawn[np.argsort(heard.user[drawn], kind="stable")]
    users = heard.user[order]
    place = np.arange(len(order)) - np.searchsorted(users, users)
    kept = np.random.default_rng(seed).permutation(order[place < most_each])[:most]
    return np.sort(kept)


@dataclass(frozen=True)
class Lists:
    """n rows of questions: which list each is of (0 .. l - 1, ascending), whose, which item, when, and the label."""

    lists: np.ndarray
    user: np.ndarray
    rows: np.ndarray
    time: np.ndarray
    labels: np.ndarray

    @classmethod
    def of(cls, heard: Heard, asked: Sequence[tuple[int, list[int]]], wanted: np.ndarray | None = None) -> "Lists":
        """From plays, by position, each with the items of its list. wanted # rows; None for what was played."""
        if not asked:
            raise PalateError("nothing was heard that such a question could be made of; try a home with more listens")
        position = np.array([one for one, _ in asked], np.int64)
        sizes = np.array([len(rows) for _, rows in asked])
        lists = np.repeat(np.arange(len(asked)), sizes)
        rows = np.array([row for _, listed in asked for row in listed], np.int64)
        meant = heard.item[position] if wanted is None else wanted
        owner = position[lists]
        return cls(lists, heard.user[owner], rows, heard.time[owner], (rows == meant[lists]).astype(np.float64))

    @classmethod
    def joined(cls, parts: Sequence["Lists"]) -> "Lists":
        """One after the other."""
        begins = np.cumsum([0, *(int(one.lists.max()) + 1 for one in parts[:-1])])
        lists = np.concatenate([one.lists + begin for one, begin in zip(parts, begins.tolist(), strict=True)])
        names = ("user", "rows", "time", "labels")
        return cls(lists, *(np.concatenate([getattr(one, name) for one in parts]) for name in names))

    @property
    def users(self) -> np.ndarray:
        """(l,) whose each list is."""
        return self.user[np.unique(self.lists, return_index=True)[1]]


def examples_of(heard: Heard, asked: Lists) -> Frame:
    """What was known before each question."""
    users = [heard.user_ids[user] for user in asked.user.tolist()]
    items = [heard.item_ids[row] for row in asked.rows.tolist()]
    return frame(heard.home, users, items, [heard.unix(time) for time in asked.time.tolist()])


def ndcg(asked: Lists, scores: np.ndarray) -> np.ndarray:
    """(l,) of lists with one wanted item each: 1 / log2(1 + its place); among equal scores the mean place."""
    wanted = np.zeros(int(asked.lists.max()) + 1, np.int64)
    wanted[asked.lists[asked.labels > 0]] = np.flatnonzero(asked.labels > 0)
    best = scores[wanted[asked.lists]]
    above = np.bincount(asked.lists, scores > best) + (np.bincount(asked.lists, scores == best) - 1.0) / 2.0
    return 1.0 / np.log2(2.0 + above)


def auc_rows(groups: np.ndarray, scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(n,) what each row adds to the ROC-AUC within its group (evaluation/probes/measures.py); NaN without both."""
    out = np.full(len(groups), np.nan)
    for group in np.unique(groups):
        mine = groups == group
        out[mine] = auc_parts(scores[mine].astype(np.float64), labels[mine])
    return out


def report(
    title: str, heard: Heard, methods: Mapping[str, np.ndarray], users: np.ndarray, windows: np.ndarray | None = None
) -> dict[str, float]:
    """Prints each method's mean with its interval over listeners, and the first against each other; gives the means."""
    mark = "SIMULATED listeners; " if heard.simulated else ""
    print(f"{title}\n{mark}{len(users):,} questions of {len(np.unique(users)):,} listeners, {heard.space}")
    windows = np.zeros(len(users)) if windows is None else windows
    found = intervals(np.column_stack(list(methods.values())), users, windows, DRAWS, 0)
    ours = next(iter(methods))
    for name, one in zip(methods, found, strict=True):
        line = f"  {name:<24} {one.value:.4f} [{one.low:.4f}, {one.high:.4f}]"
        if name != ours:
            by = paired_difference(methods[ours], methods[name], users, windows, DRAWS, 0)
            line += f"   {ours} is {by.value:+.4f} [{by.low:+.4f}, {by.high:+.4f}]"
        print(line)
    return {name: one.value for name, one in zip(methods, found, strict=True)}


def genres_of(heard: Heard) -> np.ndarray:
    """(items,) the first genre of each item, as a number; -1 for none. PalateError where no item has one."""
    if (heard.columns.genre < 0).all():
        raise PalateError(f"no item of {heard.home.root} has a genre; import items with genres, or try another example")
    return heard.columns.genre.astype(np.int64)


def run(main: Callable[[], None]) -> None:
    """Runs an example; what cannot be done is one sentence on stderr."""
    try:
        main()
    except PalateError as error:
        sys.exit(str(error))


def arguments(about: str) -> argparse.Namespace:
    """home and --register."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("home", type=Path)
    parser.add_argument("--register", action="store_true", help="publish the head in the home and make it live")
    return parser.parse_args()


def keep(asked: argparse.Namespace, head: Head, teach: Frame, metrics: Mapping[str, float]) -> None:
    """Registers the head when that was asked for."""
    if asked.register:
        why = f"examples, taught on {len(teach):,} examples"
        print("registered", head.register(asked.home, why, live=True, aligned=True, metrics=metrics))
