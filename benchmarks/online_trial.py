"""Does the online evaluation keep its word? Many experiments in the simulated world, where the truth is known.

    python benchmarks/online_trial.py [--tests 1000] [--powered 200] [--replays 300]

Prints the tables of docs/rooms/online.md: how often an A/A test finds something, looking once, daily, or after every
listener, and how often the sample-ratio check does; after how many listeners a planted lift of 3% is found; how often
the interval of a replay covers the true value. Takes some minutes on one core.
"""

import argparse
import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from palate.core.experiment import CONTROL, Experiment, ExperimentSettings
from palate.core.ids import UserId
from palate.evaluation.online.planted import Planted, chances, plant, show
from palate.evaluation.online.ratio import ALARM, check
from palate.evaluation.online.replay import Logged, replay
from palate.evaluation.online.sequential import MIN_LISTENERS, half_widths, sample_size
from stamp import stamp

Floats = NDArray[np.float64]
LIFT = 0.03
Z = 1.959964
DAILY = 14  # looks


def heard(planted: Planted, policy: Floats, rng: np.random.Generator) -> Floats:
    """(listeners,) heard items in one window: as `show` draws them, without drawing the items."""
    return rng.binomial(planted.visits[:, None], planted.liked(policy) * planted.look).sum(axis=1).astype(np.float64)


def treated(users: list[str], salt: str) -> NDArray[np.bool_]:
    """(listeners,) who is dealt the treatment."""
    one = Experiment("bench", ExperimentSettings(salt=salt))
    return np.array([one.assign(UserId(user)) != CONTROL for user in users])


def looks(y: Floats, x: Floats | None, treatment: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """The difference and its variance after each listener, in the order given; with x by CUPED."""
    group = np.stack([~treatment, treatment]).astype(np.float64)
    before = np.zeros(len(y)) if x is None else x

    def sums(values: Floats) -> Floats:
        return np.cumsum(group * values, axis=1)

    n = np.maximum(np.cumsum(group, axis=1), 2.0)
    mean_y, mean_x = sums(y) / n, sums(before) / n
    yy, xx, xy = sums(y * y) / n - mean_y**2, sums(before**2) / n - mean_x**2, sums(before * y) / n - mean_x * mean_y
    spread = (n * xx).sum(axis=0)
    theta = np.divide((n * xy).sum(axis=0), spread, out=np.zeros(len(y)), where=spread > 0.0)
    variance = (yy - 2.0 * theta * xy + theta**2 * xx) / (n - 1.0)
    difference = mean_y[1] - mean_y[0] - theta * (mean_x[1] - mean_x[0])
    return difference, np.maximum(variance.sum(axis=0), 0.0)  # rounding, before anybody differs


def ready(treatment: NDArray[np.bool_]) -> int:
    """The first look: MIN_LISTENERS in both variants."""
    return int(np.argmax(np.minimum(np.cumsum(treatment), np.cumsum(~treatment)) >= MIN_LISTENERS))


def false_alarms(planted: Planted, tests: int) -> None:
    """A/A tests: the share in which an interval, at any of its looks, leaves out zero."""
    n = len(planted.user_ids)
    rng, found = np.random.default_rng(1), dict.fromkeys(range(8), 0)
    after = np.arange(1, n + 1)
    daily = np.linspace(n / DAILY, n, DAILY).astype(int) - 1
    for test in range(tests):
        order = rng.permutation(n)
        treatment = treated(planted.user_ids, f"aa-{test}")[order]
        y, x = heard(planted, planted.popular, rng)[order], heard(planted, planted.popular, rng)[order]
        for offset, covariate in ((0, None), (4, x)):
            difference, variance = looks(y, covariate, treatment)
            fixed = np.abs(difference) > Z * np.sqrt(variance)
            always = np.abs(difference) > half_widths(after, after * variance, n)
            first = ready(treatment)
            outcomes = fixed[-1], fixed[daily].any(), fixed[first:].any(), always[first:].any()
            for place, alarm in enumerate(outcomes):
                found[offset + place] += int(alarm)
    print(f"\nA/A: {tests:,} tests of {n:,} listeners; share that finds something (5% is the promise)\n")
    print("| interval | one look at the end | daily, 14 looks | after every listener |\n|---|---|---|---|")
    for name, offset in (("fixed", 0), ("fixed, CUPED", 4)):
        print(f"| {name} | " + " | ".join(f"{found[offset + place] / tests:.1%}" for place in range(3)) + " |")
    for name, offset in (("sequence", 0), ("sequence, CUPED", 4)):
        print(f"| {name} | | | {found[offset + 3] / tests:.1%} |")


def ratio_alarms(tests: int, n: int = 4_000, looks: int = 40) -> None:
    """Sound experiments whose sample ratio is checked at 1%, forty times each: the share that raises an alarm."""
    rng, fixed, sequential = np.random.default_rng(4), 0, 0
    for _ in range(tests):
        controls = np.cumsum(rng.random(n) < 0.5)
        seen = [(int(controls[look - 1]), look) for look in np.linspace(n / looks, n, looks).astype(int).tolist()]
        checks = [check([control, look - control], [1.0, 1.0]) for control, look in seen]
        fixed += any(one.p_value < ALARM for one in checks)
        sequential += any(one.mismatch for one in checks)
    print(f"\nsample ratio, {tests:,} sound experiments, {looks} looks: exact test at 1% {fixed / tests:.1%}, "
          f"always-valid {sequential / tests:.1%}")  # fmt: skip


def power(planted: Planted, tests: int, plan: int) -> None:
    """A/B tests with a true lift of LIFT: the share in which the sequence has found a rise after so many listeners."""
    n, better = len(planted.user_ids), planted.lifted(LIFT)
    rng, after = np.random.default_rng(2), np.arange(1, len(planted.user_ids) + 1)
    names = ("sequence", "sequence, CUPED")
    when: dict[str, list[float]] = {name: [] for name in names}
    covered, once = dict.fromkeys(names, 0), 0
    variation, left = [], []
    for test in range(tests):
        order = rng.permutation(n)
        treatment = treated(planted.user_ids, f"ab-{test}")
        a, b = heard(planted, planted.popular, rng), heard(planted, better, rng)
        before = heard(planted, planted.popular, rng)
        y, x = np.where(treatment, b, a)[order], before[order]
        treatment = treatment[order]
        truth = (planted.liked(better) @ planted.look * planted.visits).mean() * LIFT / (1.0 + LIFT)
        for name, covariate in zip(names, (None, x), strict=True):
            difference, variance = looks(y, covariate, treatment)
            half = half_widths(after, after * variance, plan)
            first = ready(treatment)
            risen = np.flatnonzero((difference - half)[first:] > 0.0)
            when[name].append(risen[0] + first + 1.0 if len(risen) else np.inf)
            covered[name] += int((np.abs(difference - truth) <= half)[first:].all())
            once += int(covariate is not None and difference[-1] > Z * np.sqrt(variance[-1]))
        variation.append(a.std() / a.mean())
        left.append(1.0 - np.corrcoef(a, before)[0, 1] ** 2)
    cv, rest = float(np.mean(variation)), float(np.mean(left))
    print(f"\nA/B, a planted lift of {LIFT:.0%}: {tests:,} tests, planned for {plan:,}; sd / mean of plays {cv:.2f}, "
          f"CUPED leaves {rest:.0%} of the variance\n")  # fmt: skip
    sizes = [size for size in (5_000, 10_000, 15_000, 20_000, 30_000, 40_000) if size <= n]
    print(
        "| interval | " + " | ".join(f"found by {size:,}" for size in sizes) + " | 80% found by | covers throughout |"
    )
    print("|---|" + "---|" * (len(sizes) + 2))
    for name in names:
        times = np.array(when[name])
        shares = " | ".join(f"{np.mean(times <= size):.0%}" for size in sizes)
        enough = np.quantile(times, 0.8, method="inverted_cdf")
        needed = f"{enough:,.0f}" if np.isfinite(enough) else "more"
        print(f"| {name} | {shares} | {needed} | {covered[name] / tests:.1%} |")
    single, adjusted = sample_size(LIFT, cv), sample_size(LIFT, cv * rest**0.5)
    print(f"\none look, for 80%, by the formula: {single:,} listeners, with CUPED {adjusted:,}")
    print(f"one look at {n:,} with CUPED found it in {once / tests:.0%}")


def coverage(planted: Planted, replays: int, listeners: int) -> None:
    """Replays from logs of `listeners` drawn listeners: how often each interval covers the true value of the policy."""
    rng, n = np.random.default_rng(3), len(planted.user_ids)
    policies = {"3% lift": planted.lifted(LIFT), "taste": planted.taste}
    found: dict[tuple[str, str], list[tuple[float, float, float]]] = {}
    worth: dict[str, list[tuple[float, float, float]]] = {name: [] for name in policies}
    for number in range(replays):
        drawn = rng.choice(n, listeners, replace=False)
        shown = show(planted, planted.popular, np.repeat(drawn, planted.visits[drawn]), rng)
        log = Logged(shown.listener, chances(planted.popular, shown), shown.heard.astype(np.float64))
        for name, policy in policies.items():
            target = chances(policy, shown)
            one = replay(log, target, draws=400, seed=number)
            tight = replay(log, target, cap=5.0, draws=400, seed=number)
            worth[name].append((one.effective_slates / one.slates, one.largest_weight, tight.capped_share))
            ways = {
                "IPS": one.ips,
                "capped, root n": one.capped,
                "self-normalised": one.self_normalised,
                "capped, 5": tight.capped,
                "lift (capped, root n)": one.lift,
            }
            for way, interval in ways.items():
                found.setdefault((name, way), []).append((interval.value, interval.low, interval.high))
    print(
        f"\nreplay: {replays} logs of {listeners:,} listeners; 95% is the promise; errors and half widths in % of the"
    )
    print("true value, for a lift in points\n")
    print("| policy | estimate | covers the truth | mean error | half width |\n|---|---|---|---|---|")
    now = planted.value(planted.popular)
    for (name, way), rows in found.items():
        values, value = np.array(rows), planted.value(policies[name])
        truth, unit = (value / now - 1.0, 1.0) if way.startswith("lift") else (value, value)
        covers = np.mean((values[:, 1] <= truth) & (truth <= values[:, 2]))
        error, half = (values[:, 0].mean() - truth) / unit, (values[:, 2] - values[:, 1]).mean() / 2 / unit
        print(f"| {name} | {way} | {covers:.1%} | {error:+.2%} | {half:.2%} |")
    for name, facts in worth.items():
        effective, _, taken = np.mean(facts, axis=0)
        largest = max(one[1] for one in facts)
        print(
            f"{name}: worth {effective:.0%} of its slates, largest weight {largest:.0f}, a cap of 5 takes {taken:.1%}"
        )


def main() -> None:
    """Runs the three."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tests", type=int, default=1_000)
    parser.add_argument("--powered", type=int, default=200)
    parser.add_argument("--replays", type=int, default=300)
    options = parser.parse_args()
    start = time.monotonic()
    print(stamp())
    false_alarms(plant(4_000, 0), options.tests)
    ratio_alarms(options.tests)
    large = plant(40_000, 1)
    power(large, options.powered, 20_000)
    coverage(large, options.replays, 1_500)
    coverage(large, options.replays, 150)
    print(f"\n{time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    main()
