"""The sentences that open the page: known data, known words."""

import re
from typing import Any

import pytest

from palate.evaluation.report.page import page
from palate.evaluation.report.reading import tasks
from palate.evaluation.report.sections.answer import better, others, stale, summary, worst

from .reader import Page

INTERVAL = {"for_you": 0.1209, "item-knn": 0.1110, "popular-7d": 0.0291}
KINDS = {"for_you": {"kind": "palate"}, "item-knn": {"kind": "baseline"}, "popular-7d": {"kind": "baseline"}}


def words(html: str) -> str:
    return Page(f"<p>{html}</p>").all("p")[0].text.replace("\N{NARROW NO-BREAK SPACE}", " ")


def report(low: float = 0.0065, high: float = 0.0140, p: float | None = 0.001, **task: Any) -> dict[str, Any]:
    """for_you against item-knn and popular-7d on next: .1209, .1110, .0291."""
    value = (low + high) / 2 if (low, high) != (0.0065, 0.0140) else 0.0099
    differences = {"for_you": None, "item-knn": {"value": value, "low": low, "high": high, "p": p, "p_holm": p}}
    rows = [
        {
            "method": name,
            "ndcg@100": {"value": level, "low": level - 0.011, "high": level + 0.011},
            "first_minus_this": differences.get(name, {"value": 0.0918, "low": 0.08, "high": 0.1, "p": 1e-4}),
        }
        for name, level in INTERVAL.items()
    ]
    part = {"metric": "ndcg@100", "first": "for_you", "rows": 900, "users": 800, "methods": rows, **task}
    return {"methods": KINDS, "tasks": {"next": part}}


def said(data: dict[str, Any]) -> str:
    return words(better(next(tasks(data))))


def test_ahead() -> None:
    assert said(report()) == (
        "On next, for_you is ahead of item-knn by .0099 NDCG@100 [.0065, .0140], p = .001 after correction over "
        "2 comparisons. That is 9% of item-knn's .1110."
    )
    assert summary(list(tasks(report()))) == "Yes: ahead of the best baseline on the one task."


def test_behind_is_said_without_a_minus() -> None:
    data = report(-0.0140, -0.0060)
    assert said(data) == (
        "On next, for_you is behind item-knn by .0100 NDCG@100 [.0060, .0140], p = .001 after correction over "
        "2 comparisons. That is 9% of item-knn's .1110."
    )
    assert summary(list(tasks(data))) == "No: behind the best baseline on the one task."


@pytest.mark.parametrize(("low", "high", "p"), [(-0.001, 0.003, 0.4), (0.001, 0.003, 0.06), (-0.001, 0.003, 0.01)])
def test_neither_unless_interval_and_p_agree(low: float, high: float, p: float) -> None:
    data = report(low, high, p)
    assert "On next, for_you and item-knn cannot be told apart: the difference is" in said(data)
    assert summary(list(tasks(data))).startswith("Cannot tell:")


def test_without_p_the_interval_decides() -> None:
    assert said(report(p=None)).startswith("On next, for_you is ahead of item-knn by .0099 NDCG@100 [.0065, .0140].")


def test_a_baseline_in_front_turns_the_difference() -> None:
    data = report()
    part = data["tasks"]["next"]
    part["first"] = "item-knn"
    rows = {row["method"]: row for row in part["methods"]}
    rows["for_you"]["first_minus_this"], rows["item-knn"]["first_minus_this"] = (
        rows["item-knn"]["first_minus_this"],
        None,
    )
    assert said(data).startswith("On next, for_you is behind item-knn by .0099 NDCG@100 [.0065, .0140], p = .001")


def test_alone_it_cannot_be_judged() -> None:
    data = report()
    data["tasks"]["next"]["methods"] = data["tasks"]["next"]["methods"][:1]
    assert said(data).endswith("; no baseline was measured beside it, so this does not say whether that is good.")
    assert summary(list(tasks(data))) == "Cannot tell: nothing was compared with a baseline."


def test_only_baselines() -> None:
    data = {**report(first="item-knn"), "methods": {name: {"kind": "baseline"} for name in INTERVAL}}
    assert said(data).startswith("On next, only baselines were measured; item-knn is first with .1110 NDCG@100")


def test_a_ceiling_is_no_competitor_and_gives_shares() -> None:
    data = report()
    part = data["tasks"]["next"]
    data["methods"] = {**KINDS, "planted": {"kind": "ceiling"}}
    part["methods"].insert(
        0, {"method": "planted", "ndcg@100": {"value": 0.2418, "low": 0.23, "high": 0.25}, "of_ceiling": 1.0}
    )
    part["methods"][1]["of_ceiling"] = 0.5
    assert said(data).endswith("It reaches 50% of the best that was possible.")
    assert next(tasks(data)).ceiling == 0.2418


def test_the_other_tasks_in_one_sentence() -> None:
    parts = {"a": report(), "b": report(-0.0140, -0.0060), "c": report(-0.001, 0.003), "d": report()}
    known = [next(tasks({**data, "tasks": {name: data["tasks"]["next"]}})) for name, data in parts.items()]
    assert words(others(known) or "") == "Elsewhere: ahead on a and d; behind on b; not to be told apart on c."
    assert summary(known) == "In part: of 4 tasks, ahead of the best baseline on 2, behind on 1 and undecided on 1."


def test_the_worst_cohort() -> None:
    new = {
        "for_you": {"value": 0.0312, "low": 0.02, "high": 0.04},
        "item-knn": {"value": 0.03, "low": 0.02, "high": 0.04},
    }
    data = report(cohorts=[{"cohort": "new", "users": 88, "methods": new}], worst={"cohort": "new", **new["for_you"]})
    assert words(worst(list(tasks(data)))) == (
        "On next, it is worst for the 88 listeners in new: .0312 NDCG@100 [.0200, .0400], where item-knn scores "
        ".0300 NDCG@100 [.0200, .0400]. Over everybody it scores .1209."
    )
    assert words(worst(list(tasks(report())))).startswith("Not known")


def test_how_fast_it_goes_stale() -> None:
    data = report()
    levels = [{"value": value, "low": value - 0.01, "high": value + 0.01} for value in (0.12, 0.11, 0.09, 0.06)]
    ages = [0, 3_600, 86_400, 604_800]
    data["staleness"] = {"task": "next", "metric": "ndcg@100", "ages_seconds": ages, "methods": {"for_you": levels}}
    known = list(tasks(data))
    assert words(stale(data, known)) == (
        "A taste that is 7 d old keeps 50% of what it scores when fresh: .1200 NDCG@100 becomes .0600. "
        "The two intervals part at 1 d."
    )
    data["staleness"]["methods"]["for_you"] = [levels[0], None, None, levels[1]]
    assert "still overlap at every age" in words(stale(data, known))
    data["staleness"]["methods"]["for_you"] = [levels[0], None, None, None]
    assert words(stale(data, known)).startswith("Cannot tell")
    assert words(stale({}, known)).startswith("Not measured")


def test_no_superlatives() -> None:
    text = Page(page(report())).by_id("answer").text.lower()
    assert (
        re.findall(r"\b(great|excellent|impressive|significantly|state[- ]of[- ]the[- ]art|dramatic\w*)\b", text) == []
    )
