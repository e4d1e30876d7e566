"""`palate ab trial`: the online evaluation tried end to end where the truth is known.

Listeners are dealt by `Experiment.assign`, see slates that are drawn by chance, and hear or skip what is on them by
their planted affinity (evaluation/online/planted.py). All of it goes through the files of a home, the exposure log and
the listening log, and is read back by the same code that reads a real experiment.

    A/A      both variants are the policy in place: nothing is to be found
    A/B      the treatment is a policy with a known lift: it is to be found
    replay   that policy, and a very different one, from what the control was shown: the truth is to be covered
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.core.clock import DAY_SECONDS
from palate.core.errors import BadInput
from palate.core.experiment import CONTROL, Experiment, ExperimentSettings
from palate.core.ids import UserId
from palate.core.listens import Event, Listens
from palate.core.progress import step
from palate.evaluation.intervals import Interval
from palate.evaluation.online import words
from palate.evaluation.online.attributed import heard_from, logged
from palate.evaluation.online.planted import PLACES, Floats, Planted, Shown, chances, plant, show
from palate.evaluation.online.replay import Replay, replay
from palate.evaluation.online.report import Judged, judge
from palate.listening.exposures import FILE, Exposure, ExposureLog, Exposures
from palate.listening.log import ListeningLog

TREATMENT = "treatment"
START = 1_767_225_600.0  # 2026-01-01T00:00Z, the end of the simulated year
ENROL_DAYS = WINDOW_DAYS = BEFORE_DAYS = 7.0
ITEM_SECONDS, SKIP_SECONDS = 200.0, 8.0
SLATE_SECONDS = PLACES * ITEM_SECONDS  # a slate is over before the window closes
BATCH_SLATES = 5_000


@dataclass(frozen=True)
class Trial:
    """What the trial found, beside what is true. `replays` goes by policy: (what was found, the true value)."""

    listeners: int
    lift: float
    nothing: Judged
    something: Judged
    replays: dict[str, tuple[Replay, float]]

    @property
    def passed(self) -> bool:
        """Whether the A/A found nothing, the A/B found a rise that covers the truth, and replay covers the truth."""
        found = planted_effect(self.something)
        quiet = not planted_effect(self.nothing).excludes_zero
        covered = all(one.capped.low <= truth <= one.capped.high for one, truth in self.replays.values())
        return quiet and found.low > 0.0 and found.low <= self.lift <= found.high and covered


def planted_effect(judged: Judged) -> Interval:
    """The interval of the success metric's relative lift."""
    return next(one.lift for one in judged.effects[TREATMENT] if one.role == "success")


def trial(listeners: int = 20_000, lift: float = 0.03, seed: int = 0) -> Trial:
    """Runs the whole trial, about a minute for 20,000 listeners. BadInput below 400, or for a lift out of reach."""
    if listeners < 400:
        raise BadInput(f"a trial with {listeners} listeners finds nothing; use 400 or more")
    with step("planting a world of slates"):
        planted = plant(listeners, seed)
        better = planted.lifted(lift)
    with tempfile.TemporaryDirectory(prefix="palate-trial-") as folder:
        with step("A/A through the logs"):
            nothing, _, _ = run(Path(folder) / "aa", planted, planted.popular, seed + 1)
        with step("A/B through the logs"):
            something, exposures, reward = run(Path(folder) / "ab", planted, better, seed + 2)
    with step("replaying the control"):
        replays = {
            name: (_replayed(planted, policy, exposures, reward), planted.value(policy))
            for name, policy in {f"a lift of {lift:.0%}": better, "taste alone": planted.taste}.items()
        }
    return Trial(listeners, lift, nothing, something, replays)


def run(folder: Path, planted: Planted, treatment: Floats, seed: int) -> tuple[Judged, Exposures, NDArray[np.float64]]:
    """One experiment through the logs in `folder`: as judged, its exposures, and the reward of each place shown."""
    experiment = trial_experiment(len(planted.user_ids), f"seed-{seed}")
    write(folder, planted, experiment, treatment, seed)
    with ExposureLog(folder / FILE) as shown, ListeningLog(folder / "log.sqlite") as heard:
        exposures, n_items = shown.read(experiment.name), len(heard.item_ids())
        history = heard.history(np.arange(n_items, dtype=np.int32), n_items)
        judged = judge(experiment, exposures, history, heard.calendar())
        return judged, exposures, heard_from(exposures, heard.replay(0))


def trial_experiment(listeners: int, salt: str) -> Experiment:
    """The experiment of the trial, planned for all listeners."""
    settings = ExperimentSettings(
        variants={CONTROL: 0.5, TREATMENT: 0.5}, salt=salt, window_days=WINDOW_DAYS, before_days=BEFORE_DAYS,
        listeners=listeners,
    )  # fmt: skip
    return Experiment("trial", settings)


def write(folder: Path, planted: Planted, experiment: Experiment, treatment: Floats, seed: int) -> None:
    """Serves every listener before and during the experiment, and logs what was shown and heard into `folder`."""
    rng, n = np.random.default_rng(seed), len(planted.user_ids)
    variant = np.array([experiment.assign(UserId(user)) for user in planted.user_ids], object)
    first = START + rng.uniform(0.0, ENROL_DAYS * DAY_SECONDS, n)
    slates = np.repeat(np.arange(n), planted.visits)
    opening = np.concatenate(([0], np.cumsum(planted.visits)[:-1]))
    spread = rng.uniform(0.0, WINDOW_DAYS * DAY_SECONDS - SLATE_SECONDS, len(slates))
    spread[opening] = 0.0  # the first slate is the exposure from which the window runs
    earlier = first[slates] - rng.uniform(SLATE_SECONDS, BEFORE_DAYS * DAY_SECONDS, len(slates))
    with ExposureLog(folder / FILE) as exposures, ListeningLog(folder / "log.sqlite") as listens:
        before = show(planted, planted.popular, slates, rng)
        for part in _parts(len(slates)):
            listens.append(_listens(planted, _take(before, part), earlier[part], None))
        for name, policy in {CONTROL: planted.popular, TREATMENT: treatment}.items():
            theirs = np.flatnonzero(variant[slates] == name)
            shown, times = show(planted, policy, slates[theirs], rng), first[slates[theirs]] + spread[theirs]
            ids = [f"{name}-{row}" for row in theirs.tolist()]
            chance = chances(policy, shown)
            for part in _parts(len(theirs)):
                one = _take(shown, part)
                exposures.append(_exposed(planted, experiment, name, one, times[part], ids[part], chance[part]))
                listens.append(_listens(planted, one, times[part], ids[part]))


def _parts(n: int) -> Iterator[slice]:
    return (slice(start, start + BATCH_SLATES) for start in range(0, n, BATCH_SLATES))


def _take(shown: Shown, part: slice) -> Shown:
    return Shown(shown.listener[part], shown.choice[part], shown.looked[part], shown.heard[part])


def _items(planted: Planted, shown: Shown) -> NDArray[np.int64]:
    """(n, PLACES) item rows as they stood."""
    found = np.take_along_axis(planted.items[shown.listener], shown.choice[:, :, None], axis=2)
    return np.asarray(found[:, :, 0], np.int64)


def _exposed(
    planted: Planted, experiment: Experiment, variant: str, shown: Shown, times: Floats, ids: list[str], chance: Floats
) -> list[Exposure]:
    ids_of = np.array(planted.item_ids, object)[_items(planted, shown)]
    return [
        Exposure(
            timestamp=time,
            user_id=planted.user_ids[listener],
            experiment=experiment.name,
            variant=variant,
            surface=experiment.settings.surface,
            slate_id=slate_id,
            item_ids=tuple(items),
            propensities=tuple(row),
        )
        for time, listener, slate_id, items, row in zip(
            times.tolist(), shown.listener.tolist(), ids, ids_of.tolist(), chance.tolist(), strict=True
        )
    ]


def _listens(planted: Planted, shown: Shown, times: Floats, ids: list[str] | None) -> Listens:
    """Plays and skips of what was looked at, one after another down the slate."""
    slate, place = np.nonzero(shown.looked)
    heard = shown.heard[slate, place]
    user, item = shown.listener[slate], _items(planted, shown)[slate, place]
    return Listens(
        user_id=[planted.user_ids[row] for row in user.tolist()],
        item_id=[planted.item_ids[row] for row in item.tolist()],
        timestamp=times[slate] + place * ITEM_SECONDS,
        event=np.where(heard, Event.PLAY, Event.SKIP).astype(np.uint8),
        seconds_played=np.where(heard, ITEM_SECONDS, SKIP_SECONDS).astype(np.float32),
        duration_seconds=np.full(len(user), ITEM_SECONDS, np.float32),
        context_id=None if ids is None else [ids[row] for row in slate.tolist()],
    )


def _replayed(planted: Planted, policy: Floats, exposures: Exposures, reward: NDArray[np.float64]) -> Replay:
    """The policy's value from the control's slates alone."""
    theirs = np.flatnonzero([variant == CONTROL for variant in exposures.variant])
    whole = logged(exposures, reward)
    target = _target(planted, policy, exposures)
    slates = type(whole)(whole.listener[theirs], whole.propensity[theirs], whole.reward[theirs])
    return replay(slates, target[theirs])


def _target(planted: Planted, policy: Floats, exposures: Exposures) -> Floats:
    """(slates, PLACES) the chance under a policy of what was shown: looked up by id, as a policy of one's own would."""
    user_row = {user: row for row, user in enumerate(planted.user_ids)}
    item_row = {item: row for row, item in enumerate(planted.item_ids)}
    users = np.array([user_row[user] for user in exposures.user_id])
    items = np.array([item_row[item] for item in exposures.item_id]).reshape(len(users), PLACES)
    found = planted.items[users] == items[:, :, None]
    return np.asarray((policy[users] * found).sum(axis=2), np.float64)


def to_json(found: Trial) -> dict[str, Any]:
    """Everything as plain values."""
    from palate.evaluation.online import replay as replaying

    return {
        "simulated": True,
        "passed": found.passed,
        "listeners": found.listeners,
        "true_lift": found.lift,
        "aa": words.to_json(found.nothing),
        "ab": words.to_json(found.something),
        "replay": {name: replaying.to_json(one) | {"truth": truth} for name, (one, truth) in found.replays.items()},
    }


def text(found: Trial) -> str:
    """The same for people."""
    quiet, loud = planted_effect(found.nothing), planted_effect(found.something)
    silent = "a false alarm" if quiet.excludes_zero else "found nothing, as it should"
    lines = [
        "SIMULATED: planted listeners, so the truth is known; these numbers say nothing about people",
        "",
        f"A/A  {_told(quiet)}  truth +0.0%  {silent}",
        f"A/B  {_told(loud)}  truth {found.lift:+.1%}  "
        f"{'found' if loud.low > 0.0 else 'not found'}; verdict: {found.something.verdicts[TREATMENT].decision}",
    ]
    for name, (one, truth) in found.replays.items():
        inside = "covers" if one.capped.low <= truth <= one.capped.high else "misses"
        lines.append(
            f"replay of {name}: {one.capped.value:.3f} [{one.capped.low:.3f}, {one.capped.high:.3f}] heard a slate, "
            f"{inside} the truth {truth:.3f}; lift {_told(one.lift)}; "
            f"worth {one.effective_slates:,.0f} of {one.slates:,} slates, {one.capped_share:.1%} of the weight capped"
        )
    return "\n".join([*lines, "", "The A/B in full:", "", words.table(found.something)])


def _told(one: Interval) -> str:
    return f"{one.value:+.2%} [{one.low:+.2%}, {one.high:+.2%}]"
