"""How the probes are cut out of a log: which weeks teach the heads, which weeks judge them."""

from dataclasses import dataclass
from typing import ClassVar

from palate.core.clock import DAY_SECONDS
from palate.core.errors import BadInput, BadSettings
from palate.listening.history import History

MIN_LOG_DAYS = 28.0  # before the spaces are fitted: a space of less says more about a young log than about a method


@dataclass(frozen=True)
class ProbeSettings:
    """What the heads are taught and judged on. The head itself has no settings: it is the same for everybody."""

    SECTION: ClassVar[str] = "probes"
    horizon_days: float = 7.0  # a label looks this far ahead; a week of labels is as long
    gap_days: float = 7.0  # between the last week that teaches and the first that judges
    train_weeks: int = 8  # weeks of labels that teach; the spaces are fitted before the first
    test_weeks: int = 8  # weeks of labels that judge; the last ends with the log
    min_plays: int = 5  # a listener with fewer heard plays before a week takes no part in it
    max_listeners: int = 20_000  # in a larger home so many are drawn by the hash of their ids
    top: int = 10  # genres, artists, countries, ... that are asked for, each the most common ones
    top_items: int = 20  # items that are asked for where nothing else is known of them
    min_positives: int = 10  # a yes-or-no label with fewer listeners of either answer, in train or test, is left out
    folds: int = 5  # listeners are cut into so many parts; each part is judged by a head taught on the others
    bootstrap: int = 1000  # redraws of the listeners behind the intervals
    seed: int = 0  # of the folds and of the redraws

    def __post_init__(self) -> None:
        least = {"train_weeks": 1, "test_weeks": 1, "min_plays": 1, "max_listeners": 1, "top": 1, "top_items": 1}
        for name, floor in (least | {"min_positives": 1, "folds": 2, "bootstrap": 1}).items():
            if getattr(self, name) < floor:
                raise BadSettings(f"{name} = {getattr(self, name)} is too small for a probe; use {floor} or more")
        if self.horizon_days <= 0.0 or self.gap_days < 0.0:
            raise BadSettings(
                f"horizon_days = {self.horizon_days:g} must be above 0 and gap_days = {self.gap_days:g} not below"
            )


@dataclass(frozen=True)
class Plan:
    """The moments of one run of probes, in home seconds.

    train # starts of the weeks that teach, ascending; the spaces are fitted at the first
    test  # starts of the weeks that judge, ascending
    horizon_seconds # how long each of these weeks is
    """

    train: tuple[float, ...]
    test: tuple[float, ...]
    horizon_seconds: float

    @property
    def fitted_at(self) -> float:
        """When the spaces are frozen: no label that teaches or judges lies before it."""
        return self.train[0]


def planned(history: History, settings: ProbeSettings) -> Plan:
    """The last weeks of the log, as many as it has room for; BadInput when there is none for one week on each side."""
    horizon, gap = settings.horizon_days * DAY_SECONDS, settings.gap_days * DAY_SECONDS
    begin = float(history.timestamp[0]) if len(history) else 0.0
    room = history.end - begin - MIN_LOG_DAYS * DAY_SECONDS - gap
    weeks = int(room // horizon)
    if weeks < 2:
        needed = MIN_LOG_DAYS + settings.gap_days + 2 * settings.horizon_days
        raise BadInput(
            f"the log spans {(history.end - begin) / DAY_SECONDS:.1f} days but probes need {needed:g}; import a longer "
            "log"
        )
    test_weeks = min(settings.test_weeks, max(weeks // 2, weeks - settings.train_weeks))
    train_weeks = min(settings.train_weeks, weeks - test_weeks)
    first_test = history.end - test_weeks * horizon
    first_train = first_test - gap - train_weeks * horizon
    train = tuple(first_train + week * horizon for week in range(train_weeks))
    test = tuple(first_test + week * horizon for week in range(test_weeks))
    return Plan(train, test, horizon)
