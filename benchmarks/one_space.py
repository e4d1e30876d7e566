"""One space for music, podcasts and audiobooks against a space for each: what does one kind say about another?

    python benchmarks/one_space.py [--worlds 2] [--variants]           a simulated world, where an answer is planted
    python benchmarks/one_space.py --listens FILE [--seed 0]           real listens, whose items are cut into two heaps

Of the listeners who heard both music and the spoken word before the cut, a quarter lose the spoken word, from the
training too, and a quarter the music; what they heard in the weeks after it is asked for. `one` is trained on all that
is left, `apart` is a space for each kind, `shuffled` is `one` with the spoken listens of each kind handed to another
listener of that kind. Real logs hold one kind only: there every item is put on one of two heaps by lot, which says
nothing about podcasts and tests the machinery.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.catalog.catalog import Catalog
from palate.cli import homes
from palate.core.clock import DAY_SECONDS
from palate.core.errors import BadInput, PalateError
from palate.core.home import Home
from palate.core.items import KINDS
from palate.embeddings.bulk import build_records
from palate.embeddings.company import fit_company
from palate.embeddings.encoder import UserSettings, features
from palate.embeddings.foundation import Foundation, fit_factors, fit_foundation, fit_lesson, kept_company
from palate.embeddings.inputs import Inputs
from palate.embeddings.items import recent_popularity
from palate.embeddings.records import UserRecord
from palate.embeddings.teacher import Lesson, Teacher, prepare
from palate.evaluation import metrics
from palate.evaluation.baselines.scored import top
from palate.evaluation.ceiling import Ceiling, load_ceiling
from palate.evaluation.intervals import Interval, intervals
from palate.jobs.fit import FitSettings, fit_space
from palate.jobs.importing import import_items, import_listens, import_playlists
from palate.jobs.inputs import gather, settle
from palate.listening.history import History
from palate.sources.world import WorldSettings, simulate
from stamp import stamp

MUSIC = 0  # position in KINDS; the other kinds are the spoken word
LEAST_MUSIC, LEAST_SPOKEN = 5, 3  # plays before the cut with which somebody counts as hearing it
WHOLE, ONLY_MUSIC, ONLY_SPOKEN = range(3)
SHARES = (0.5, 0.25, 0.25)
POPULAR_HALF_LIFE_DAYS = 28.0  # with a week, the podcasts of a small world are mostly ties
LEAST_PLAYS = 3  # of an item whose neighbours are looked at
NEIGHBOURS = 10
DRAWS = 1_000
PAIRS = {"podcasts near tracks": (1, MUSIC), "audiobooks near tracks": (2, MUSIC), "podcasts near audiobooks": (1, 2)}
MEASURES = ("ndcg@100", "ndcg@10", "auc")
Scores = NDArray[np.float32]
Marks = dict[str, NDArray[np.float64]]
Scorer = Callable[[NDArray[np.int32], int], Scores]


@dataclass(frozen=True)
class Data:
    """Listens with what was planted in them.

    theme   # (items,) int64, the main genre of each item, -1 unknown
    group   # (items,) int64, its artist, show or author
    """

    inputs: Inputs
    theme: NDArray[np.int64]
    group: NDArray[np.int64]
    ceiling: Ceiling | None = None


@dataclass(frozen=True)
class Question:
    """Who is asked for what.

    users      # (q,) int32
    candidates # (items,) bool: of the kind, and known at the cut
    wanted     # (q, items) bool: heard after the cut, at least one a row
    """

    name: str
    kind: int
    users: NDArray[np.int32]
    candidates: NDArray[np.bool_]
    wanted: NDArray[np.bool_]


def plays(history: History, kinds: NDArray[np.uint8]) -> NDArray[np.int64]:
    """(users, kinds) heard plays."""
    heard = history.heard()
    cell = heard.user.astype(np.int64) * len(KINDS) + kinds[heard.item]
    return np.bincount(cell, minlength=len(history.users) * len(KINDS)).reshape(-1, len(KINDS))


def habits(counts: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Who hears music and who hears the spoken word, each (users,), from plays # (users, kinds)."""
    return counts[:, MUSIC] >= LEAST_MUSIC, counts.sum(axis=1) - counts[:, MUSIC] >= LEAST_SPOKEN


def roles(counts: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """(users,) WHOLE, or what somebody who hears both is left with: drawn with SHARES."""
    both = np.logical_and(*habits(counts))
    drawn = np.random.default_rng(seed).choice(len(SHARES), len(both), p=SHARES)
    return np.where(both, drawn, WHOLE)


def hidden(inputs: Inputs, role: NDArray[np.int64]) -> Inputs:
    """The inputs without the events that somebody's role takes away."""
    history = inputs.history
    music = inputs.columns.kind[history.item] == MUSIC
    mine = role[history.user]
    lost = ((mine == ONLY_MUSIC) & ~music) | ((mine == ONLY_SPOKEN) & music)
    return replace(inputs, history=history.take(np.flatnonzero(~lost)))


def of_kind(inputs: Inputs, kind: int) -> Inputs:
    """The inputs with the listens and the places on playlists of one kind alone."""
    kinds, playlists = inputs.columns.kind, inputs.playlists
    kept = (playlists.item >= 0) & (kinds[playlists.item] == kind)
    history = inputs.history.take(np.flatnonzero(kinds[inputs.history.item] == kind))
    return replace(inputs, history=history, playlists=playlists.take(kept))


def shuffled(inputs: Inputs, seed: int) -> Inputs:
    """Hands all spoken listens of a listener to another of that kind: only what goes with what is lost."""
    history, generator = inputs.history, np.random.default_rng(seed)
    kinds, user = inputs.columns.kind[history.item], history.user.copy()
    for kind in range(MUSIC + 1, len(KINDS)):
        rows = kinds == kind
        theirs = np.unique(history.user[rows])
        new = np.arange(len(history.users), dtype=np.int32)
        new[theirs] = generator.permutation(theirs)
        user[rows] = new[history.user[rows]]
    return replace(inputs, history=replace(by_kind(inputs).history, user=user))


def by_kind(inputs: Inputs) -> Inputs:
    """The inputs with every sitting cut into one for each kind."""
    history = inputs.history
    session = history.session * len(KINDS) + inputs.columns.kind[history.item]
    return replace(inputs, history=replace(history, session=session))


def questions(known: Inputs, after: History) -> list[Question]:
    """Everybody's next items of a kind, by what they are known to have heard: only the other, or both."""
    kinds, counts = known.columns.kind, plays(known.history, known.columns.kind)
    music, spoken = habits(counts)
    never_music, never_spoken = counts[:, MUSIC] == 0, counts[:, MUSIC + 1 :].sum(axis=1) == 0
    asked = [
        ("podcasts, only music heard", 1, music & never_spoken),
        ("audiobooks, only music heard", 2, music & never_spoken),
        ("music, only the spoken heard", MUSIC, spoken & never_music),
        ("podcasts, both heard", 1, music & spoken),
        ("music, both heard", MUSIC, music & spoken),
        ("music, only music heard", MUSIC, music & never_spoken),
    ]
    return [_question(name, kind, who, known, after) for name, kind, who in asked if (kinds == kind).any()]


def _question(name: str, kind: int, who: NDArray[np.bool_], known: Inputs, after: History) -> Question:
    candidates = known.columns.available & (known.columns.kind == kind)
    heard = after.heard()
    heard = heard.take(np.flatnonzero(candidates[heard.item] & who[heard.user]))
    users, row = np.unique(heard.user, return_inverse=True)
    wanted = np.zeros((len(users), len(candidates)), np.bool_)
    wanted[row, heard.item] = True
    return Question(name, kind, users.astype(np.int32), candidates, wanted)


def records_of(space: Foundation, known: Inputs, users: NDArray[np.int32]) -> list[UserRecord]:
    """One for each of `users`; that of a stranger for who has none."""
    found = dict(build_records(known.history, space.listened, known.columns.kind, users))
    empty = UserRecord.empty(space.listened.shape[1])
    return [found.get(int(user), empty) for user in users]


def scorer(space: Foundation, known: Inputs) -> Scorer:
    """Scores of a space: the taste, multiplied with the item vectors."""
    return lambda users, _: space.encoder.encode(records_of(space, known, users)) @ space.vectors.T


def marks(scores: Scores, question: Question) -> Marks:
    """(q,) of each of MEASURES, among the question's candidates."""
    inside = np.flatnonzero(question.candidates)
    scores, wanted = scores[:, inside], question.wanted[:, inside]
    sizes = wanted.sum(axis=1)
    _, item = np.nonzero(wanted)
    hit = metrics.hits(top(scores, 100), np.concatenate([[0], np.cumsum(sizes)]), item)
    auc = [metrics.roc_auc(one, label) for one, label in zip(scores, wanted, strict=True)]
    return {"ndcg@100": metrics.ndcg(hit, sizes, 100), "ndcg@10": metrics.ndcg(hit, sizes, 10), "auc": np.array(auc)}


def kind_features(records: Sequence[UserRecord], dim: int, count_power: float) -> Scores:
    """(q, features): what `features` says of each kind by itself, one kind after another, without the constant; 1."""
    parts = []
    for kind in range(len(KINDS)):
        alone = [replace(one, sums=one.sums[:, [kind]], counts=one.counts[:, [kind]]) for one in records]
        parts.append(features(alone, dim, count_power)[:, :-1])
    return np.concatenate([*parts, np.ones((len(records), 1), np.float32)], axis=1)


def variants(known: Inputs, settings: FitSettings) -> dict[str, Scorer]:
    """What `one` becomes when it is taught for as long again: as it is, with features by kind, and with lists by kind,
    in which only items of the kind compete; the teacher is asked about the same situations for all.
    """
    whole, company = settings.foundation, fit_company(known.history, known.playlists)
    models = fit_factors(known, whole)
    lesson = fit_lesson(known, models, company, whole)
    one = fit_foundation(known, models, lesson, whole).without_habits()
    teacher, kinds = Teacher(models, company, whole.teacher), known.columns.kind
    lists = [
        prepare(teacher, known.history, lesson.situations, kept_company(known) & (kinds == kind),
                whole.items.popularity_half_life_days)
        for kind in range(len(KINDS))
    ]  # fmt: skip
    shared = one.encoder.weights
    wide = replace(one.encoder, weights=np.concatenate([*[shared[:-1]] * len(KINDS), shared[-1:]]))
    apart = taught_again(replace(one, encoder=wide), lesson, [], settings.users, kinds)

    def by_features(users: NDArray[np.int32], _: int) -> Scores:
        told = kind_features(records_of(apart, known, users), one.encoder.listened_dim, one.encoder.count_power)
        return np.asarray(told @ apart.encoder.weights @ apart.vectors.T, np.float32)

    return {
        "one, taught again": scorer(taught_again(one, lesson, [], settings.users), known),
        "features by kind": by_features,
        "lists by kind": scorer(taught_again(one, lesson, lists, settings.users), known),
    }


def taught_again(
    start: Foundation, lesson: Lesson, lists: Sequence[Lesson], settings: UserSettings,
    kinds: NDArray[np.uint8] | None = None,
) -> Foundation:  # fmt: skip
    """All epochs of the student once more, from `start`, with the same loss.

    lists  lessons of the same situations, each of whose `known` compete among themselves; they weigh as much together
           as the lesson
    kinds  # (items,) makes the features those of `kind_features`, as the encoder's weights then have to be
    """
    import torch

    from palate.embeddings.student import Batch, ListLoss, Vectors

    device, generator = torch.device("cpu"), torch.Generator().manual_seed(0)
    vectors = Vectors(start)
    if kinds is not None:
        vectors.tastes = _tastes_by_kind(vectors, torch.from_numpy(kinds.astype(np.int64)))  # type: ignore[method-assign,assignment]
    losses = [ListLoss(settings, torch.from_numpy(np.flatnonzero(one.known)), generator) for one in (lesson, *lists)]
    optimizer = torch.optim.Adam(vectors.parameters(), settings.learning_rate, betas=(0.9, 0.99))
    size = min(settings.batch, max(len(lesson.situations) // 16, 1))
    starts = range(0, len(lesson.situations), size)
    for epoch in range(settings.epochs):
        order = np.random.default_rng((1, epoch)).permutation(len(lesson.situations))
        for step, first in enumerate(starts):
            done = (epoch * len(starts) + step) / (settings.epochs * len(starts))
            optimizer.param_groups[0]["lr"] = settings.learning_rate * (1.0 - done)
            rows = order[first : first + size]
            batches = [Batch.of(one, rows, settings.listed, device) for one in (lesson, *lists)]
            loss, *more = [one.loss(vectors, batch) for one, batch in zip(losses, batches, strict=True)]
            loss = loss + sum(more) / max(len(more), 1)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    return vectors.learnt(start.vectors[:, -1], settings.count_power)


def _tastes_by_kind(vectors: Any, kinds: Any) -> Callable[[Any, float], Any]:
    """`Vectors.tastes` with the features of `kind_features`; untyped, since torch is imported where it trains."""
    import torch
    from torch.nn.functional import embedding_bag

    def tastes(batch: Any, count_power: float) -> Any:
        n, parts = len(batch.starts), []
        lengths = torch.diff(batch.starts, append=torch.tensor([len(batch.items)]))
        row = torch.repeat_interleave(torch.arange(n), lengths)
        for kind in range(len(KINDS)):
            shares = batch.shares * (kinds[batch.items] == kind)
            counts = [torch.zeros(n).index_add(0, row, share) for share in shares]
            for share, count in zip(shares, counts, strict=True):
                bag = embedding_bag(
                    batch.items, vectors.listened, batch.starts, mode="sum", per_sample_weights=share.contiguous()
                )
                parts.append(bag / torch.where(count > 1e-9, count, 1.0)[:, None] ** count_power)
            parts.append(torch.log1p(torch.stack(counts, dim=1)))
        return torch.cat([*parts, torch.ones(n, 1)], dim=1) @ vectors.weights

    return tastes


def alike(space: Foundation, data: Data, known: Inputs, near: int, far: int) -> NDArray[np.float64]:
    """(m, 3) for the heard items of kind `near`: the share of the NEIGHBOURS nearest of kind `far` with its theme, the
    share of all heard items of `far` with it, and its group.
    """
    kinds, heard = known.columns.kind, known.history.heard()
    often = (np.bincount(heard.item, minlength=len(kinds)) >= LEAST_PLAYS) & (data.theme >= 0)
    ours, theirs = (np.flatnonzero(often & (kinds == kind)) for kind in (near, far))
    length = np.linalg.norm(space.vectors[:, :-1], axis=1, keepdims=True)
    unit = space.vectors[:, :-1] / np.maximum(length, 1e-9)
    nearest = theirs[top(unit[ours] @ unit[theirs].T, min(NEIGHBOURS, len(theirs)))]
    same = (data.theme[nearest] == data.theme[ours][:, None]).mean(axis=1)
    chance = np.bincount(data.theme[theirs], minlength=int(data.theme.max()) + 1)[data.theme[ours]] / len(theirs)
    return np.stack([same, chance, data.group[ours].astype(np.float64)], axis=1)


@dataclass
class Found:
    """What was measured of one data set: marks by question and method, and neighbours by space and pair of kinds."""

    users: dict[str, NDArray[np.int64]]
    marks: dict[str, dict[str, Marks]]
    neighbours: dict[str, dict[str, NDArray[np.float64]]]


def measured(data: Data, settings: FitSettings, days: float, seed: int, with_variants: bool) -> Found:
    """Hides, trains and asks."""
    at = data.inputs.end - days * DAY_SECONDS
    role = roles(plays(data.inputs.until(at).history, data.inputs.columns.kind), seed)
    known, after = hidden(data.inputs.until(at), role), data.inputs.history.between(at, np.inf)
    spaces = {"one": fitted(known, settings), "shuffled": fitted(shuffled(known, seed), settings)}
    alone = [scorer(fitted(of_kind(known, kind), settings), of_kind(known, kind)) for kind in range(len(KINDS))]
    popular = recent_popularity(known.history, POPULAR_HALF_LIFE_DAYS)
    methods: dict[str, Scorer] = {name: scorer(space, known) for name, space in spaces.items()}
    methods["apart"] = lambda users, kind: alone[kind](users, kind)
    methods["popular"] = lambda users, _: np.tile(popular, (len(users), 1))
    if with_variants:
        methods |= variants(known, settings)
    if data.ceiling is not None:
        # What it takes for listens still to come includes the hidden ones: for all items of a kind alike.
        planted = replace(data.ceiling, horizon_days=days).fit(known, at)
        methods["planted"] = lambda users, _: planted.chances(users)[0]
    found = Found({}, {}, {})
    for question in questions(known, after):
        if len(question.users):
            found.users[question.name] = question.users.astype(np.int64)
            found.marks[question.name] = {
                name: marks(scores(question.users, question.kind), question) for name, scores in methods.items()
            }
    if data.ceiling is not None:
        found.neighbours = {
            name: {pair: alike(space, data, known, *kinds) for pair, kinds in PAIRS.items()}
            for name, space in spaces.items()
        }
    return found


def fitted(inputs: Inputs, settings: FitSettings) -> Foundation:
    """The space of these inputs."""
    return fit_space(inputs, fit_company(inputs.history, inputs.playlists), settings)


@dataclass(frozen=True)
class Line:
    """One method at one question; the differences are `one` minus the method."""

    question: str
    listeners: int
    method: str
    values: dict[str, Interval]
    ahead: dict[str, Interval]


def lines(worlds: Sequence[Found]) -> list[Line]:
    """All listeners of all worlds together, each counting the same."""
    out = []
    for question in dict.fromkeys(name for world in worlds for name in world.marks):
        there = [world for world in worlds if question in world.marks]
        users = np.concatenate([place * 10_000_000 + world.users[question] for place, world in enumerate(there)])
        for method in there[0].marks[question]:
            ours, theirs = (
                np.stack([np.concatenate([w.marks[question][name][m] for w in there]) for m in MEASURES], axis=1)
                for name in ("one", method)
            )
            both = intervals(np.concatenate([theirs, ours - theirs], axis=1), users, np.zeros(len(users)), DRAWS, 0)
            values, ahead = (dict(zip(MEASURES, part, strict=True)) for part in (both[:3], both[3:]))
            out.append(Line(question, len(users), method, values, ahead))
    return out


def neighbourhoods(worlds: Sequence[Found]) -> dict[str, dict[str, list[Interval]]]:
    """By pair of kinds and space: the share that is of the same theme, that of chance, and what lies between."""
    out: dict[str, dict[str, list[Interval]]] = {}
    for space, pairs in worlds[0].neighbours.items():
        for pair in pairs:
            rows = np.concatenate([world.neighbours[space][pair] for world in worlds])
            owner = np.concatenate(
                [place * 10_000_000 + world.neighbours[space][pair][:, 2] for place, world in enumerate(worlds)]
            )
            columns = np.stack([rows[:, 0], rows[:, 1], rows[:, 0] - rows[:, 1]], axis=1)
            out.setdefault(pair, {})[space] = intervals(columns, owner, np.zeros(len(rows)), DRAWS, 0)
    return out


def world(size: WorldSettings, seed: int) -> Data:
    """A simulated world, imported into a home that is thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        simulate(size, seed).write(root)
        home = Home(root / "home")
        homes.make(home)
        import_items(home, [root / "items.parquet"], {}, True, time.time())
        import_playlists(home, [root / "playlists.parquet"], {}, True, time.time())
        import_listens(home, [root / "listens.parquet"], {}, True, time.time())
        inputs = gather(home)
        ceiling = load_ceiling(root, inputs.history.users, Catalog.open(home.catalog).ids)
    if ceiling is None or (ceiling.items < 0).any():
        raise BadInput(f"the world of seed {seed} was not imported whole; import it by hand to see why")
    truth = ceiling.truth
    theme = truth.topic_genre[truth.topic.argmax(axis=1)][ceiling.items]
    return Data(inputs, theme.astype(np.int64), truth.group[ceiling.items], ceiling)


def heaps(listens: Path, seed: int) -> Data:
    """Real listens with every item called music or podcast by lot; sittings are cut so that none holds both."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / "home")
        homes.make(home)
        import_listens(home, [listens], {}, False, time.time())
        settle(home)
        inputs = gather(home)
    kind = np.random.default_rng(seed).integers(0, 2, inputs.history.n_items).astype(np.uint8)
    inputs = by_kind(replace(inputs, columns=replace(inputs.columns, kind=kind)))
    nothing = np.full(len(kind), -1)
    return Data(inputs, nothing, nothing)


def shown(found: Sequence[Line], near: dict[str, dict[str, list[Interval]]]) -> str:
    """Markdown."""
    head = "| asked for | listeners | method | NDCG@100 | NDCG@10 | AUC | one minus it, NDCG@100 | AUC |"
    rows = [head, "|---" * 8 + "|"]
    for line in found:
        cells = [f"{line.values[name].value:.3f}" for name in MEASURES]
        cells += ["" if line.method == "one" else span(line.ahead[name]) for name in ("ndcg@100", "auc")]
        rows.append(f"| {line.question} | {line.listeners} | {line.method} | {' | '.join(cells)} |")
    if near:
        rows += ["", "| nearest | space | same genre | by chance | more than chance |", "|---" * 5 + "|"]
    for pair, spaces in near.items():
        for space, (same, chance, more) in spaces.items():
            rows.append(f"| {pair} | {space} | {same.value:.3f} | {chance.value:.3f} | {span(more)} |")
    return "\n".join(rows)


def span(one: Interval) -> str:
    """A difference with its interval."""
    return f"{one.value:+.3f} [{one.low:+.3f}, {one.high:+.3f}]"


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listens", type=Path, help="a file of real listens, instead of simulated worlds")
    parser.add_argument("--listeners", type=int, default=1_000)
    parser.add_argument("--items", type=int, default=4_000)
    parser.add_argument("--plays", type=int, default=150_000, help="simulated listens")
    parser.add_argument("--worlds", type=int, default=2, help="with consecutive seeds")
    parser.add_argument("--seed", type=int, default=0, help="of the first world")
    parser.add_argument("--days", type=float, default=28.0, help="how long after the cut is asked for")
    parser.add_argument("--variants", action="store_true", help="also the student with features or lists by kind")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def main() -> None:
    """Prints tables, or everything as JSON."""
    options = parsed()
    size = WorldSettings(listeners=options.listeners, items=options.items, listens=options.plays, playlists=800)
    seeds = [options.seed] if options.listens else range(options.seed, options.seed + options.worlds)
    try:
        if options.worlds < 1:
            raise BadInput(f"--worlds {options.worlds} leaves nothing to measure; give at least 1")
        found = [
            measured(
                heaps(options.listens, seed) if options.listens else world(size, seed),
                FitSettings(), options.days, seed, options.variants,
            )
            for seed in seeds
        ]  # fmt: skip
    except PalateError as error:
        sys.exit(f"error: {error}")
    told, near = lines(found), neighbourhoods(found)
    if options.json:
        kept = {pair: {space: [asdict(i) for i in row] for space, row in one.items()} for pair, one in near.items()}
        print(json.dumps({"stamp": stamp(), "lines": [asdict(line) for line in told], "neighbours": kept}))
        return
    source = f"{options.listens}, PSEUDO-KINDS: items by lot" if options.listens else f"SIMULATED, {size}"
    print(f"{stamp()}\n{source}, {options.days:g} days asked for\n\n{shown(told, near)}")


if __name__ == "__main__":
    main()
