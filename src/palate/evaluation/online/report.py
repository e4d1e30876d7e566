"""One experiment judged: from what was shown and what was heard to effects, checks and a verdict for each variant."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from palate.core.clock import DAY_SECONDS, Calendar
from palate.core.errors import BadInput
from palate.core.experiment import CONTROL, Experiment
from palate.evaluation.intervals import Interval
from palate.evaluation.online import ratio, sequential
from palate.evaluation.online.guardrails import Measured, Role, Verdict, decide, shown
from palate.evaluation.online.outcomes import METRICS, Counts, counts, metric, values
from palate.evaluation.online.sequential import ALPHA, Moments
from palate.evaluation.online.variance import cuped
from palate.listening.exposures import Exposures
from palate.listening.history import History

QUALITY_ALPHA = 0.01  # a check of the experiment itself cries wolf once in a hundred experiments, however often read
MOST_SWITCHED = 0.01  # of the listeners may have met two variants, as happens when weights are changed midway


@dataclass(frozen=True)
class Effect:
    """One metric of one variant against control.

    control, treatment  # the metric itself, as counted
    difference, lift    # with what was different before taken out; absolute, and as a share of control
    removed             # share of the variance that this took out
    """

    metric: str
    role: Role
    margin: float | None
    control: float
    treatment: float
    difference: Interval
    lift: Interval
    careful: Interval
    removed: float


@dataclass(frozen=True)
class Judged:
    """An experiment as it stands. Dicts go by variant; `exposed` and `complete` count listeners.

    complete: those whose window after the first exposure has passed; only they are in the effects.
    until: home seconds, just after the last listen that was read.
    """

    experiment: Experiment
    until: float
    exposed: dict[str, int]
    complete: dict[str, int]
    switched: int
    sample_ratio: ratio.RatioCheck
    before: dict[str, Interval]
    effects: dict[str, list[Effect]]
    verdicts: dict[str, Verdict]
    simulated: bool


def judge(experiment: Experiment, exposures: Exposures, history: History, calendar: Calendar) -> Judged:
    """Judges an experiment by its exposures and everything that was heard since; both may be empty.

    A listener counts in the variant met first, with what they did in `window_days` from then on, once that window lies
    before the end of `history`: everybody counts once, over the same length, and what has been counted stays as it
    is, which is what makes the intervals hold at every look. Who met a second variant is left out and counted as
    switched. BadInput for an unknown metric, or an exposure to a variant that the experiment does not have.
    """
    settings = experiment.settings
    for name in (settings.success, *settings.guardrails):
        metric(name)
    people = _first_met(experiment, exposures, history, calendar)
    window = settings.window_days * DAY_SECONDS
    done = people.take(people.first + window <= history.end)
    after = counts(history, done.user, done.first, done.first + window)
    before = counts(history, done.user, done.first - settings.before_days * DAY_SECONDS, done.first)
    names = list(settings.variants)
    exposed = np.bincount(people.variant, minlength=len(names)).tolist()
    checked = ratio.check(exposed, list(settings.variants.values()))
    effects = {
        name: [_effect(experiment, what, after, before, done.variant, place) for what in METRICS]
        for place, name in enumerate(names)
        if name != CONTROL
    }
    earlier = {name: _earlier(experiment, before, done.variant, names.index(name)) for name in effects}
    total = len(people) + people.switched
    wrong = _wrong(checked, people.switched, total)
    enough = len(done) >= settings.listeners
    return Judged(
        experiment=experiment,
        until=history.end,
        exposed=dict(zip(names, exposed, strict=True)),
        complete=dict(zip(names, np.bincount(done.variant, minlength=len(names)).tolist(), strict=True)),
        switched=people.switched,
        sample_ratio=checked,
        before=earlier,
        effects=effects,
        verdicts={
            name: decide([_measured(one) for one in found], [*wrong, *_was_different(earlier[name])], enough)
            for name, found in effects.items()
        },
        simulated=any(user.startswith("sim-") for user in exposures.user_id),
    )


@dataclass(frozen=True)
class _People:
    """Listeners by first exposure: row of history.users or -1, variant by place, home time of the first exposure."""

    user: NDArray[np.int32]
    variant: NDArray[np.int64]
    first: NDArray[np.float64]
    switched: int

    def __len__(self) -> int:
        return len(self.user)

    def take(self, which: NDArray[np.bool_]) -> "_People":
        return _People(self.user[which], self.variant[which], self.first[which], self.switched)


def _first_met(experiment: Experiment, exposures: Exposures, history: History, calendar: Calendar) -> _People:
    places = {name: place for place, name in enumerate(experiment.settings.variants)}
    unknown = sorted(set(exposures.variant) - set(places))
    if unknown:
        raise BadInput(
            f"experiment {experiment.name} was shown as {unknown[0]!r}, which is none of its variants "
            f"({', '.join(places)}); keep a variant in palate.toml for as long as its experiment is read"
        )
    variant = np.array([places[name] for name in exposures.variant], np.int64)
    ids, person = np.unique(np.array(exposures.user_id, object), return_inverse=True)
    order = np.argsort(exposures.timestamp, kind="stable")
    _, first = np.unique(person[order], return_index=True)
    first = order[first]
    switched = np.zeros(len(ids), np.bool_)
    switched[person[variant != variant[first][person]]] = True
    row_of = {user: row for row, user in enumerate(history.users)}
    return _People(
        user=np.array([row_of.get(user, -1) for user in ids[~switched].tolist()], np.int32),
        variant=variant[first][~switched],
        first=calendar.home_times(exposures.timestamp[first])[~switched],
        switched=int(switched.sum()),
    )


def _effect(
    experiment: Experiment, name: str, after: Counts, before: Counts, variant: NDArray[np.int64], place: int
) -> Effect:
    settings, one = experiment.settings, METRICS[name]
    everybody = np.zeros(len(variant), np.int64)
    raw = values(one, after, variant)
    adjusted = cuped(raw, np.nan_to_num(values(one, before, everybody)), variant)
    control = list(settings.variants).index(CONTROL)
    theirs, ours = (Moments.of(adjusted.values[variant == which]) for which in (place, control))
    alpha = ALPHA / (len(settings.variants) - 1)
    role: Role = "success" if name == settings.success else "guardrail" if name in settings.guardrails else "other"
    return Effect(
        metric=name,
        role=role,
        margin=settings.guardrails.get(name) if role == "guardrail" else None,
        control=Moments.of(raw[variant == control]).mean,
        treatment=Moments.of(raw[variant == place]).mean,
        difference=sequential.difference(theirs, ours, settings.listeners, alpha),
        lift=sequential.lift(theirs, ours, settings.listeners, alpha),
        careful=sequential.lift(theirs, ours, settings.listeners, alpha / len(METRICS)),
        removed=adjusted.removed,
    )


def _earlier(experiment: Experiment, before: Counts, variant: NDArray[np.int64], place: int) -> Interval:
    """The lift of the success metric before anybody was exposed: nothing, if listeners were dealt fairly."""
    settings = experiment.settings
    told = values(METRICS[settings.success], before, variant)
    control = list(settings.variants).index(CONTROL)
    theirs, ours = (Moments.of(told[variant == which]) for which in (place, control))
    return sequential.lift(theirs, ours, settings.listeners, QUALITY_ALPHA / (len(settings.variants) - 1))


def _measured(one: Effect) -> Measured:
    return Measured(one.metric, one.role, METRICS[one.metric].better, one.lift, one.careful, one.margin)


def _wrong(checked: ratio.RatioCheck, switched: int, total: int) -> list[str]:
    wrong = []
    if checked.mismatch:
        met = ", ".join(
            f"{count:,} of {hoped:,.0f}" for count, hoped in zip(checked.counts, checked.expected, strict=True)
        )
        wrong.append(
            f"sample ratio mismatch: {met} expected (p = {checked.always_valid_p:.2g}); find out who is missing"
        )
    if switched > MOST_SWITCHED * total:
        wrong.append(
            f"{switched / total:.1%} of the listeners met more than one variant; keep weights and salt as they are"
        )
    return wrong


def _was_different(earlier: Interval) -> list[str]:
    if not earlier.excludes_zero:
        return []
    return [f"the variants differed before the first exposure: {shown(earlier)}; find out how listeners were dealt"]
