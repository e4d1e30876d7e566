"""Whether what goes into a home still looks like what its space was trained on: each day against the days before.

A day's number (listens, share of skips, ...) is compared with the reference days before the training's moment, less
what its weekday usually adds; a day's distribution (kinds, hours) by the Jensen-Shannon divergence (Lin, 1991) from all
reference days together, a day's mean taste by its angle. How far the reference days themselves lie apart is the unit:
the median and the median absolute deviation, so that a few odd days neither alarm nor blind.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palate.core.clock import DAY_SECONDS
from palate.core.home import Home
from palate.embeddings.inputs import Inputs
from palate.embeddings.space import Spaces
from palate.evaluation.plain import aligned, number
from palate.jobs.daily import NEW_SECONDS, NEWS, Days, chance, days_between
from palate.jobs.inputs import gather
from palate.jobs.readable import Readable

Floats = NDArray[np.float64]
REFERENCE_DAYS, LEAST_DAYS = 56, 21  # eight of each weekday; with fewer than three of each nothing is usual
RECENT_DAYS = 28  # that are looked at, the latest
WEEK = 7
# Deviations of the reference days; by this fewer than one stable day in a hundred alarms (docs/rooms/stability.md).
ALARM = 7.0
# The smallest change that may alarm, however even the reference was, on the scales of Days: 20% of a count, a share
# from .50 to .60 (also as a divergence), an angle of six degrees.
LEAST_CHANGE = {
    "listens": 0.2, "listeners": 0.2, "taste length": 0.1, "taste direction": 0.1, "kinds": 0.01, "hours": 0.01,
}  # fmt: skip
LEAST_SHARE_CHANGE = 0.1
USUAL = 1.4826  # a median absolute deviation times this is the standard deviation of a normal one


@dataclass(frozen=True)
class Feature:
    """One thing that is watched.

    usual     what a reference day has, in words of the feature's own unit: the median
    latest    the same of the latest day
    deviation of the latest day, in deviations of the reference days; above ALARM it alarms
    alarms    how many of the recent days alarm
    alarming  the latest day does, or three of the latest week
    """

    name: str
    usual: float
    latest: float
    deviation: float
    alarms: int
    alarming: bool


@dataclass(frozen=True)
class Drift:
    """What was found.

    space     the version whose training's moment divides the days
    reference how many days before that moment it is compared with
    days      how many recent days were looked at; 0 when no whole day was heard since
    alarmed   # (days,) bool as a list, oldest first: whether any feature alarmed
    why       why nothing could be compared; empty when it was
    """

    space: str
    reference: int
    days: int
    features: list[Feature]
    alarmed: list[bool]
    why: str = ""

    @property
    def alarming(self) -> list[str]:
        """The features that ask for attention now."""
        return [one.name for one in self.features if one.alarming]

    def to_json(self) -> dict[str, Any]:
        """The fields as plain values, with `alarming`; NaN is None."""
        told = asdict(self)
        rows = [{k: number(x) if isinstance(x, float) else x for k, x in row.items()} for row in told["features"]]
        return told | {"features": rows, "alarming": self.alarming}

    def table(self) -> str:
        """One line a feature; a star where it alarms."""
        if self.why:
            return f"{self.space}: {self.why}"
        rows = [["feature", "usual", "latest day", "deviation", f"days of {self.days}"]]
        for one in self.features:
            star = "*" if one.alarming else ""
            rows.append(
                [one.name, f"{one.usual:.4g}", f"{one.latest:.4g}", f"{one.deviation:.1f}{star}", str(one.alarms)]
            )
        head = f"{self.space}: {self.days} days since its training, against {self.reference} days before it"
        return "\n".join([head, *aligned(rows), f"a deviation above {ALARM:g} alarms; * now"])

    @property
    def warning(self) -> str:
        """One sentence when something alarms now; empty when nothing does."""
        if not self.alarming:
            return ""
        return (
            f"what is heard has moved away from what {self.space} was trained on: {', '.join(self.alarming)}; look at "
            "the table, and train again if it lasts"
        )


def drift(inputs: Inputs, moment: float, space: Readable | None = None, label: str = "") -> Drift:
    """Compares the latest whole days after `moment` (home seconds) with the days before it.

    space for the tastes, which are watched only with one. A log without a whole day since, or with fewer than
    LEAST_DAYS before, gives a Drift that says why.
    """
    label = label or (space.label if space is not None else "")
    whole = int((inputs.history.end - moment) // DAY_SECONDS)
    begin = float(inputs.history.timestamp[0]) if len(inputs.history) else moment
    before = min(int((moment - begin) // DAY_SECONDS), REFERENCE_DAYS)
    if before < LEAST_DAYS:
        why = f"{before} days were heard before its training and {LEAST_DAYS} are needed; nothing can be compared"
        return Drift(label, before, 0, [], [], why)
    if whole < 1:
        return Drift(label, before, 0, [], [], "no whole day was heard since its training; nothing to compare yet")
    reference = days_between(inputs, moment - before * DAY_SECONDS, moment, space)
    recent = days_between(
        inputs, moment + max(whole - RECENT_DAYS, 0) * DAY_SECONDS, moment + whole * DAY_SECONDS, space
    )
    if moment - before * DAY_SECONDS < begin + NEW_SECONDS:  # in the first days of a log everything is new
        for name in NEWS:
            reference.amounts.pop(name)
    return compared(reference, recent, label)


def drift_of(home: Home, label: str | None = None) -> Drift:
    """The same of a home's live version, or of another; NotTrained, or BadInput for a version that there is not."""
    spaces = Spaces(home.require().spaces)
    space = Readable.of(spaces.live if label is None else spaces.get(label))
    return drift(gather(home), space.moment, space)


def compared(reference: Days, recent: Days, label: str = "") -> Drift:
    """The table from days alone, of every feature of `reference`."""
    found: list[tuple[str, float, Floats, Floats]] = []  # name, usual, recent values as told, their deviations
    for name, before in reference.amounts.items():
        back, after = _back(name), recent.amounts[name]
        usual, asked = _less_weekday(reference.starts, before, recent.starts, after)
        found.append((name, back(_median(before)), back(after), _deviations(usual, asked, _least(name, recent))))
    for name, counts in reference.shapes.items():
        whole = counts.sum(axis=0)
        usual, asked = (_apart(one, whole) for one in (counts, recent.shapes[name]))
        z = _deviations(usual, asked, _least(name, recent), both_ways=False)
        found.append((name, max(_median(usual), 0.0), np.maximum(asked, 0.0), z))
    for name, means in reference.means.items():
        middle = means[np.isfinite(means).all(axis=1)].mean(axis=0) if _any(means) else means[0]
        usual, asked = (_angle(one, middle) for one in (means, recent.means[name]))
        z = _deviations(usual, asked, _least(name, recent), both_ways=False)
        found.append((name, _median(usual), asked, z))
    features = [_feature(*one) for one in found]
    alarmed = np.any([z > ALARM for *_, z in found], axis=0)
    return Drift(label, len(reference.starts), len(recent.starts), features, [bool(one) for one in alarmed])


def _feature(name: str, usual: float, values: Floats, z: Floats) -> Feature:
    over = z > ALARM
    now = bool(over[-1]) or int(over[-WEEK:].sum()) >= 3
    return Feature(name, float(usual), float(values[-1]), float(z[-1]), int(over.sum()), now)


def _back(name: str) -> Callable[[Any], Any]:
    """From the scale of Days to what a reader knows: counts, shares, lengths."""
    return np.exp if name in ("listens", "listeners", "taste length") else lambda value: np.sin(value) ** 2


def _least(name: str, recent: Days) -> Floats:
    """(days,) the smallest deviation that counts as one: what is not worth a word, and what chance alone does."""
    worth = LEAST_CHANGE.get(name, LEAST_SHARE_CHANGE) / ALARM
    return np.maximum(recent.noise.get(name, np.zeros(len(recent.starts))), worth)


def _any(values: Floats) -> bool:
    return bool(np.isfinite(values).any())


def _median(values: Floats) -> float:
    """Of what is known; NaN without anything."""
    return float(np.median(values[np.isfinite(values)])) if _any(values) else float("nan")


def _less_weekday(starts: Floats, before: Floats, later: Floats, after: Floats) -> tuple[Floats, Floats]:
    """Both without what their day of the week usually adds: the median of the reference days of that weekday."""
    weekday, asked = ((days // DAY_SECONDS).astype(np.int64) % WEEK for days in (starts, later))
    usual = np.array(
        [np.nanmedian(before[weekday == day]) if _any(before[weekday == day]) else np.nan for day in range(7)]
    )
    return before - usual[weekday], after - usual[asked]


def _deviations(before: Floats, after: Floats, least: Floats, both_ways: bool = True) -> Floats:
    """How far each recent day lies from the median of the reference days, in deviations; 0 where nothing is known.

    both_ways False for distances, which only alarm when they are large
    """
    told = before[np.isfinite(before)]
    if not len(told):
        return np.zeros(len(after))
    middle = float(np.median(told))
    z = np.nan_to_num((after - middle) / np.maximum(USUAL * float(np.median(np.abs(told - middle))), least))
    return np.abs(z) if both_ways else z


def _apart(counts: Floats, whole: Floats) -> Floats:
    """(days,) the Jensen-Shannon divergence in bits, up to 1, of each day from `whole`, less what is chance."""
    n = counts.sum(axis=1)
    p, q = counts / np.maximum(n, 1.0)[:, None], whole / max(float(whole.sum()), 1.0)
    middle = (p + q) / 2.0
    with np.errstate(divide="ignore", invalid="ignore"):
        left = np.where(p > 0, p * np.log2(p / middle), 0.0).sum(axis=1)
        right = np.where(q > 0, q * np.log2(q / middle), 0.0).sum(axis=1)
    return np.where(n > 0, (left + right) / 2.0 - chance(counts)[0], np.nan)


def _angle(means: Floats, usual: Floats) -> Floats:
    """(days,) the angle in radians between each day's mean direction and the usual one."""
    length = np.linalg.norm(means, axis=1) * np.linalg.norm(usual)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.arccos(np.clip(means @ usual / length, -1.0, 1.0)), np.float64)
