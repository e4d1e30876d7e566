"""Results as text for a terminal."""

from collections.abc import Iterable
from math import isnan

from palate.lab.listening_tests.results import Results, Summary
from palate.lab.listening_tests.statistics.intervals import Interval

SIMULATED = "SIMULATED: the listeners of this home are made up, so the answers say nothing of real people."


def text(found: Results) -> str:
    """The whole result."""
    test = found.test
    lines = [f"{test.name}: {test.kind} of {test.of}, {len(test.cases)} cases, {', '.join(test.conditions)}"]
    lines += [SIMULATED] if test.simulated else []
    lines += [f"note: {note}" for note in test.notes]
    if found.everyone is None:
        return "\n".join([*lines, "", f"No answers yet; run: palate lab listen serve {test.name}"])
    lines += ["", *_summary(found.everyone)]
    out = [row for row in found.raters if row.screened]
    if out:
        lines += ["", f"{len(out)} of {len(found.raters)} raters are screened:"]
        lines += [f"  {row.nickname or row.rater}: {row.screened}" for row in out]
    if found.kept is not None:
        lines += ["", "Without them:", *_summary(found.kept)]
    return "\n".join(lines)


def _summary(one: Summary) -> list[str]:
    agreed = one.agreement
    lines = [f"{one.answers:,} answers of {one.raters:,} raters to {one.cases:,} cases"]
    if isnan(agreed.alpha):
        lines.append("agreement: nothing yet that several raters judged differently")
    else:
        lines.append(f"agreement: Krippendorff's alpha {agreed.alpha:.2f} ({agreed.metric}, {agreed.units:,} units)")
    if one.pairs:
        lines += ["", *_pairs(one)]
    if one.scores:
        rows = [[row.condition, _interval(row.mean), f"{row.answers:,}", row.question] for row in one.scores]
        lines += ["", *_table(["condition", "mean [95%]", "answers", "question"], rows)]
    if one.differences:
        rows = [
            [f"{row.first} - {row.second}", _interval(row.mean), f"{row.p:.3g}", f"{row.p_holm:.3g}"]
            for row in one.differences
        ]
        lines += ["", *_table(["difference", "mean [95%]", "p", "p (Holm)"], rows)]
    return lines


def _pairs(one: Summary) -> list[str]:
    rows = [
        [
            f"{row.first} : {row.second}", f"{row.wins} : {row.losses}", str(row.ties), _interval(row.share),
            _interval(row.over_raters), f"{row.p:.3g}", f"{row.p_holm:.3g}",
        ]
        for row in one.pairs
    ]  # fmt: skip
    names = ["pair", "wins", "same", "share [Wilson]", "share [raters x cases]", "p", "p (Holm)"]
    lines = _table(names, rows)
    if one.first_place is not None and not isnan(one.first_place.value):
        lines += ["", f"what stood left was preferred in {_interval(one.first_place)} of the decided"]
    if one.preference is None:
        return [*lines, "no strengths yet: answers have to connect all conditions"]
    model = one.preference
    ranked = sorted(model.strengths, key=lambda name: -model.strengths[name].value)
    shown = [[name, _interval(model.strengths[name]), f"{model.chance[name]:.2f}"] for name in ranked]
    return [
        *lines, "", *_table(["condition", "strength [95%]", "preferred to another"], shown),
        f"equals are called the same in {model.tie_share:.0%} (Davidson's model)",
    ]  # fmt: skip


def _interval(one: Interval) -> str:
    if isnan(one.value):
        return "-"
    digits = 1 if abs(one.value) >= 10 else 2
    bounds = "" if isnan(one.low) else f" [{one.low:.{digits}f}, {one.high:.{digits}f}]"
    return f"{one.value:.{digits}f}{bounds}"


def _table(names: list[str], rows: Iterable[list[str]]) -> list[str]:
    lines = [names, *rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(names))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
