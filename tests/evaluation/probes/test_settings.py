"""Which weeks teach and which judge."""

import pytest

from palate.core.clock import DAY_SECONDS as DAY
from palate.core.errors import BadInput, BadSettings
from palate.evaluation.probes.settings import MIN_LOG_DAYS, ProbeSettings, planned
from palate.listening.history import History

from ..worlds import history_of


def log_of(days: float) -> History:
    """From day 0 to `days`; the log ends a second after its last listen."""
    return history_of([(0, 0, 0.0), (0, 0, days - 1.0 / DAY)])


def test_one_week_each_is_fourteen_days_before() -> None:
    plan = planned(log_of(100.0), ProbeSettings(train_weeks=1, test_weeks=1))
    assert plan.test == pytest.approx((93.0 * DAY,))
    assert plan.train == pytest.approx((79.0 * DAY,))
    assert plan.fitted_at == plan.train[0]


def test_weeks_follow_each_other_and_leave_the_gap() -> None:
    plan = planned(log_of(200.0), ProbeSettings(train_weeks=3, test_weeks=2))
    assert [moment / DAY for moment in plan.test] == pytest.approx([186.0, 193.0])
    assert [moment / DAY for moment in plan.train] == pytest.approx([158.0, 165.0, 172.0])
    assert plan.test[0] - (plan.train[-1] + plan.horizon_seconds) == pytest.approx(7.0 * DAY)


def test_a_short_log_has_fewer_weeks_of_both() -> None:
    plan = planned(log_of(MIN_LOG_DAYS + 7.0 + 5 * 7.0 + 0.5), ProbeSettings(train_weeks=8, test_weeks=8))
    assert (len(plan.train), len(plan.test)) == (3, 2)
    assert plan.fitted_at / DAY == pytest.approx(MIN_LOG_DAYS + 0.5)


@pytest.mark.parametrize("days", [1.0, MIN_LOG_DAYS + 7.0 + 2 * 7.0 - 0.5])
def test_a_log_without_room_is_refused(days: float) -> None:
    with pytest.raises(BadInput, match="probes need 49"):
        planned(log_of(days), ProbeSettings())
    with pytest.raises(BadInput):
        planned(history_of([], 1, 1), ProbeSettings())


@pytest.mark.parametrize("bad", [{"train_weeks": 0}, {"folds": 1}, {"horizon_days": 0.0}, {"gap_days": -1.0}])
def test_impossible_settings_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(BadSettings, match=next(iter(bad))):
        ProbeSettings(**bad)
