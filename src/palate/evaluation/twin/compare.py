"""The twin's week, last week played again, and a random one: which is nearest to the week that was."""

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.core.clock import DAY_SECONDS
from palate.core.errors import BadInput
from palate.embeddings.inputs import Inputs
from palate.evaluation.intervals import Interval, intervals, paired_difference
from palate.evaluation.plain import aligned, bounds, plain
from palate.evaluation.splits import pair_keys
from palate.evaluation.twin.habits import Seen, qualified, weeks_back
from palate.evaluation.twin.measures import BAND, Context, Measure, active, band, measures
from palate.evaluation.twin.model import TwinModel, TwinSettings
from palate.evaluation.twin.simulate import Simulated, simulate_weeks
from palate.evaluation.twin.weeks import Weeks, holds, week_of
from palate.listening.history import History

NONE = Interval(math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class Measured:
    """One measure, over the `listeners` of whom it can be said for the twin and both references.

    twin       all draws taken together, as a forecast
    one_draw   the mean of each draw by itself: one simulated week, on the footing of last week
    last_week  see `twin`; NaN where it does not apply, as for `random`
    difference the twin minus last week, listener by listener
    verdict    the difference in words; "" without last week
    """

    measure: str
    about: str
    unit: str
    higher_is_better: bool
    listeners: int
    twin: Interval
    one_draw: Interval
    last_week: Interval
    random: Interval
    difference: Interval
    verdict: str


@dataclass(frozen=True)
class Twin:
    """listeners: how many were simulated; active: how many of them played anything; fitted: the model's numbers."""

    listeners: int
    active: int
    draws: int
    fitted: dict[str, float | bool]
    measures: list[Measured]

    def to_json(self) -> dict[str, Any]:
        """{"listeners", "active", "draws", "fitted", "measures": [{"measure", "about", "unit", "higher_is_better",
        "listeners", "twin", "one_draw", "last_week", "random", "twin_minus_last_week", "verdict"}]}; each of the
        intervals is {"value", "low", "high"}, or None where it does not apply."""
        rows = []
        for one in self.measures:
            row = {name: value for name, value in asdict(one).items() if name != "difference"}
            for name in ("twin", "one_draw", "last_week", "random"):
                row[name] = plain(getattr(one, name))
            rows.append(row | {"twin_minus_last_week": plain(one.difference)})
        head = {"listeners": self.listeners, "active": self.active, "draws": self.draws, "fitted": dict(self.fitted)}
        return {**head, "measures": rows}

    def table(self) -> str:
        """The same as text."""
        head = f"twins of {self.listeners} listeners, {self.draws} weeks each; {self.active} of them played something"
        cells = [
            ["measure", "unit", "twin", "one draw", "last week", "random", "listeners", "twin minus last week", ""]
        ]
        for one in self.measures:
            values = [bounds(plain(each), ".4f") for each in (one.twin, one.one_draw, one.last_week, one.random)]
            unit = f"{one.unit}, {'higher' if one.higher_is_better else 'lower'} is better"
            difference = bounds(plain(one.difference), "+.4f")
            cells.append([one.measure, unit, *values, str(one.listeners), difference, one.verdict])
        return "\n".join([head, *aligned(cells)]) + "\n"


def twin(
    known: Inputs,
    actual: History,
    draw: TwinModel,
    at: float,
    horizon_days: float = 7.0,
    settings: TwinSettings | None = None,
) -> Twin:
    """Simulates the horizon after `at` from `known`, and measures how far that is from `actual`.

    known        # only what lies before `at` is read
    actual       # only at <= time < at + horizon is read, and only to measure
    draw         # the judged method; see `from_lists`
    at           # home seconds
    horizon_days # a whole number of days, or hours of the day would not repeat

    How much is played is measured on all draws and all listeners. What is played can be compared only where something
    was: there the twin's draws are those given that somebody listens at all, of listeners who did.

    Last week, the reference to beat: how much was played is that of the horizon before `at`, often nothing; what was
    played is that of the listener's last horizon with any play, counted back from `at`. Random: the twin's number of
    plays, of items by everybody's plays, at hours of anybody; for `active`, the same chance for everybody, as of the
    weeks before. BadInput when nobody qualifies.
    """
    settings = settings or TwinSettings()
    if not (horizon_days >= 1.0 and float(horizon_days).is_integer()):
        raise BadInput(f"a horizon of {horizon_days:g} days came; a twin needs a whole number of days, such as 7")
    horizon_seconds = horizon_days * DAY_SECONDS
    known = known.until(at)
    simulated = simulate_weeks(known.history, draw, at, horizon_seconds, settings)
    heard = known.history.heard()
    real = _real_week(heard, actual.between(at, at + horizon_seconds).heard(), simulated.users)
    context = Context(known.columns.genre, known.columns.kind)
    last, replayed = _last_weeks(heard, simulated.users, at, horizon_seconds)
    base = _base_rate(heard, at, horizon_seconds, settings)
    found = [
        _measured(one, simulated, real, replayed if one.content else last, base, context, settings)
        for one in measures(context)
    ]
    found.insert(2, _calibration(simulated.weeks, real, context, settings))
    return Twin(len(simulated.users), int((real.counts() > 0).sum()), settings.draws, _fitted(simulated), found)


def _real_week(heard: History, played: History, users: NDArray[np.int32]) -> Weeks:
    """What `users` played, each play marked by whether they had `heard` its item."""
    before = np.unique(pair_keys(heard.user, heard.item, heard.n_items))
    return week_of(played, users, holds(before, pair_keys(played.user, played.item, heard.n_items)))


def _last_weeks(heard: History, users: NDArray[np.int32], at: float, horizon_seconds: float) -> tuple[Weeks, Weeks]:
    """What was played in the horizon before `at`, and in each listener's last one with a play; moved to after `at`."""
    weeks = week_of(heard, users, Seen.of(heard, at, horizon_seconds).repeat)
    back = weeks_back(weeks.time, at, horizon_seconds)
    latest = np.full(len(users), np.iinfo(np.int64).max)
    np.minimum.at(latest, weeks.listener, back)
    moved = replace(weeks, time=weeks.time + (back + 1) * horizon_seconds)
    return moved.take(back == 0), moved.take(back == latest[weeks.listener])


def _base_rate(heard: History, at: float, horizon_seconds: float, settings: TwinSettings) -> float:
    """The share of listeners who played anything in a horizon, over those before `at` that the habits are fitted on."""
    played, asked = 0, 0
    for back in range(1, settings.fit_weeks + 1):
        moment = at - back * horizon_seconds
        users = qualified(heard, moment, settings)
        played += len(np.intersect1d(users, heard.between(moment, moment + horizon_seconds).user))
        asked += len(users)
    return played / asked if asked else 0.5


def _measured(
    measure: Measure,
    simulated: Simulated,
    real: Weeks,
    last: Weeks,
    base: float,
    context: Context,
    settings: TwinSettings,
) -> Measured:
    """One measure with its intervals, over listeners for whom nothing is NaN."""
    weeks = simulated.when_active if measure.content else simulated.weeks
    columns = [measure.value(weeks, real, context), _mean_of_draws(measure, weeks, real, context)]
    columns.append(measure.value(last, real, context))
    if measure.content:
        columns.append(measure.value(simulated.random, real, context))
    elif measure.value is active:
        columns.append(np.asarray((base - (real.counts()[:, 0] > 0)) ** 2, np.float64))
    values = np.stack(columns, axis=1)
    rows = np.isfinite(values).all(axis=1)
    who, zeros = np.flatnonzero(rows), np.zeros(int(rows.sum()))
    one = intervals(values[rows], who, zeros, settings.bootstrap, settings.seed)
    difference = paired_difference(values[rows, 0], values[rows, 2], who, zeros, settings.bootstrap, settings.seed)
    return Measured(
        measure=measure.name,
        about=measure.about,
        unit=measure.unit,
        higher_is_better=measure.higher_is_better,
        listeners=len(who),
        twin=one[0],
        one_draw=one[1],
        last_week=one[2],
        random=one[3] if len(one) > 3 else NONE,
        difference=difference,
        verdict=_verdict(difference, measure.higher_is_better),
    )


def _mean_of_draws(measure: Measure, weeks: Weeks, real: Weeks, context: Context) -> NDArray[np.float64]:
    """(listeners,) the mean of each draw by itself, over those draws of which it can be said; NaN if of none."""
    each = np.stack([measure.value(weeks.only(draw), real, context) for draw in range(weeks.draws)])
    said = np.isfinite(each)
    mean = np.where(said, each, 0.0).sum(axis=0) / np.maximum(said.sum(axis=0), 1)
    return np.where(said.any(axis=0), mean, np.nan)


def _calibration(weeks: Weeks, real: Weeks, context: Context, settings: TwinSettings) -> Measured:
    """How often the real number of plays lies in the band of the draws; a week played again has no band."""
    values = band(weeks, real, context)
    who = np.arange(len(values))
    one = intervals(values[:, None], who, np.zeros(len(who)), settings.bootstrap, settings.seed)[0]
    inside = one.low <= BAND <= one.high
    verdict = "calibrated" if inside else f"the band is too {'wide' if one.low > BAND else 'narrow'}"
    about = f"real plays inside the middle {BAND:.0%} of the draws: {BAND:.2f} is right"
    return Measured("plays in band", about, "share", True, len(who), one, NONE, NONE, NONE, NONE, verdict)


def _verdict(difference: Interval, higher_is_better: bool) -> str:
    if math.isnan(difference.value):
        return "nothing to compare"
    if not difference.excludes_zero:
        return "no clear difference between the twin and last week"
    better = (difference.value > 0) == higher_is_better
    return f"the twin is {'better' if better else 'worse'} than last week"


def _fitted(simulated: Simulated) -> dict[str, float | bool]:
    habits, found = simulated.habits, simulated.discoveries
    return {
        "temperature": found.temperature,
        "list_share": found.list_share,
        "discoveries_fitted": found.fitted,
        "return_power": habits.return_power,
        "again_share": habits.again,
        "play_seconds": habits.play_seconds,
        "sittings_shape": habits.rates.shape,
        "sittings_rate": habits.rates.rate,
        "trust_of_a_week": float(habits.rates.trust[0]),
        "trust_of_eight_weeks": float(habits.rates.trust[1]),
        "expected_sittings": float((habits.shape / habits.rate).mean()),
    }
