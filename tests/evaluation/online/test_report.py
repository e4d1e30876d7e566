"""One experiment judged: who counts, what is found, and what must not be read."""

import json
import math
from collections.abc import Callable

import numpy as np
import pytest

from palate.core.clock import DAY_SECONDS, Calendar
from palate.core.errors import BadInput
from palate.core.experiment import CONTROL, Experiment, ExperimentSettings
from palate.core.listens import Event
from palate.evaluation.online.report import Judged, judge
from palate.evaluation.online.words import table, to_json
from palate.listening.exposures import Exposures
from palate.listening.history import History

START = 100 * DAY_SECONDS
END = START + 20 * DAY_SECONDS


def shown(rows: list[tuple[str, str, float]]) -> Exposures:
    """(listener, variant, time)."""
    n = len(rows)
    return Exposures(
        timestamp=np.array([time for *_, time in rows], np.float64),
        user_id=[user for user, *_ in rows],
        variant=[variant for _, variant, _ in rows],
        surface=["home"] * n,
        slate_id=[f"s{row}" for row in range(n)],
        indptr=np.zeros(n + 1, np.int64),
        item_id=[],
        propensity=np.zeros(0),
    )


def heard(rows: list[tuple[str, float, Event]], end: float = END) -> History:
    """(listener, time, event), and one last save of somebody else that says how far the log goes."""
    rows = sorted([*rows, ("last", end, Event.SAVE)], key=lambda row: row[1])
    users = sorted({user for user, *_ in rows})
    row_of = {user: row for row, user in enumerate(users)}
    n = len(rows)
    return History(
        user=np.array([row_of[user] for user, *_ in rows], np.int32),
        item=np.zeros(n, np.int32),
        timestamp=np.array([time for _, time, _ in rows]),
        event=np.array([event for *_, event in rows], np.uint8),
        seconds_played=np.full(n, np.nan, np.float32),
        duration_seconds=np.full(n, np.nan, np.float32),
        session=np.zeros(n, np.int64),
        users=users,
        n_items=1,
    )


def made(**settings: object) -> Experiment:
    given = {"listeners": 1_000, "guardrails": {"skip_share": 0.1}, **settings}
    return Experiment("spread", ExperimentSettings(**given))  # type: ignore[arg-type]


def world(
    n: int, plays: Callable[[int], float], skips: Callable[[int], float] = lambda arm: 3.0
) -> tuple[Exposures, History]:
    """n listeners dealt by the experiment: 10 plays and 3 skips before, on average; after it what the arguments say."""
    one, rng = made(), np.random.default_rng(0)
    exposures, listens = [], []
    for number in range(n):
        user = f"u{number}"
        variant = one.assign(user) or CONTROL  # type: ignore[arg-type]
        arm = int(variant != CONTROL)
        first = START + rng.uniform(0, 5 * DAY_SECONDS)
        exposures += [(user, variant, first), (user, variant, first + 5.0)]
        keen = rng.gamma(4.0, 0.25)
        for event, many, since in (
            (Event.PLAY, rng.poisson(10 * keen), -7 * DAY_SECONDS),
            (Event.SKIP, rng.poisson(3 * keen), -7 * DAY_SECONDS),
            (Event.PLAY, rng.poisson(plays(arm) * keen), 0.0),
            (Event.SKIP, rng.poisson(skips(arm) * keen), 0.0),
        ):
            listens += [(user, first + since + rng.uniform(0, 6.9 * DAY_SECONDS), event) for _ in range(many)]
    return shown(exposures), heard(listens)


def read(one: tuple[Exposures, History], **settings: object) -> Judged:
    return judge(made(**settings), *one, Calendar())


@pytest.fixture(scope="module")
def better() -> tuple[Exposures, History]:
    return world(2_000, lambda arm: 10.0 + 2.0 * arm)


def effect(judged: Judged, name: str = "plays"):
    return next(one for one in judged.effects["treatment"] if one.metric == name)


def test_a_planted_lift_is_found_and_shipped(better):
    judged = read(better)
    one = effect(judged)
    assert one.lift.low <= 0.2 <= one.lift.high
    assert one.lift.low > 0.0
    assert one.difference.low <= 2.0 <= one.difference.high
    assert one.removed > 0.3
    assert one.role == "success"
    assert judged.verdicts["treatment"].decision == "ship"
    assert (judged.switched, judged.simulated, judged.sample_ratio.mismatch) == (0, False, False)
    assert judged.exposed == judged.complete
    assert sum(judged.exposed.values()) == 2_000


def test_an_a_a_finds_nothing():
    judged = read(world(1_500, lambda arm: 10.0))
    assert not any(one.lift.excludes_zero for one in judged.effects["treatment"])
    assert judged.verdicts["treatment"].decision in ("wait", "stop")


def test_a_guardrail_stops_what_success_would_ship():
    judged = read(world(2_000, lambda arm: 10.0 + 2.0 * arm, lambda arm: 3.0 + 3.0 * arm))
    verdict = judged.verdicts["treatment"]
    assert effect(judged).lift.low > 0.0
    assert effect(judged, "skip_share").margin == 0.1
    assert verdict.decision == "stop"
    assert verdict.reasons[0].startswith("skip_share got worse by more than 10.0%")


def test_a_window_counts_from_the_first_exposure_and_only_when_it_has_passed():
    history = heard(
        [
            ("ana", START - 1.0, Event.PLAY),  # before
            ("ana", START, Event.PLAY),
            ("ana", START + 6.9 * DAY_SECONDS, Event.PLAY),
            ("ana", START + 7.1 * DAY_SECONDS, Event.PLAY),  # after the window
            ("bo", END - DAY_SECONDS, Event.PLAY),
        ]
    )
    exposures = shown([("ana", CONTROL, START + 50.0), ("ana", CONTROL, START), ("bo", "treatment", END - DAY_SECONDS)])
    judged = judge(made(), exposures, history, Calendar())
    assert judged.exposed == {CONTROL: 1, "treatment": 1}
    assert judged.complete == {CONTROL: 1, "treatment": 0}
    assert effect(judged).control == 2.0
    assert math.isnan(effect(judged).treatment)


def test_times_are_home_times():
    """A pause of a year lies between the exposure and the play: in home time it is the next moment."""
    pause = (START + 10.0, START + 10.0 + 365 * DAY_SECONDS)
    calendar = Calendar((pause,))
    later = calendar.home_time(pause[1] + 5.0)
    exposures = shown([("ana", CONTROL, START)])
    judged = judge(made(), exposures, heard([("ana", later, Event.PLAY)]), calendar)
    assert effect(judged).control == 1.0


def test_who_was_never_heard_of_counts_with_nothing():
    judged = judge(made(), shown([("nobody", CONTROL, START)]), heard([]), Calendar())
    assert (judged.complete[CONTROL], effect(judged).control) == (1, 0.0)


def test_who_met_two_variants_is_left_out_and_many_of_them_spoil_it(better):
    exposures, history = better
    late = [(f"u{number}", CONTROL, START + 9 * DAY_SECONDS) for number in range(100)]
    late += [(f"u{number}", "treatment", START + 9 * DAY_SECONDS) for number in range(100)]
    both = list(zip(exposures.user_id, exposures.variant, exposures.timestamp.tolist(), strict=True))
    judged = read((shown([*late, *both]), history))
    assert judged.switched == 100
    assert sum(judged.exposed.values()) == 1_900
    assert judged.verdicts["treatment"].decision == "do not read"
    assert "5.0% of the listeners met more than one variant" in judged.verdicts["treatment"].reasons[0]


def test_lost_listeners_spoil_it(better):
    exposures, history = better
    rows = list(zip(exposures.user_id, exposures.variant, exposures.timestamp.tolist(), strict=True))
    kept = [row for row in rows if row[1] == CONTROL or hash(row[2]) % 5]
    judged = read((shown(kept), history))
    assert judged.sample_ratio.mismatch
    assert judged.verdicts["treatment"].decision == "do not read"
    assert "sample ratio mismatch" in judged.verdicts["treatment"].reasons[0]


def test_a_difference_from_before_spoils_it(better):
    """The treatment's history is what was different: the same listens a week earlier."""
    exposures, history = better
    arms = dict(zip(exposures.user_id, exposures.variant, strict=True))
    ours = np.array([arms.get(user) == "treatment" for user in history.users])[history.user]
    judged = read((exposures, history.take(np.flatnonzero(~(ours & (history.timestamp < START))))))
    assert "differed before the first exposure" in judged.verdicts["treatment"].reasons[0]


def test_three_variants_are_judged_more_carefully_than_two(better):
    two, three = read(better), read(better, variants={CONTROL: 1.0, "treatment": 1.0, "other": 1.0})
    widths = [effect(one).lift.high - effect(one).lift.low for one in (two, three)]
    assert widths[1] > widths[0]
    assert set(three.verdicts) == {"treatment", "other"}
    assert three.complete["other"] == 0


def test_nobody_at_all():
    judged = judge(made(), shown([]), heard([]).take(slice(0, 0)), Calendar())
    assert judged.exposed == {CONTROL: 0, "treatment": 0}
    assert judged.verdicts["treatment"].decision == "wait"
    assert json.loads(json.dumps(to_json(judged), allow_nan=False))["complete"] == {CONTROL: 0, "treatment": 0}
    assert "treatment: wait" in table(judged)


def test_what_cannot_be_judged():
    with pytest.raises(BadInput, match=r"shown as 'calm', which is none of its variants \(control, treatment\)"):
        judge(made(), shown([("ana", "calm", START)]), heard([]), Calendar())
    with pytest.raises(BadInput, match="'joy' is no metric"):
        judge(made(success="joy"), shown([]), heard([]), Calendar())
    with pytest.raises(BadInput, match="'joy' is no metric"):
        judge(made(guardrails={"joy": 0.1}), shown([]), heard([]), Calendar())


def test_as_text_and_as_data(better):
    judged = read(better)
    text, data = table(judged), json.loads(json.dumps(to_json(judged), allow_nan=False))
    assert "SIMULATED" not in text
    assert "\ntreatment: ship\n" in text
    assert "skip_share      guardrail, margin 10.0%" in text
    assert data["variants"]["treatment"]["decision"] == "ship"
    assert data["variants"]["treatment"]["metrics"]["plays"]["lift"]["value"] == effect(judged).lift.value
    assert data["variants"]["treatment"]["metrics"]["saves"]["lift"] == {"value": None, "low": None, "high": None}


def test_simulated_listeners_are_called_that():
    judged = judge(made(), shown([("sim-user-0001", CONTROL, START)]), heard([]), Calendar())
    assert table(judged).startswith("SIMULATED data")
