"""What the page asks of the report's data, with an answer for everything that may be absent."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from palate.evaluation.report.wording import bounds, digits, number

Data = Mapping[str, Any]

OURS = ("palate", "yours")
ALPHA = 0.05
BETWEEN = ("first_minus_this", "seed_spread", "of_ceiling")  # of a method's row: beside its metrics
# Metrics of something else than accuracy; a key may say of what: "genre_calibration@10".
BEYOND = ("coverage", "novelty", "popularity", "diversity", "calibration", "overlap", "exposure_gini")
METRICS = ("ndcg", "recall", "mrr", "hit_rate", *BEYOND)  # in the order of columns


@dataclass(frozen=True)
class Estimate:
    """A number with its 95% interval; without one, `low` and `high` are None."""

    value: float
    low: float | None = None
    high: float | None = None

    @property
    def ends(self) -> tuple[float, ...]:
        """All that a scale has to hold."""
        return tuple(one for one in (self.value, self.low, self.high) if one is not None)


def in_words(one: Estimate, signed: bool = False) -> tuple[str, str]:
    """A number and its interval ("" for none), both with the decimals that the larger of them deserves."""
    decimals = digits(*one.ends)
    return number(one.value, decimals, signed), bounds(one.low, one.high, signed, decimals)


@dataclass(frozen=True)
class Difference:
    """One method minus another over the same listeners; `p` is corrected for `comparisons` where `is_corrected`."""

    estimate: Estimate
    p: float | None
    is_corrected: bool
    comparisons: int

    @property
    def sign(self) -> int:
        """1 for ahead, -1 for behind, 0 for what cannot be told: interval and p both have to say so."""
        low, high = self.estimate.low, self.estimate.high
        if low is None or high is None or (self.p is not None and self.p > ALPHA):
            return 0
        return 1 if low > 0.0 else -1 if high < 0.0 else 0

    @property
    def turned(self) -> "Difference":
        """The other minus the one."""
        low, high = self.estimate.low, self.estimate.high
        turned = Estimate(-self.estimate.value, None if high is None else -high, None if low is None else -low)
        return Difference(turned, self.p, self.is_corrected, self.comparisons)


def beyond_of(key: str) -> str | None:
    """Which of BEYOND a metric is; None for accuracy.

    >>> beyond_of("genre_calibration@10"), beyond_of("ndcg@10")
    ('calibration', None)
    """
    name = key.partition("@")[0]
    return next((one for one in BEYOND if name == one or name.endswith(f"_{one}")), None)


def estimate(found: object) -> Estimate | None:
    """From {"value", "low", "high"} or a bare number; None for null or where the value is null."""
    if isinstance(found, Mapping):
        value = found.get("value")
        return None if value is None else Estimate(value, found.get("low"), found.get("high"))
    return Estimate(float(found)) if isinstance(found, int | float) else None


def difference(found: Data | None, comparisons: int) -> Difference | None:
    """From {"value", "low", "high", "p", "p_holm"}, of which the p-values may be absent."""
    size = estimate(found)
    if found is None or size is None:
        return None
    corrected = found.get("p_holm")
    return Difference(size, found.get("p") if corrected is None else corrected, corrected is not None, comparisons)


@dataclass(frozen=True)
class Task:
    """One task of the report. `kinds` says what each method is: palate, yours, baseline or ceiling."""

    name: str
    part: Data
    kinds: Mapping[str, str]

    @property
    def metric(self) -> str:
        """The key of the metric by which methods stand."""
        return str(self.part.get("metric") or "ndcg@100")

    @property
    def rows(self) -> Sequence[Data]:
        """One for each method, best first."""
        return self.part.get("methods") or []

    @property
    def of(self) -> str:
        """What was asked about: listeners, playlists or items."""
        return str(self.part.get("of") or "listeners")

    @property
    def first(self) -> str | None:
        """The method that was compared with each other one."""
        return self.part.get("first") or (self.rows[0]["method"] if self.rows else None)

    def row(self, method: str | None) -> Data:
        """The numbers of one method, empty where it did not take part."""
        return next((row for row in self.rows if row["method"] == method), {})

    def value(self, method: str | None) -> Estimate | None:
        """One method in the task's metric."""
        return estimate(self.row(method).get(self.metric))

    def kind(self, method: str) -> str:
        """palate, yours, baseline or ceiling; "" where the report does not say."""
        return self.kinds.get(method, "")

    @property
    def metrics(self) -> list[str]:
        """Every metric of accuracy in the rows: the task's own first, then by kind, then by length of the list."""
        keys = [self.metric, *sorted({key for row in self.rows for key in row} - {self.metric}, key=_turn)]
        known = [key for key in keys if key not in ("method", *BETWEEN) and beyond_of(key) is None]
        return [key for key in known if any(estimate(row.get(key)) for row in self.rows)]

    @property
    def beyond(self) -> list[str]:
        """Every metric of something else than accuracy in the rows."""
        keys = sorted({key for row in self.rows for key in row if beyond_of(key)}, key=_turn)
        return [key for key in keys if any(estimate(row.get(key)) for row in self.rows)]

    @property
    def ours(self) -> str | None:
        """The method that is judged: the first one, unless that is a baseline; then the best that is none."""
        if self.first and self.kind(self.first) not in ("baseline", "ceiling"):
            return self.first
        return next((row["method"] for row in self.rows if self.kind(row["method"]) in OURS), None)

    @property
    def rival(self) -> str | None:
        """The best baseline. Where the report names no kinds, the best other method."""
        others = [row["method"] for row in self.rows if row["method"] != self.ours]
        baselines = [name for name in others if self.kind(name) == "baseline"]
        return next(iter(baselines or [name for name in others if not self.kind(name)]), None)

    @property
    def floor(self) -> str | None:
        """The best of the methods that only know what is popular."""
        return next((row["method"] for row in self.rows if row["method"].startswith("popular")), None)

    @property
    def ceiling(self) -> float | None:
        """The best that anybody could do: a method of that kind, or what shares of it say."""
        for row in self.rows:
            found, part = estimate(row.get(self.metric)), row.get("of_ceiling")
            if found and self.kind(row["method"]) == "ceiling":
                return found.value
            if found and part:
                return found.value / float(part)
        return None

    @property
    def comparisons(self) -> int:
        """How many differences the p-values of this task were corrected for."""
        return sum(row.get("first_minus_this") is not None for row in self.rows)

    def against(self, other: str) -> Difference | None:
        """`first` minus another method."""
        return difference(self.row(other).get("first_minus_this"), self.comparisons)

    @property
    def lead(self) -> Difference | None:
        """`ours` minus `rival`; None when either is missing or when neither is the one that was compared."""
        if self.ours is None or self.rival is None:
            return None
        if self.ours == self.first:
            return self.against(self.rival)
        found = self.against(self.ours) if self.rival == self.first else None
        return found.turned if found else None


def _turn(key: str) -> tuple[int, str, int]:
    """Where a metric stands among others, whatever order a file kept them in."""
    name, _, length = key.partition("@")
    known = beyond_of(key) or name
    place = METRICS.index(known) if known in METRICS else len(METRICS)
    return place, name, int(length) if length.isdigit() else 0


def tasks(data: Data) -> Iterator[Task]:
    """Every task of the report, in its order, those without numbers included."""
    kinds = {name: str((about or {}).get("kind") or "") for name, about in (data.get("methods") or {}).items()}
    for name, part in (data.get("tasks") or {}).items():
        yield Task(name, part or {}, kinds)


def why_absent(data: Data, part: str, otherwise: str) -> str:
    """Why a part of the report holds nothing: the report's own reason where it gives one."""
    reason = str((data.get("reasons") or {}).get(part) or otherwise)
    return f"Not measured: {reason.rstrip('.')}."


def setting_seconds(settings: Data, name: str) -> float | None:
    """A length of time among the settings, whatever unit its name carries: "gap" finds gap_hours."""
    units = {"seconds": 1.0, "hours": 3_600.0, "days": 86_400.0}
    for unit, seconds in units.items():
        value = settings.get(f"{name}_{unit}")
        if isinstance(value, int | float):
            return value * seconds
    return None
