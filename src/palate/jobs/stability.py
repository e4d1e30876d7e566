"""How much of what was built on one version survives the next: the stability table.

Both versions answer as they are for the same listeners at the same moments, from what those had heard by then. Heads
are taught on the weeks before and judged on the last weeks of the log (evaluation/probes), so the newer version may
have learnt from the weeks that judge; the older one not, when it is a month old.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.core.errors import BadInput
from palate.core.home import Home
from palate.core.settings import read_settings
from palate.embeddings.company import fit_company
from palate.embeddings.inputs import Inputs
from palate.embeddings.space import Spaces
from palate.evaluation.intervals import Interval
from palate.evaluation.plain import aligned, by_bound
from palate.evaluation.probes.files import TEST, TRAIN, FileTask
from palate.evaluation.probes.open import open_tasks
from palate.evaluation.probes.rows import Examples, Side, examples_of, hashed, taking_part
from palate.evaluation.probes.settings import ProbeSettings, planned
from palate.evaluation.probes.tasks import Absent, ProbeTask
from palate.jobs.fit import FitSettings, fit_space
from palate.jobs.inputs import gather
from palate.jobs.nearness import Mixed, Near, mixed_index, near
from palate.jobs.old_heads import Heads, Tastes, old_heads
from palate.jobs.readable import Readable, narrowed

LEAST_LISTENERS = 200  # with fewer the kept share is known to a few percent only, and the gate asks for two
SAMPLED_LISTENERS, SAMPLED_ITEMS = 1_000, 2_000  # of whom neighbours and next listens are looked at
WEEKS = 4  # that teach, and that judge; eight each, as the probes have, take twice as long and say the same

Task = ProbeTask | FileTask


@dataclass(frozen=True)
class Stability:
    """The table of two versions, `new` read by what was made for `old`.

    listeners who took part in the weeks that judge
    heads     heads taught on one version and asked on the other, and what they come to
    near_listeners, near_items  neighbours and directions, listeners as of the last week
    mixed     one index with vectors of both
    """

    old: str
    new: str
    listeners: int
    heads: Heads
    near_listeners: Near
    near_items: Near
    mixed: Mixed

    def figures(self) -> dict[str, float]:
        """What a gate or a run of the lab keeps: the value of each measure, by dotted name; NaN left out."""
        heads, mixed = self.heads, self.mixed
        found = {
            "kept_share": heads.kept_share, "kept_above_chance": heads.kept_above_chance, "tax": heads.tax,
            "flip_rate": heads.flip_rate, "listener_overlap": self.near_listeners.overlap,
            "listener_cosine": self.near_listeners.cosine, "item_overlap": self.near_items.overlap,
            "item_cosine": self.near_items.cosine, "mixed_old": mixed.old,
        }  # fmt: skip
        found |= {f"mixed_{rho:g}": one for rho, one in mixed.new_by_rho.items()}
        return {f"stability.{name}": one.value for name, one in found.items() if np.isfinite(one.value)}

    def to_json(self) -> dict[str, Any]:
        """Plain values; an interval is {"value", "low", "high"}, a NaN is None, rho is text."""
        told: dict[str, Any] = _plain(asdict(replace(self, mixed=replace(self.mixed, new_by_rho={}))))
        told["mixed"]["new_by_rho"] = {f"{rho:g}": by_bound(one) for rho, one in self.mixed.new_by_rho.items()}
        return told

    def table(self) -> str:
        """The same as text; a head in brackets does not count, since it was never better than chance."""
        rows = [["head", "metric", "old on old", "new on new", "old on new", "kept", "flips"]]
        for one in self.heads.heads:
            cells = [_cell(each) for each in (one.old_on_old, one.new_on_new, one.old_on_new)]
            name = one.task if one.counts else f"({one.task})"
            rows.append([name, one.metric, *cells, _cell(one.kept_share), _cell(one.flip_rate)])
        lines = [*aligned(rows), ""]
        for what, side in (("listeners", self.near_listeners), ("items", self.near_items)):
            lines.append(
                f"{what}: cosine {_cell(side.cosine)}, neighbours shared {_cell(side.overlap)}, {side.n} asked"
            )
        mixture = ", ".join(f"{rho:g} {_cell(one)}" for rho, one in self.mixed.new_by_rho.items())
        lines.append(f"mixed index, NDCG@100: old {_cell(self.mixed.old)}; new tastes by share of new items {mixture}")
        told = self.heads
        return "\n".join([
            *lines,
            f"{self.old} -> {self.new}: old heads keep {_cell(told.kept_share)} on {self.listeners} listeners "
            f"({_cell(told.kept_above_chance)} of what is above chance), flips {_cell(told.flip_rate)}, "
            f"new heads would gain {_cell(told.tax)}",
        ])  # fmt: skip


def stability(old: Readable, new: Readable, inputs: Inputs, settings: ProbeSettings | None = None) -> Stability:
    """Measures both versions on `inputs`; deterministic for the same seed.

    BadInput when the log is too short for probes, when nothing can be asked of it, or when `new` is the narrower one.
    """
    settings = settings or ProbeSettings(train_weeks=WEEKS, test_weeks=WEEKS)
    plan = planned(inputs.history, settings)
    sides = (taking_part(inputs, TRAIN, plan.train, settings), taking_part(inputs, TEST, plan.test, settings))
    tasks = _asked(inputs, sides, plan.horizon_seconds, settings)
    habits = old.habits if old.habits == new.habits else 0
    before, after = (_tastes(one, inputs, sides, old.dim, habits) for one in (old, new))
    fold = hashed(inputs.history.users, settings.seed, "fold") % np.uint64(settings.folds)
    draws, seed = settings.bootstrap, settings.seed
    last = sides[1].users[-1]
    shared = min(len(old.item_vectors), len(new.item_vectors))
    items = [narrowed(one.item_vectors[:shared], old.dim, habits)[:, :-1] for one in (old, new)]
    factors = min(old.encoder.factors, new.encoder.factors)
    place = _sample(np.arange(len(last)), SAMPLED_LISTENERS, seed)
    return Stability(
        old=old.label,
        new=new.label,
        listeners=len(np.unique(np.concatenate(sides[1].users))),
        heads=old_heads(tasks, sides, before, after, fold, settings.folds, draws, seed),
        near_listeners=near(before.test[-1][:, :factors], after.test[-1][:, :factors], place, draws, seed),
        near_items=near(items[0], items[1], _sample(_heard(inputs, shared), SAMPLED_ITEMS, seed), draws, seed),
        mixed=_mixed(old, new, inputs, sides[1], (before.test[-1], after.test[-1]), plan.horizon_seconds, settings),
    )


def stability_of(home: Home, old: str, new: str) -> Stability:
    """The same of two published versions of a home; BadInput also for a version that there is not."""
    spaces = Spaces(home.require().spaces)
    one, two = (Readable.of(spaces.get(label)) for label in (old, new))
    told = read_settings(home.settings).section(ProbeSettings)
    settings = replace(told, train_weeks=min(WEEKS, told.train_weeks), test_weeks=min(WEEKS, told.test_weeks))
    return stability(one, two, gather(home), settings)


def retrained_pair(
    inputs: Inputs, until_a: float, until_b: float, settings: FitSettings | None = None
) -> tuple[Readable, Readable]:
    """Two trainings from scratch, on what was known before two moments (home seconds); publishes nothing.

    Neither is turned: see jobs/rotating.py.
    """
    return retrained(inputs, until_a, "older", settings), retrained(inputs, until_b, "newer", settings)


def retrained(inputs: Inputs, until: float, label: str, settings: FitSettings | None = None) -> Readable:
    """One training from scratch on what was known before `until` (home seconds)."""
    settings = settings or FitSettings()
    known = inputs.until(until)
    found = fit_space(known, fit_company(known.history, known.playlists), settings)
    half_life_days = settings.items.popularity_half_life_days
    return Readable(label, found.vectors, found.listened, found.encoder, until, half_life_days)


def _asked(
    inputs: Inputs, sides: tuple[Side, Side], horizon_seconds: float, settings: ProbeSettings
) -> list[tuple[Task, Examples, Examples]]:
    """The open tasks with enough rows on both sides."""
    tasks: list[Task] = [task for task in open_tasks(inputs, settings) if not isinstance(task, Absent)]
    train, test = (examples_of(inputs, tasks, side, horizon_seconds) for side in sides)
    found = [
        one for one in zip(tasks, train, test, strict=True) if all(_enough(x, settings.min_positives) for x in one[1:])
    ]
    if not found:
        raise BadInput(
            f"none of {len(tasks)} heads has {settings.min_positives} listeners of either answer, so stability cannot "
            "be measured; import more listens"
        )
    return found


def _enough(rows: Examples, least: int) -> bool:
    """Whether at least so many listeners are off the most common answer."""
    labels, counts = np.unique(rows.labels, return_counts=True)
    return bool(len(labels)) and len(np.unique(rows.users[rows.labels != labels[np.argmax(counts)]])) >= least


def _tastes(one: Readable, inputs: Inputs, sides: tuple[Side, Side], dim: int, habits: int) -> Tastes:
    """The tastes of everybody who takes part, at each moment, as wide as heads made for `dim` read them."""
    taken = [
        tuple(
            narrowed(one.tastes(inputs.history.until(moment), inputs.columns.kind, users), dim, habits)
            for moment, users in zip(side.moments, side.users, strict=True)
        )
        for side in sides
    ]
    return Tastes(*taken)


def _mixed(
    old: Readable, new: Readable, inputs: Inputs, side: Side, tastes: tuple[NDArray[np.float32], NDArray[np.float32]],
    horizon_seconds: float, settings: ProbeSettings,
) -> Mixed:  # fmt: skip
    """What was heard in the last week, asked from items that both versions know."""
    moment, known = side.moments[-1], inputs.history.until(side.moments[-1])
    habits = old.habits if old.habits == new.habits else 0
    items = [narrowed(one.scoring(known), old.dim, habits) for one in (old, new)]
    shared = min(map(len, items))
    week = inputs.history.between(moment, moment + horizon_seconds).heard()
    week = week.take(week.item < shared)
    came = np.intersect1d(side.users[-1], week.user)
    asking = np.sort(_sample(came, SAMPLED_LISTENERS, settings.seed))
    pairs = np.unique(week.user.astype(np.int64) * shared + week.item)
    pairs = pairs[np.isin(pairs // shared, asking)]
    indptr = np.searchsorted(pairs // shared, np.append(asking, len(known.users)))
    place = np.searchsorted(side.users[-1], asking)
    asked = (tastes[0][place], tastes[1][place])
    both = (items[0][:shared], items[1][:shared])
    return mixed_index(asked, both, indptr, pairs % shared, asking, settings.bootstrap, settings.seed)


def _heard(inputs: Inputs, shared: int) -> NDArray[np.int64]:
    """Items that both versions may know and that somebody heard: others borrow their vector."""
    items = np.unique(inputs.history.heard().item)
    return np.asarray(items[items < shared], np.int64)


def _sample(rows: NDArray[np.integer], most: int, seed: int) -> NDArray[np.integer]:
    return np.random.default_rng(seed).permutation(rows)[:most]


def _cell(one: Interval) -> str:
    return "-" if np.isnan(one.value) else f"{one.value:.4f} [{one.low:.4f}, {one.high:.4f}]"


def _plain(value: Any) -> Any:
    """Dictionaries, lists and numbers, NaN as None."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
