"""From intervals to a decision in words, by the role that each metric has.

    success        has to rise: the whole interval of its lift is above 0
    guardrail      must not get worse by more than its margin: the whole interval is on the good side of -margin
    deterioration  every metric but the guardrails: stop when its whole interval is on the bad side of 0
    quality        the experiment itself: sample ratio, what was different before, listeners who met two variants

The roles and the rule are those of Schultzberg, Ankargren and Franberg, "Risk-aware product decisions in A/B tests with
multiple metrics" (Spotify, 2024). Guardrails need no correction for their number, since all of them have to hold;
deterioration does, since any one of them stops. A guardrail's margin says what loss is accepted, so for it the margin
is the only test (ours; Spotify tests it for deterioration too).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from palate.evaluation.intervals import Interval

Role = Literal["success", "guardrail", "other"]
Decision = Literal["ship", "stop", "wait", "do not read"]


@dataclass(frozen=True)
class Measured:
    """One metric of one variant against control, as relative lifts: 0.03 is 3% more.

    lift is for reading; careful is wider, corrected for how many metrics are watched; `better` is 1, or -1 if less is.
    """

    metric: str
    role: Role
    better: int
    lift: Interval
    careful: Interval
    margin: float | None = None


@dataclass(frozen=True)
class Verdict:
    """What to do, and why: one sentence for each reason."""

    decision: Decision
    reasons: tuple[str, ...]


def decide(measured: Sequence[Measured], quality: Sequence[str], enough: bool) -> Verdict:
    """The verdict on one variant. `quality` names what is wrong with the experiment; `enough`: as many listeners are
    complete as were planned."""
    if quality:
        return Verdict("do not read", tuple(quality))
    harm = [reason for one in measured if (reason := _harm(one))]
    if harm:
        return Verdict("stop", tuple(harm))
    missing = [reason for one in measured if (reason := _missing(one))]
    if not missing:
        return Verdict("ship", tuple(_shown(one) for one in measured if one.role != "other"))
    if enough and any(one.role == "success" and not _rose(one) for one in measured):
        return Verdict("stop", ("as many listeners as planned are complete", *missing))
    return Verdict("wait", tuple(missing))


def good(lift: Interval, better: int) -> Interval:
    """The interval turned so that up is better."""
    return lift if better > 0 else Interval(-lift.value, -lift.high, -lift.low)


def _rose(one: Measured) -> bool:
    return good(one.lift, one.better).low > 0.0


def _harm(one: Measured) -> str | None:
    if one.role == "guardrail":
        if one.margin is not None and good(one.lift, one.better).high < -one.margin:
            return f"{one.metric} got worse by more than {one.margin:.1%}: {shown(one.lift)}"
        return None
    return f"{one.metric} got worse: {shown(one.careful)}" if good(one.careful, one.better).high < 0.0 else None


def _missing(one: Measured) -> str | None:
    if one.role == "success" and not _rose(one):
        return f"{one.metric} has not been shown to get better: {shown(one.lift)}"
    if one.role == "guardrail" and one.margin is not None and not good(one.lift, one.better).low > -one.margin:
        return f"{one.metric} may still be worse by more than {one.margin:.1%}: {shown(one.lift)}"
    return None


def _shown(one: Measured) -> str:
    if one.role == "success":
        return f"{one.metric} got better: {shown(one.lift)}"
    return f"{one.metric} is not worse by more than {one.margin or 0.0:.1%}: {shown(one.lift)}"


def shown(lift: Interval) -> str:
    """ "+3.1% [+1.0%, +5.2%]"; a bound that is not there yet is "...", and a lift over nothing is "-"."""
    if math.isnan(lift.value):
        return "-"
    low, high = (f"{bound:+.1%}" if math.isfinite(bound) else "..." for bound in (lift.low, lift.high))
    return f"{lift.value:+.1%} [{low}, {high}]"
